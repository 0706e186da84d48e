--- Tools that the model can call: how they are defined, and what becomes of a call.
--
--     local weather = anthropic.tool {
--       name = "get_weather", description = "The weather of a city.",
--       input_schema = { type = "object", properties = { city = { type = "string" } }, required = { "city" } },
--       run = function(input, call)
--         return { celsius = 21, city = input.city }   -- or a string, content blocks, nil and a message
--       end,
--     }
--
-- `run` returns a text, content blocks or anything that JSON can say; nil and a message for a failure.
-- What `run` raises, and a message after nil, become a result with `is_error`, which the model reads.
-- What is not UTF-8 in a result is mended, as nobody is there to do it: U+FFFD for each ill-formed part.

local core = require "anthropic.core"
local json = require "anthropic.base.json"
local loop = require "anthropic.loop"
local tasks = require "anthropic.loop.task"

local tools = {}

-- Stock Lua 5.1 cannot yield under pcall.
local PCALL_CANNOT_WAIT = _VERSION == "Lua 5.1" and rawget(_G, "jit") == nil

---@class anthropic.Tool the definition as it is sent; `run`, `timeout` and `max_result_bytes` are not
---@field name? string
---@field description? string
---@field input_schema? table
---@field run fun(input: table, call: anthropic.ToolCall): any, any

---@class anthropic.ToolFields further fields are sent as they are
---@field name? string 1 to 128 letters, digits, "_" and "-"; a `type` of the API's may do without
---@field description? string
---@field input_schema? table default: an object without properties
---@field run fun(input: table, call: anthropic.ToolCall): any, any
---@field timeout? number seconds
---@field max_result_bytes? integer of text in a result

---@class anthropic.ToolCall
---@field id string of the tool_use block
---@field name? string of the tool or, where a toolset is called, of its member; nil where the model said none
---@field toolset_name? string `computer` for a call of `computer_toolset_20260801`
---@field input any a copy of what the model gave, yours to change; nil where its JSON is broken
---@field tool? anthropic.Tool that will run; nil where none fits, or it was withdrawn by a `tool_removal`
---@field block table the tool_use block
---@field turn integer
---@field message anthropic.Message that the call stands in
---@field client anthropic.Client

-- --- definition ----------------------------------------------------------------------------------

local function is_positive(value)
  return type(value) == "number" and value > 0
end

-- The fields that stay here.
local OWN = {
  run = function(value) return type(value) == "function", "function" end,
  timeout = function(value) return is_positive(value), "positive number of seconds" end,
  max_result_bytes = function(value) return is_positive(value), "positive number of bytes" end,
}

local SENT = {
  name = function(value)
    local is_name = type(value) == "string" and value:find "^[%w_-]+$" ~= nil and #value <= 128
    return is_name, "string of 1 to 128 letters, digits, '_' and '-'"
  end,
  description = function(value) return type(value) == "string", "string" end,
  input_schema = function(value) return type(value) == "table", "table" end,
  type = function(value) return type(value) == "string", "string" end,
}

local function check_field(checks, name, value, level)
  local ok, expected = checks[name](value)
  if not ok then
    local got = type(value) == "string" and ("%q"):format(value) or type(value)
    error(("anthropic.tool: %s: %s expected, got %s"):format(name, expected, got), level + 1)
  end
end

--- What `anthropic.tool` does. Raises where a field is of a wrong type. Fields that it does not know are sent as
--- they are (`cache_control`, `strict`, `type` of a tool that the API defines, ...).
---@param fields anthropic.ToolFields
---@return anthropic.Tool
function tools.tool(fields)
  if type(fields) ~= "table" then
    error("anthropic.tool: table expected, got " .. type(fields), 3)
  end
  local own, sent = {}, {}
  for name, value in pairs(fields) do
    local checks = OWN[name] and OWN or SENT
    if checks[name] then
      check_field(checks, name, value, 3)
    end
    (OWN[name] and own or sent)[name] = value
  end
  check_field(OWN, "run", own.run, 3)
  if sent.type == nil or sent.type == "custom" then
    check_field(SENT, "name", sent.name, 3)
    sent.input_schema = sent.input_schema or { type = "object", properties = {} }
  end
  return setmetatable(sent, {
    __name = "anthropic.Tool",
    __index = own,
    __newindex = function(tool, name, value)
      if OWN[name] then
        own[name] = value
      else
        rawset(tool, name, value)
      end
    end,
  })
