--- Tools: what the model can call, made by `anthropic.tool`.
--
--     local weather = anthropic.tool {
--       name = "get_weather", description = "The weather of a city.",
--       input_schema = { type = "object", properties = { city = { type = "string" } }, required = { "city" } },
--       run = function(input, call)
--         return { celsius = 21, city = input.city }   -- or a string, content blocks, nil and a message
--       end,
--     }
--
-- `run` returns a text, content blocks or anything that JSON can say; on failure nil and a message. A message after
-- nil, and an error that `run` raises, become a result with `is_error`, which the model reads: the words alone, without
-- positions in files and tracebacks, which `on_log` gets. So does a result that cannot be read or encoded. Bytes of a
-- result that are not UTF-8 are replaced by U+FFFD.

local check = require "anthropic.base.check"
local core = require "anthropic.base.core"
local loop = require "anthropic.loop"
local protected = require "anthropic.loop.protected"
local tasks = require "anthropic.loop.task"
local tool_result = require "anthropic.helpers.tool_result"
local waiting = require "anthropic.loop.waiting"

local tools = { failure = tool_result.failure }

---@class anthropic.Tool: anthropic.ToolFields made by anthropic.tool. It is sent without `run`, `timeout`,
---  `max_result_bytes` and `eager`

---@class anthropic.ToolFields further fields, such as `cache_control` and `strict`, are sent as they are
---@field name? string 1 to 128 letters, digits, "_" and "-". Optional if `type` names a tool that the API defines
---@field description? string what the tool does, for the model
---@field input_schema? table JSON schema of the input. Default: an object without properties
---@field type? string of a tool that the API defines and the program runs, such as "bash_20250124". Default: "custom"
---@field run fun(input: table, call: anthropic.ToolCall): any, any runs the tool: a text, content blocks, or a value
---  that JSON can say; nil and a message on failure. May wait
---@field timeout? number seconds that a call may take. It ends what waits in this library's way, and cannot end what
---  blocks the program, such as `io.popen`. Default: `tool_timeout` of the run, else no limit
---@field max_result_bytes? integer bytes of text in one result. Default: `max_result_bytes` of the run
---@field eager? boolean false: in a run with `eager = true` it waits for the end of the answer. Default: true

---@class anthropic.ToolCall
---@field id string of the tool_use block
---@field name? string of the tool or, if a toolset is called, of its member; nil if the model named none
---@field toolset_name? string `computer` for a call of `computer_toolset_20260801`
---@field input any a copy of the model's input, free to be changed; nil if its JSON is broken
---@field tool? anthropic.Tool that will run; nil if no tool has that name, or a `tool_removal` withdrew it
---@field block table the tool_use block
---@field turn integer from 1
---@field message anthropic.Message that has the call; while it streams, as far as it has come
---@field client anthropic.Client

-- --- definition ----------------------------------------------------------------------------------

-- The fields that are not sent.
local OWN = {
  run = check.of_type "function",
  timeout = check.positive "positive number of seconds",
  max_result_bytes = check.positive "positive number of bytes",
  eager = check.of_type "boolean",
}

local SENT = {
  name = {
    expected = "string of 1 to 128 letters, digits, '_' and '-'",
    check = function(value) return type(value) == "string" and value:find "^[%w_-]+$" ~= nil and #value <= 128 end,
  },
  description = check.of_type "string",
  input_schema = check.of_type "table",
  type = check.of_type "string",
}

local function check_field(rows, name, value, level)
  local row = rows[name]
  if not row.check(value) then
    local got = type(value) == "string" and ("%q"):format(value) or type(value)
    error(("anthropic.tool: %s: %s expected, got %s"):format(name, row.expected, got), level + 1)
  end
end

--- What `anthropic.tool` does. Raises if a field is of a wrong type. Fields that it does not know are sent as
--- they are (`cache_control`, `strict`, `type` of a tool that the API defines, ...).
---@param fields anthropic.ToolFields
---@return anthropic.Tool
function tools.tool(fields)
  if type(fields) ~= "table" then
    error("anthropic.tool: table expected, got " .. type(fields), 3)
  end
  local own, sent = {}, {}
  for name, value in pairs(fields) do
    local rows = OWN[name] and OWN or SENT
    if rows[name] then
      check_field(rows, name, value, 3)
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

-- --- running -------------------------------------------------------------------------------------

