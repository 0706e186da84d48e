--- The result of a call, as the model reads it: of what a tool returned or raised, whatever that is.
--
-- What cannot be read, told or encoded is a result, too, with `is_error`. What is not UTF-8 is mended, blank texts are
-- left out, and long ones cut with a note.

local failure_words = require "anthropic.helpers.failure_words"
local json = require "anthropic.base.json"
local paths = require "anthropic.base.path"
local protected = require "anthropic.loop.protected"

local tool_result = {}

-- Bytes of text in a result, where nobody says.
tool_result.DEFAULT_MAX_BYTES = 256 * 1024

---@class anthropic.ResultLimits
---@field bytes number of text
---@field seconds? number
---@field tell? fun(call: anthropic.ToolCall, words: string, traceback?: string) of what the programmer has to know

-- --- content -------------------------------------------------------------------------------------

-- What a table must have beside its type to be a content block of a result.
local BLOCKS = {
  text = "text",
  image = "source",
  document = "source",
  search_result = "content",
  tool_reference = "tool_name",
  browser_state = "tabs",
}
local IS_TEXT = { text = true, tool_name = true }
local SCALARS = { string = true, number = true, boolean = true }

-- A tool's own data may have such a type, too: { type = "document", source = "the library" }.
local function is_block(value)
  local field = type(value) == "table" and BLOCKS[value.type]
  local kind = field and type(value[field])
  if not field or kind == "nil" then
    return false
  elseif IS_TEXT[field] then
    return kind == "string" or kind == "number"
  end
  return not SCALARS[kind]
end

local function is_list_of_blocks(value)
  if type(value) ~= "table" or next(value) == nil or paths.problem_of_list("", value) then
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

-- The blocks of a result without blank texts; nil where no block is left.
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

local NO_WORDS = "the tool failed"

-- The content of a result for why a tool failed; never nil.
local function content_of_failure(reason, limit)
  if is_block(reason) or is_list_of_blocks(reason) then
    return content_of(reason, limit) or NO_WORDS
  end
  local text = failure_words.text_of(reason) or json.encode_mended(reason)
  return text and not is_blank(text) and fit(text, limit) or NO_WORDS
end

-- --- blocks --------------------------------------------------------------------------------------

local function result(call, content, is_error)
  return {
    type = "tool_result",
    tool_use_id = call.id,
    content = content,
    is_error = is_error or nil,
    toolset_name = type(call.block.toolset_name) == "string" and call.block.toolset_name or nil,
  }
end

-- The result for a value, whose metamethods may raise anything. nil, what is wrong, and a traceback where that was
-- raised.
local function make(call, limit, is_error, read, value)
  local ok, block, problem = protected.trace(function()
    local content, why = read(value, limit, call)
    if why then
      return nil, why
    end
    return json.mend(result(call, content, is_error))
  end)
  if not ok then
    return nil, block, problem
  end
  return block, problem
end

local function run_of(call)
  return call.tool and call.tool.run
end

-- The content of a failure without the places in this program.
local function content_of_raised(value, limit, call)
  return content_of_failure(failure_words.of_raised(value, run_of(call)), limit)
end

local function content_of_returned(reason, limit, call)
  return content_of_failure(failure_words.of_returned(reason, run_of(call)), limit)
end

-- The result where none can be made of a value.
local function unreadable(call, limit, problem)
  local words = type(problem) == "string" and failure_words.of_raised(problem, run_of(call))
    or "to read it raises an error"
  return result(call, fit("the result cannot be sent: " .. words, limit), true)
end

--- A result that tells the model of a failure. (The API refuses one without content.)
---@param call anthropic.ToolCall
---@param reason any a text, content blocks, or a value with a text
---@param limit? number bytes of text
---@return table block
function tool_result.failure(call, reason, limit)
  limit = limit or tool_result.DEFAULT_MAX_BYTES
  local block, problem = make(call, limit, true, content_of_failure, reason)
  return block or unreadable(call, limit, problem)
end

--- The result for what a tool returned or, where it is not ok, raised. The programmer is told of what was raised, and
--- of what cannot be sent.
---@param call anthropic.ToolCall
---@param limits anthropic.ResultLimits
---@param ok boolean
---@param value any
---@param reason any beside nil why the tool failed; beside what was raised the traceback
---@return table block
function tool_result.of(call, limits, ok, value, reason)
  local tell = limits.tell or function() end
  local is_error, said, read = true, value, content_of
  if not ok then
    tell(call, failure_words.whole(value), reason)
    read = content_of_raised
  elseif value == nil and reason ~= nil then
    said, read = reason, content_of_returned
  else
    is_error = nil
  end
  local block, problem, traceback = make(call, limits.bytes, is_error, read, said)
  if not block then
    tell(call, "the result cannot be sent: " .. failure_words.whole(problem), traceback)
  end
  return block or unreadable(call, limits.bytes, problem)
end

return tool_result
