--- The result of a call, as the model reads it: made of whatever a tool returned or raised.
--
-- What cannot be read, told or encoded is a result, too, with `is_error`. What is not UTF-8 is mended, blank texts are
-- left out, and long ones cut with a note, also in documents and search results.

local failure_words = require "anthropic.helpers.failure_words"
local json = require "anthropic.base.json"
local paths = require "anthropic.base.path"
local protected = require "anthropic.loop.protected"

local tool_result = {}

-- Bytes of text in a result, by default.
tool_result.DEFAULT_MAX_BYTES = 256 * 1024

---@class anthropic.ResultLimits
---@field bytes number of text
---@field seconds? number
---@field tell? fun(call: anthropic.ToolCall, words: string, traceback?: string) reports what the programmer has to know

-- --- content -------------------------------------------------------------------------------------

local function is_string(value)
  return type(value) == "string"
end

local function is_word(value)
  return type(value) == "string" or type(value) == "number"
end

-- Values that have no JSON form are let through: the encoder reports them with their place.
local UNSENDABLE = { ["function"] = true, thread = true }

local function has_type(value)
  if type(value) ~= "table" then
    return UNSENDABLE[type(value)]
  end
  return json.is_raw(value) or type(value.type) == "string"
end

local function is_list(value)
  return json.is_raw(value) or paths.problem_of_list("", value) == nil
end

local function is_content(value)
  if not is_list(value) then
    return false
  end
  for _, block in ipairs(json.is_raw(value) and {} or value) do
    if not has_type(block) then
      return false
    end
  end
  return true
end

-- What a table must have beside its type to be a content block of a result.
local BLOCKS = {
  text = { text = is_word },
  image = { source = has_type },
  document = { source = has_type },
  search_result = { source = is_string, title = is_string, content = is_content },
  tool_reference = { tool_name = is_word },
  browser_state = { tabs = is_list },
}

-- A tool's own data may have such a type, too: { type = "document", source = "the library" }.
local function is_block(value)
  local parts = type(value) == "table" and BLOCKS[value.type]
  for name, fits in pairs(parts or {}) do
    if not fits(value[name]) then
      return false
    end
  end
  return parts and true or false
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

-- The API refuses a blank text block.
local function is_blank(text)
  return not text:find "%S"
end

local function cut_note(kept, whole)
  return ("[cut: the first %d of %d bytes]"):format(kept, whole)
end

-- A text as it can be sent: UTF-8, and of at most so many bytes, not cut inside a character. If it was
-- cut, a note tells the model. The second result is whether it was cut.
local function cut(text, limit)
  local head = #text > limit and text:sub(1, math.floor(limit) + 4) or text -- what is behind is cut anyway
  head = json.mend(head)
  local whole = math.max(#text, #head)
  if whole <= limit then
    return head, false
  end
  local last = math.floor(limit)
  while last > 0 and head:find("^[\128-\191]", last + 1) do
    last = last - 1
  end
  return head:sub(1, last) .. "\n" .. cut_note(last, whole), true
end

local function fit(text, limit)
  return (cut(text, limit))
end

-- A text as far as there is room for it; nil if there is no room.
local function take(room, text)
  if room.left > 0 then
    local shorter, is_cut = cut(text, room.left)
    room.left = is_cut and 0 or room.left - #shorter
    return shorter
  elseif not is_blank(text) then
    room.omitted, room.blocks = room.omitted + #text, room.blocks + 1
  end
end

-- A copy of a block with another value; nil if nothing is left of that.
local function with(block, name, value)
  if value == nil then
    return nil
  end
  local changed = json.copy(block)
  changed[name] = value
  return changed
end

-- By the type of a block, or of a document's source.
local FIT, FIT_SOURCE = {}, {}

function FIT.text(block, room)
  return with(block, "text", take(room, tostring(block.text)))
end

-- A text, or a list of blocks; nil if nothing is left of it.
local function fit_inner(content, room)
  if type(content) == "string" then
    return take(room, content)
  elseif type(content) ~= "table" or content[1] == nil or paths.problem_of_list("", content) then
    return content
  end
  local kept = json.array {}
  for _, block in ipairs(content) do
    local is_text = type(block) == "table" and block.type == "text" and type(block.text) == "string"
    if is_text then
      block = FIT.text(block, room)
    end
    kept[#kept + 1] = block
  end
  return #kept > 0 and kept or nil
end

function FIT.search_result(block, room)
  return with(block, "content", fit_inner(block.content, room))
end

function FIT_SOURCE.text(source, room)
  return type(source.data) ~= "string" and source or with(source, "data", take(room, source.data))
end

function FIT_SOURCE.content(source, room)
  return with(source, "content", fit_inner(source.content, room))
end

function FIT.document(block, room)
  local fit_source = type(block.source) == "table" and FIT_SOURCE[block.source.type]
  return not fit_source and block or with(block, "source", fit_source(block.source, room))
end

local function counted(count, word)
  return ("%d %s%s"):format(count, word, count == 1 and "" or "s")
end

local function omitted_note(room)
  return ("[cut: %s in %s left out]"):format(counted(room.omitted, "byte"), counted(room.blocks, "block"))
end

-- The blocks of a result without blank texts; nil if no block is left.
local function fit_blocks(blocks, limit)
  local kept, room = json.array {}, { left = limit, omitted = 0, blocks = 0 }
  for _, block in ipairs(blocks) do
    local fit_one = FIT[block.type]
    if block.type == "text" and is_blank(tostring(block.text)) then
      block = nil
    elseif fit_one then
      block = fit_one(block, room)
    end
    kept[#kept + 1] = block
  end
  if room.blocks > 0 then
    kept[#kept + 1] = { type = "text", text = omitted_note(room) }
  end
  return #kept > 0 and kept or nil
end

-- The content of a result for what a tool returned, if it returned anything; nil and a message if it cannot be
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

-- Makes the result for a value, whose metamethods may raise anything; nil, what is wrong, and a traceback if that was
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

-- The result if none can be made of a value.
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

--- The result for what a tool returned or, if it is not ok, raised. `limits.tell` reports what was raised, and what
--- cannot be sent.
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
