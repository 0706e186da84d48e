--- Builders of scripted answers in the chat-completion shape, as gateways send
--- it: whole, and as a stream of data-only events with `data: [DONE]` at its end.
---
---     local answer = completions.completion { content = "Hello!" }

local answers = require "anthropic.testing.answers"
local json = require "anthropic.testing.json"

---@class anthropic.testing.Choice
---@field content? string the text
---@field reasoning? string the reasoning, before the text
---@field tool_calls? anthropic.testing.ToolCall[] after the text
---@field finish_reason? string Default: "tool_calls" with a tool call, else "stop"

---@class anthropic.testing.ToolCall
---@field name string of the tool
---@field arguments? string|table a table is sent as JSON. Default: "{}"
---@field id? string Default: "call_test_1", "call_test_2", ...

---@class anthropic.testing.CompletionFields: anthropic.testing.Pace
---@field content? string the text
---@field reasoning? string the reasoning, before the text
---@field tool_calls? anthropic.testing.ToolCall[] after the text
---@field finish_reason? string Default: "tool_calls" with a tool call, else "stop"
---@field choices? anthropic.testing.Choice[] several choices, in place of the fields above
---@field id? string Default: "chatcmpl-test"
---@field model? string Default: "claude-test"
---@field created? integer seconds since the epoch. Default: a fixed time
---@field usage? table Default: 9 prompt tokens, 12 completion tokens

---@class anthropic.testing.CompletionStreamFields: anthropic.testing.CompletionFields
---@field pieces? integer in how many pieces a text comes. Default: one for each word
---@field usage_alone? boolean true: usage in a chunk of its own, without choices. Default: false
---@field done? boolean false: no `data: [DONE]` at the end. Default: true

local completions = {}

local kinds = {
  content = "string", reasoning = "string", tool_calls = "list", choices = "list", usage = "table", pieces = "count",
}
local default_created = 1700000000
local completion_fields = "content reasoning tool_calls finish_reason choices id model created usage"

--- The choices a builder asks for: `choices`, or one of the fields themselves.
local function choices_of(fields)
  return fields.choices or { fields }
end

local function finish_reason_of(choice)
  return choice.finish_reason or choice.tool_calls and "tool_calls" or "stop"
end

local function tool_call_of(call, index)
  local arguments = call.arguments or "{}"
  return {
    id = call.id or "call_test_" .. index,
    type = "function",
    ["function"] = {
      name = call.name,
      arguments = type(arguments) == "string" and arguments or json.encode(arguments),
    },
  }
end

local function tool_calls_of(choice)
  local calls = {}
  for index, call in ipairs(choice.tool_calls or {}) do
    calls[index] = tool_call_of(call, index)
  end
  return calls
end

local function usage_of(fields)
  return fields.usage or { prompt_tokens = 9, completion_tokens = 12, total_tokens = 21 }
end

local function object_of(fields, kind, choices, usage)
  return {
    id = fields.id or "chatcmpl-test",
    object = kind,
    created = fields.created or default_created,
    model = fields.model or "claude-test",
    choices = json.array(choices),
    usage = usage,
  }
end

--- An answer with a whole chat completion.
---@param fields anthropic.testing.CompletionFields
---@return anthropic.testing.Answer answer
function completions.completion(fields)
  answers.check(fields, kinds)
  local list = {}
  for index, choice in ipairs(choices_of(fields)) do
    local calls = tool_calls_of(choice)
    list[index] = {
      index = index - 1,
      message = {
        role = "assistant",
        content = choice.content or #calls > 0 and json.null or "",
        reasoning_content = choice.reasoning,
        tool_calls = #calls > 0 and calls or nil,
      },
      finish_reason = finish_reason_of(choice),
    }
  end
  local body = object_of(fields, "chat.completion", list, usage_of(fields))
  return answers.complete({ body = body }, fields, completion_fields)
end

--- The deltas of one choice, from its role to its last tool call.
local function deltas_of(choice, fields)
  local deltas = { { role = "assistant", content = "" } }
  for _, piece in ipairs(answers.cut(choice.reasoning or "", fields)) do
    deltas[#deltas + 1] = { reasoning_content = piece }
  end
  for _, piece in ipairs(answers.cut(choice.content or "", fields)) do
    deltas[#deltas + 1] = { content = piece }
  end
  for index, call in ipairs(tool_calls_of(choice)) do
    local arguments = call["function"].arguments
    call.index = index - 1
    call["function"].arguments = ""
    deltas[#deltas + 1] = { tool_calls = { call } }
    for _, piece in ipairs(answers.cut(arguments, fields)) do
      deltas[#deltas + 1] = { tool_calls = { { index = index - 1, ["function"] = { arguments = piece } } } }
    end
  end
  return deltas
end

--- Yields every choice's deltas in turn: the first of each, the second of each, ...
local function interleave(choices, fields, visit)
  local lists, longest = {}, 0
  for index, choice in ipairs(choices) do
    lists[index] = deltas_of(choice, fields)
    longest = math.max(longest, #lists[index])
  end
  for step = 1, longest do
    for index, deltas in ipairs(lists) do
      if deltas[step] then
        visit(index - 1, deltas[step])
      end
    end
  end
end

--- An answer with a streamed chat completion. Usage comes with the last chunk.
---@param fields anthropic.testing.CompletionStreamFields
---@return anthropic.testing.Answer answer
function completions.completion_stream(fields)
  answers.check(fields, kinds)
  local events = {}
  local choices = choices_of(fields)
  local function add_chunk(list, usage)
    events[#events + 1] = { data = object_of(fields, "chat.completion.chunk", list, usage) }
  end
  interleave(choices, fields, function(index, delta)
    add_chunk { { index = index, delta = delta, finish_reason = json.null } }
  end)
  for index, choice in ipairs(choices) do
    local is_last = index == #choices
    add_chunk({ { index = index - 1, delta = {}, finish_reason = finish_reason_of(choice) } },
      is_last and not fields.usage_alone and usage_of(fields) or nil)
  end
  if fields.usage_alone then
    add_chunk({}, usage_of(fields))
  end
  if fields.done ~= false then
    events[#events + 1] = { data = "[DONE]" }
  end
  return answers.complete({ events = events }, fields, completion_fields .. " pieces usage_alone done")
end

return completions
