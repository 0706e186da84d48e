--- Builders of scripted answers in the API's native shape: whole messages,
--- streams of events, errors. What they return are plain answers, whose other
--- fields (`delay`, `cut_after`, ...) can be set on them.
---
---     local answer = answers.stream { thinking = "Hm.", text = "Hello!", delay_between = 0.03 }
---     answer.cut_after = 400

local json = require "anthropic.testing.json"
local pieces = require "anthropic.testing.pieces"

---@class anthropic.testing.Pace fields of an answer that every builder takes
---@field headers? table as in anthropic.testing.Answer
---@field request_id? string the header `request-id`
---@field interim? (integer|anthropic.testing.Interim)[] as in anthropic.testing.Answer
---@field framing? "length"|"chunked"|"close" as in anthropic.testing.Answer
---@field chunk_bytes? integer cuts the body into writes of that many bytes
---@field splits? integer[] cuts the body into writes at these offsets
---@field delay? number seconds before the answer
---@field delay_between? number seconds between its pieces
---@field cut_after? integer closes the connection after that many bytes of the body
---@field reset_after? integer resets the connection after that many bytes of the body
---@field hang_after? integer sends nothing more after that many bytes of the body
---@field cut_headers? integer closes the connection after that many bytes of the head

---@class anthropic.testing.MessageFields: anthropic.testing.Pace
---@field text? string a text block
---@field thinking? string a thinking block, before the text
---@field signature? string of the thinking. Default: one of the server's own
---@field tool_uses? anthropic.testing.ToolUse[] tool_use blocks, after the text
---@field content? table[] all blocks as they are, in place of the fields above
---@field id? string Default: "msg_test"
---@field model? string Default: "claude-test"
---@field stop_reason? string Default: "tool_use" with a tool_use block, else "end_turn"
---@field stop_sequence? string Default: null
---@field usage? table<string, any> Default: 10 input tokens, 20 output tokens; of a stream one for each piece

---@class anthropic.testing.ToolUse
---@field name string of the tool
---@field input? table Default: an empty object
---@field input_json? string the input as a JSON text, sent as it is
---@field id? string Default: "toolu_test_1", "toolu_test_2", ...

---@class anthropic.testing.StreamFields: anthropic.testing.MessageFields
---@field pieces? integer in how many pieces a text comes. Default: one for each word
---@field ping? boolean false: no `ping` after the first block's start. Default: true
---@field error? { type: string, message: string } an `error` event in place of the last block's end and all that
---  follows

---@class anthropic.testing.ErrorFields: anthropic.testing.Pace
---@field status? integer Default: 500
---@field type? string Default: the API's type for the status
---@field message? string Default: "an error of the testing server"
---@field retry_after? number seconds, in the header `retry-after`

local answers = {}

local default_model = "claude-test"
local default_signature = "c2lnbmF0dXJlIG9mIHRoZSB0ZXN0aW5nIHNlcnZlcg=="

-- Fields of a builder that are fields of the answer as they are.
local answer_fields = {
  "headers", "request_id", "interim", "framing", "chunk_bytes", "splits", "delay", "delay_between",
  "cut_after", "reset_after", "hang_after", "cut_headers",
}

local function problem_of(value, kind)
  local found = type(value)
  if kind == "count" then
    return (found ~= "number" or value < 1 or value % 1 ~= 0) and "a whole number, 1 or more, expected" or nil
  elseif found ~= (kind == "list" and "table" or kind) then
    return kind .. " expected, got " .. found
  end
  local count = 0
  for key, item in pairs(kind == "list" and value or {}) do
    if type(key) ~= "number" or type(item) ~= "table" then
      return "a list of tables expected"
    end
    count = count + 1
  end
  for index = 1, count do
    if value[index] == nil then
      return "a list of tables expected, [" .. index .. "] is missing"
    end
  end
end