---@class anthropic.RunLimits for tools that have none of their own; see anthropic.ResultLimits
---@field seconds? number
---@field bytes? number
---@field tell? function

local function timed_out(call, seconds)
  return tools.failure(call, ("the tool did not end within %g seconds"):format(seconds))
end

-- Calls the tool. Returns true and its results, or false, what it raised and the traceback.
local function attempt(call)
  return protected.trace(function()
    return call.tool.run(call.input, call)
  end)
end

local function run_here(call, limits)
  local began = core.now()
  local block = tool_result.of(call, limits, attempt(call))
  if limits.seconds and core.now() - began > limits.seconds then
    return timed_out(call, limits.seconds)
  end
  return block
end

-- Runs a call in a task of its own, which is noted; nil if this task was cancelled.
local function run_in_task(call, limits, note)
  local task = tasks.spawn(attempt, call)
  note.task = task
  local go_on = waiting.wait(nil, task, limits.seconds)
  if not task.done then
    task:cancel()
    return go_on and timed_out(call, limits.seconds)
  elseif not task.results then
    return tools.failure(call, select(2, task:join()))
  end
  return tool_result.of(call, limits, task:join())
end

local function limits_of(call, limits)
  return {
    seconds = call.tool.timeout or limits.seconds,
    bytes = call.tool.max_result_bytes or limits.bytes or tool_result.DEFAULT_MAX_BYTES,
    tell = limits.tell,
  }
end

-- A call that has run already, as a task that has ended.
local Ended = { done = true }
local notes = setmetatable({}, { __mode = "k" }) -- of those that run as tasks
Ended.__index = Ended

function Ended:join()
  return self.block
end

function Ended.cancel() end

--- Starts a call. If no task can be spawned, or be waited for, the call has ended when this returns.
---@param call anthropic.ToolCall
---@param limits anthropic.RunLimits
---@return anthropic.Task running to be joined for the result block, or to be cancelled
function tools.start(call, limits)
  if loop.driver().spawn and waiting.is_possible() then
    local note = {}
    local task = tasks.spawn(run_in_task, call, limits_of(call, limits), note)
    notes[task] = note
    return task
  end
  return setmetatable({ block = run_here(call, limits_of(call, limits)) }, Ended)
end

--- Whether the tool of a call has ended, though its result may still have to be made.
---@param running anthropic.Task that `start` returned
---@return boolean
function tools.has_ended(running)
  local own = notes[running] and notes[running].task
  return running.done or own ~= nil and own.done
end

--- Cancels a call. Its tool does not begin any more: the task that awaits it would cancel it too late.
---@param running anthropic.Task that `start` returned
function tools.cancel_one(running)
  local own = notes[running] and notes[running].task
  if own then
    own:cancel()
  end
  running:cancel()
end

--- Cancels calls that run.
---@param running table<anthropic.ToolCall, anthropic.Task>
function tools.cancel(running)
  for _, task in pairs(running) do
    tools.cancel_one(task)
  end
end

-- All results, in order; nil and an error if the running task is cancelled.
local function await_all(calls, running)
  local blocks = {}
  for i, call in ipairs(calls) do
    local task, problem = running[call], nil
    if task then
      blocks[i], problem = task:join()
    else
      blocks[i] = call.answer
    end
    if problem then
      tools.cancel(running)
      if task.done then -- what `tell` raised
        error(problem, 0)
      end
      return nil, problem -- this task was cancelled, and not that one
    end
  end
  return blocks
end

--- Runs the calls that have no `answer` yet: all at once if tasks can be spawned and waited for, else one after
--- the other. Only in a task can a time limit end a tool that waits; otherwise it is checked when the tool has
--- ended.
---@param calls anthropic.ToolCall[]
---@param limits anthropic.RunLimits
---@param running? table<anthropic.ToolCall, anthropic.Task> those that were started before; changed
---@return table[]|nil blocks in the order of the calls
---@return anthropic.Error? err the running task was cancelled
function tools.answer(calls, limits, running)
  running = running or {}
  local task = waiting.current()
  for _, call in ipairs(calls) do
    if task and task.is_cancelled then -- in the approval, which may wait, or by a tool
      tools.cancel(running)
      return nil, waiting.cancelled_error()
    elseif not call.answer then
      running[call] = running[call] or tools.start(call, limits)
    end
  end
  return await_all(calls, running)
end

return tools