end

--- Whether a value was made by `anthropic.tool`.
function tools.is(value)
  local metatable = type(value) == "table" and getmetatable(value)
  return type(metatable) == "table" and metatable.__name == "anthropic.Tool"
end

-- --- results -------------------------------------------------------------------------------------

local DEFAULT_MAX_RESULT_BYTES = 256 * 1024

-- What a table must have beside its type to be a content block of a result.
local BLOCKS = {
  text = "text",
  image = "source",
  document = "source",
  search_result = "content",
  tool_reference = "tool_name",
  browser_state = "tabs",
}

local function is_block(value)
  local field = type(value) == "table" and BLOCKS[value.type]
  if not field then
    return false
  end
  local kind = type(value[field])
  return kind ~= "nil" and (field ~= "text" or kind == "string" or kind == "number")
end

local function is_list_of_blocks(value)
  if type(value) ~= "table" or #value == 0 then
    return false
  end
  for _, block in ipairs(value) do
    if not is_block(block) then
      return false
    end
  end
  return true
end

-- The API refuses a text block in which there is nothing.
local function is_blank(text)
  return not text:find "%S"
end

local function cut_note(kept, whole)
  return ("[cut: the first %d of %d bytes]"):format(kept, whole)
end

-- A text as it can be sent: UTF-8, and of at most so many bytes, not cut inside a character; then a
-- note says so to the model.
local function fit(text, limit)
  local head = #text > limit and text:sub(1, math.floor(limit) + 4) or text -- what is behind is cut anyway
  head = json.mend(head)
  local whole = math.max(#text, #head)
  if whole <= limit then
    return head
  end
  local last = math.floor(limit)
  while last > 0 and head:find("^[\128-\191]", last + 1) do
    last = last - 1
  end
  return head:sub(1, last) .. "\n" .. cut_note(last, whole)
end

-- The blocks of a result but for blank texts; nil where none is left.
local function fit_blocks(blocks, limit)
  local kept, left, omitted = json.array {}, limit, 0
  for _, block in ipairs(blocks) do
    local text = block.type == "text" and tostring(block.text)
    if not text then
      kept[#kept + 1] = block
    elseif left > 0 and not is_blank(text) then
      local shorter = json.copy(block)
      shorter.text = fit(text, left)
      left = left - #shorter.text
      kept[#kept + 1] = shorter
    else
      omitted = omitted + (is_blank(text) and 0 or #text)
    end
  end
  if left == 0 and omitted > 0 then -- nothing was cut that says so
    kept[#kept + 1] = { type = "text", text = cut_note(limit, limit + omitted) }
  end
  return #kept > 0 and kept or nil
end

-- The content of a result for what a tool gave, if there is any; nil and a message where it cannot be
-- sent.
local function content_of(value, limit)
  if value == nil then
    return nil
  elseif is_block(value) then
    value = { value }
  end
  if is_list_of_blocks(value) then
    return fit_blocks(value, limit)
  end
  local text, problem = value, nil
  if type(value) ~= "string" then
    text, problem = json.encode_mended(value)
  end
  if not text or is_blank(text) then
    return nil, problem
  end
  return fit(text, limit)
end

local function has_tostring(value)
  local metatable = type(value) == "table" and getmetatable(value)
  return type(metatable) == "table" and metatable.__tostring ~= nil
end

-- The content of a result for why a tool failed, likewise.
local function content_of_failure(reason, limit)
  if is_block(reason) or is_list_of_blocks(reason) then
    return content_of(reason, limit)
  elseif type(reason) == "table" and not has_tostring(reason) then
    reason = json.encode_mended(reason)
    return reason and fit(reason, limit)
  end
  local words = tostring(reason)
  return not is_blank(words) and fit(words, limit) or nil
end

-- What a function above gives, where the value's metamethods may raise anything.
local function read(value, limit, content_of_value)
  local ok, content, problem = pcall(content_of_value, value, limit)
  if ok then
    return content, problem
  end
  return nil, type(content) == "string" and content or "to read it raises an error"
end

local function result(call, content, is_error)
  return {
    type = "tool_result",
    tool_use_id = call.id,
    content = content,
    is_error = is_error or nil,
    toolset_name = type(call.block.toolset_name) == "string" and call.block.toolset_name or nil,
  }
end

--- A result that tells the model of a failure. (The API refuses one without content.)
---@param call anthropic.ToolCall
---@param reason any a text, content blocks, or a value with a text
---@return table block
function tools.failure(call, reason, limit)
  limit = limit or DEFAULT_MAX_RESULT_BYTES
  local content, problem = read(reason, limit, content_of_failure)
  local block = not problem and result(call, content or "the tool failed", true) or nil
  if block then
    block, problem = json.mend(block)
  end
  return block or result(call, fit("the result cannot be sent: " .. problem, limit), true)
end

-- The result for what a tool returned or, where it is not ok, raised.
local function conclude(call, limit, ok, value, reason)
  if not ok or value == nil and reason ~= nil then
    return tools.failure(call, reason, limit)
  end
  local content, problem = read(value, limit, content_of)
  local block
  if not problem then
    block, problem = json.mend(result(call, content))
  end
  return block or tools.failure(call, "the result cannot be sent: " .. problem, limit)
end

-- --- running -------------------------------------------------------------------------------------

local function timed_out(call, seconds)
  return tools.failure(call, ("the tool did not end within %g seconds"):format(seconds))
end

-- pcall, where waiting inside of it is possible; else a coroutine that passes its yields on.
local function protect(f, ...)
  if not PCALL_CANNOT_WAIT then
    return pcall(f, ...)
  end
  local thread = coroutine.create(f)
  local function go_on(ok, ...)
    if coroutine.status(thread) == "dead" then
      return ok, ...
    end
    return go_on(coroutine.resume(thread, coroutine.yield(...)))
  end
  return go_on(coroutine.resume(thread, ...))
end

-- The results of protect, with what was raised where a returned reason would be.
local function after_protect(ok, value, reason)
  if ok then
    return ok, value, reason
  end
  return ok, nil, value
end

local function run_here(call, limits)
  local began = core.now()
  local block = conclude(call, limits.bytes, after_protect(protect(call.tool.run, call.input, call)))
  if limits.seconds and core.now() - began > limits.seconds then
    return timed_out(call, limits.seconds)
  end
  return block
end

-- In a task of its own, which catches its error; nil where this task was cancelled.
local function run_in_task(call, limits)
  local task = tasks.spawn(call.tool.run, call.input, call)
  local go_on = tasks.wait(nil, task, limits.seconds)
  if not task.done then
    task:cancel()
    return go_on and timed_out(call, limits.seconds)
  end
  return conclude(call, limits.bytes, task.results ~= nil, task:join())
end

local function limits_of(call, limits)
  return {
    seconds = call.tool.timeout or limits.seconds,
    bytes = call.tool.max_result_bytes or limits.bytes or DEFAULT_MAX_RESULT_BYTES,
  }
end

local function answer_together(calls, limits)
  local running, blocks = {}, {}
  for i, call in ipairs(calls) do
    running[i] = not call.answer and tasks.spawn(run_in_task, call, limits_of(call, limits))
  end
  for i, call in ipairs(calls) do
    local problem
    if running[i] then
      blocks[i], problem = running[i]:join()
    else
      blocks[i] = call.answer
    end
    if problem and running[i].done then
      error(problem, 0)
    elseif problem then -- this task was cancelled, and not that one
      for _, task in pairs(running) do
        if task then
          task:cancel()
        end
      end
      return nil
    end
  end
  return blocks
end

--- Runs the calls that have no `answer` yet: all at once where tasks can be spawned, else one after
--- the other. A time limit ends a tool that waits only there; elsewhere it is checked when the tool has
--- ended.
---@param calls anthropic.ToolCall[]
---@param limits { seconds?: number, bytes?: number } of tools that have none of their own
---@return table[]|nil blocks in the order of the calls; nil where the running task was cancelled
function tools.answer(calls, limits)
  if loop.driver().spawn then
    return answer_together(calls, limits)
  end
  local blocks = {}
  for i, call in ipairs(calls) do
    blocks[i] = call.answer or run_here(call, limits_of(call, limits))
  end
  return blocks
end

return tools