--- Raises an error where a builder's fields are no table, or one of them would be left out or is no such thing.
---@param fields any
---@param kinds table<string, string> name -> "string", "number", "table", "list" (of tables) or "count"
function answers.check(fields, kinds)
  if type(fields) ~= "table" then
    error("anthropic.testing: a table of fields expected, got " .. type(fields), 0)
  end
  for name, kind in pairs(kinds) do
    local problem = fields[name] ~= nil and problem_of(fields[name], kind)
    if problem then
      error("anthropic.testing: " .. name .. ": " .. problem, 0)
    end
  end
end

--- Completes an answer with its own fields among a builder's. Raises an error for
--- a field that is not one of these and not in `names`.
---@param answer table
---@param fields table
---@param names string the builder's fields, with spaces between
---@return table answer
function answers.complete(answer, fields, names)
  local known = {}
  for name in names:gmatch("%S+") do
    known[name] = true
  end
  for _, name in ipairs(answer_fields) do
    answer[name] = fields[name]
    known[name] = true
  end
  for name in pairs(fields) do
    if not known[name] then
      error("anthropic.testing: no such field: " .. tostring(name), 0)
    end
  end
  return answer
end

--- Cuts a text as the builder's `pieces` says.
---@param text string
---@param fields table
---@return string[]
function answers.cut(text, fields)
  return fields.pieces and pieces.count(text, fields.pieces) or pieces.words(text)
end

local function shallow_copy(source, replaced)
  local copy = {}
  for name, value in pairs(source) do
    copy[name] = value
  end
  for name, value in pairs(replaced) do
    copy[name] = value
  end
  return copy
end

local message_kinds = {
  content = "list", text = "string", thinking = "string", tool_uses = "list", usage = "table", pieces = "count",
  error = "table",
}
local message_fields = "content thinking signature text tool_uses id model stop_reason stop_sequence usage"

local function content_of(fields)
  if fields.content then
    return json.array(shallow_copy(fields.content, {}))
  end
  local content = json.array {}
  if fields.thinking then
    content[1] = { type = "thinking", thinking = fields.thinking, signature = fields.signature or default_signature }
  end
  if fields.text then
    content[#content + 1] = { type = "text", text = fields.text }
  end
  for index, tool_use in ipairs(fields.tool_uses or {}) do
    content[#content + 1] = {
      type = "tool_use",
      id = tool_use.id or "toolu_test_" .. index,
      name = tool_use.name,
      input = tool_use.input_json and json.raw(tool_use.input_json) or tool_use.input or {},
    }
  end
  return content
end

local function usage_of(fields, output_tokens)
  local usage = { input_tokens = 10, output_tokens = output_tokens }
  for name, value in pairs(fields.usage or {}) do
    usage[name] = value
  end
  return usage
end

local function stop_reason_of(fields, content)
  if fields.stop_reason then
    return fields.stop_reason
  end
  for _, block in ipairs(content) do
    if block.type == "tool_use" then
      return "tool_use"
    end
  end
  return "end_turn"
end

local function message_of(fields, content, stop_reason, stop_sequence, usage)
  return {
    id = fields.id or "msg_test",
    type = "message",
    role = "assistant",
    model = fields.model or default_model,
    content = content,
    stop_reason = stop_reason,
    stop_sequence = stop_sequence,
    usage = usage,
  }
end

--- An answer with a whole message.
---@param fields anthropic.testing.MessageFields
---@return anthropic.testing.Answer answer
function answers.message(fields)
  answers.check(fields, message_kinds)
  local content = content_of(fields)
  local body = message_of(fields, content, stop_reason_of(fields, content),
    fields.stop_sequence or json.null, usage_of(fields, 20))
  return answers.complete({ body = body }, fields, message_fields)
end

--- The deltas of a block and the block as it starts, by type. Other types come
--- whole in their start.
local block_deltas = {}

function block_deltas.text(block, fields)
  local deltas = {}
  for _, citation in ipairs(block.citations or {}) do
    deltas[#deltas + 1] = { type = "citations_delta", citation = citation }
  end
  for _, piece in ipairs(answers.cut(block.text, fields)) do
    deltas[#deltas + 1] = { type = "text_delta", text = piece }
  end
  return deltas, shallow_copy(block, { text = "", citations = block.citations and json.array {} })
end

function block_deltas.thinking(block, fields)
  local deltas = {}
  for index, piece in ipairs(answers.cut(block.thinking, fields)) do
    deltas[index] = { type = "thinking_delta", thinking = piece }
  end
  if block.signature then
    deltas[#deltas + 1] = { type = "signature_delta", signature = block.signature }
  end
  return deltas, shallow_copy(block, { thinking = "", signature = "" })
end

function block_deltas.tool_use(block, fields)
  local deltas = { { type = "input_json_delta", partial_json = "" } }
  for _, piece in ipairs(answers.cut(json.encode(block.input), fields)) do
    deltas[#deltas + 1] = { type = "input_json_delta", partial_json = piece }
  end
  return deltas, shallow_copy(block, { input = {} })
end

block_deltas.server_tool_use = block_deltas.tool_use
block_deltas.mcp_tool_use = block_deltas.tool_use

local function add_event(events, data)
  events[#events + 1] = { event = data.type, data = data }
end

local function add_block(events, block, index, fields)
  local deltas, start = {}, block
  if block_deltas[block.type] then
    deltas, start = block_deltas[block.type](block, fields)
  end
  add_event(events, { type = "content_block_start", index = index, content_block = start })
  if index == 0 and fields.ping ~= false then
    add_event(events, { type = "ping" })
  end
  for _, delta in ipairs(deltas) do
    add_event(events, { type = "content_block_delta", index = index, delta = delta })
  end
  return #deltas
end

--- An answer with the events of a streamed message, in the order in which the API sends them.
---@param fields anthropic.testing.StreamFields
---@return anthropic.testing.Answer answer
function answers.stream(fields)
  answers.check(fields, message_kinds)
  local events, deltas = {}, 0
  local content = content_of(fields)
  local usage = usage_of(fields)
  usage.output_tokens = 1
  add_event(events, {
    type = "message_start",
    message = message_of(fields, json.array {}, json.null, json.null, usage),
  })
  for position, block in ipairs(content) do
    deltas = deltas + add_block(events, block, position - 1, fields)
    if position < #content or not fields.error then
      add_event(events, { type = "content_block_stop", index = position - 1 })
    end
  end
  if fields.error then
    add_event(events, { type = "error", error = fields.error, request_id = fields.request_id })
  else
    add_event(events, {
      type = "message_delta",
      delta = {
        stop_reason = stop_reason_of(fields, content),
        stop_sequence = fields.stop_sequence or json.null,
      },
      usage = { output_tokens = usage_of(fields, deltas + 1).output_tokens },
    })
    add_event(events, { type = "message_stop" })
  end
  return answers.complete({ events = events }, fields, message_fields .. " pieces ping error")
end

-- The error type of a status, where the two are not given both.
local error_types = {
  [400] = "invalid_request_error", [401] = "authentication_error", [402] = "billing_error",
  [403] = "permission_error", [404] = "not_found_error", [409] = "conflict_error",
  [413] = "request_too_large", [429] = "rate_limit_error", [500] = "api_error",
  [504] = "timeout_error", [529] = "overloaded_error",
}

--- An answer with an API error.
---@param fields anthropic.testing.ErrorFields
---@return anthropic.testing.Answer answer
function answers.error(fields)
  answers.check(fields, { status = "number" })
  local status = fields.status or 500
  local request_id = fields.request_id or "req_test_error"
  local answer = answers.complete({
    status = status,
    body = {
      type = "error",
      error = {
        type = fields.type or error_types[status] or (status < 500 and "invalid_request_error" or "api_error"),
        message = fields.message or "an error of the testing server",
      },
      request_id = request_id,
    },
  }, fields, "status type message retry_after")
  answer.request_id = request_id
  if fields.retry_after then
    answer.headers = shallow_copy(fields.headers or {}, { ["retry-after"] = fields.retry_after })
  end
  return answer
end

return answers
