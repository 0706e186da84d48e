--- A message as a request takes it: what the API accepts of an answer, whatever the server sent.
--
--     local turn = param.of_message(message)     -- { role = "assistant", content = { ... } }, or nil
--     params.messages = param.list(params.messages, base_url)
--
-- Blocks are copies, an input is the same table, so that it is sent byte for byte.

local json = require "anthropic.base.json"
local parts = require "anthropic.message.parts"
local paths = require "anthropic.base.path"
local tables = require "anthropic.base.tables"
local urls = require "anthropic.http.url"

local param = {}

-- message -> the base URL of the server that sent it
local senders = setmetatable({}, { __mode = "k" })

--- Notes which server sent a message.
---@param message anthropic.Message
---@param base_url string
function param.note_sender(message, base_url)
  senders[message] = base_url
end

-- Thinking without a signature goes back to the server that sent it. The vendor refuses it.
local function keeps_unsigned(message, base_url)
  local sender = senders[message]
  base_url = base_url or sender
  if not base_url then
    return true
  end
  return not urls.is_vendor(base_url) and (sender == nil or urls.origin(sender) == urls.origin(base_url))
end

local function is_blank(text)
  return type(text) ~= "string" or not text:find "%S"
end

-- What becomes of a block: the same, changed, or nil if it is not sent. `with_unsigned`: thinking without a
-- signature is sent.
local FORMS = {
  text = function(block)
    return not is_blank(block.text) and block or nil
  end,
  thinking = function(block, with_unsigned)
    local is_signed = parts.word(block.signature) ~= nil
    if not is_signed and (not with_unsigned or is_blank(block.thinking)) then
      return nil
    end
    block.thinking = type(block.thinking) == "string" and block.thinking or ""
    return block
  end,
  redacted_thinking = function(block)
    return parts.word(block.data) and block
  end,
}

local LONGEST_NAME = 128

-- In a call of the caller's tool the API takes only a tool's name: letters, digits, "_" and "-". The names that servers
-- have for tools of their own (MCP: "issues.list", "repo/read") are sent as they came.
local function name_of(block)
  local name = parts.word(block.name) or "unnamed"
  return block.type ~= "tool_use" and name or (name:sub(1, LONGEST_NAME):gsub("[^%w_-]", "_"))
end

local function tool_use(block, message_id, seen)
  parts.read_input(block)
  if type(block.input) ~= "table" or json.is_array(block.input) then
    block.input = json.object {}
  end
  block.input_json, block.input_error = nil, nil
  block.id = parts.call_id(seen, block.id, message_id)
  block.name = name_of(block)
  return block
end

local function block_of(value, with_unsigned, message_id, seen)
  if json.is_raw(value) then
    return value
  end
  local block = parts.block(value)
  if not block or parts.is_tool_use(block.type) then
    return block and tool_use(block, message_id, seen)
  end
  local form = FORMS[block.type]
  if form then
    return form(block, with_unsigned)
  end
  return block.type and block
end

-- Roles of messages to the model. Any other, such as a server's own name ("model", "ai"), is the assistant's.
local ASKING = tables.set { "user", "system", "developer", "tool" }

-- What keeps content from being sent: a hole in its blocks, as some decoders leave it for null.
local function problem_of(content)
  for key in next, type(content) == "table" and content or {} do
    if type(key) == "number" then
      return paths.problem_of_list("content", content)
    end
  end
end

local function role_of(message)
  return ASKING[message.role] and message.role or "assistant"
end

--- The message as a request takes it. Raw JSON in it goes as it is.
---@param message table an anthropic.Message, or one that was stored
---@param base_url? string of the server that the request goes to; default: of the one that sent the message
---@return table? turn `{ role =, content = }`; nil if nothing is left
---@return string? problem why it cannot be sent
function param.of_message(message, base_url)
  local content, seen = json.array {}, {}
  local with_unsigned = keeps_unsigned(message, base_url)
  local given = message.content
  if json.is_raw(given) then
    return { role = role_of(message), content = given }
  end
  local problem = problem_of(given)
  if problem then
    return nil, problem
  elseif parts.is_empty(given) then
    given = {}
  elseif type(given) ~= "table" or not json.is_array(given) then
    given = { given }
  end
  for _, value in ipairs(given) do
    content[#content + 1] = block_of(value, with_unsigned, message.id, seen)
  end
  if #content == 0 then
    return nil
  end
  return { role = role_of(message), content = content }
end

-- A Message, whatever a server called its type, or one that was stored.
local function is_message(value)
  if type(value) ~= "table" then
    return false
  end
  local metatable = getmetatable(value)
  return type(metatable) == "table" and rawget(metatable, "__name") == "anthropic.Message"
    or value.type == "message" and parts.word(value.role) ~= nil
end

-- A table with other keys is refused elsewhere.
local function is_list(value)
  if type(value) ~= "table" or json.is_raw(value) then
    return false
  end
  local count = 0
  for _ in pairs(value) do
    count = count + 1
  end
  return count == #value
end

-- The member of a block that has the ID of a call.
local ID_OF = { tool_use = "id", tool_result = "tool_use_id" }

local function code_of(char)
  return ("_%02X"):format(char:byte())
end

-- Content with IDs that the vendor takes: letters, digits, "_" and "-". Other servers make them in other ways
-- ("functions.f:0"), and want those back.
local function with_own_ids(content)
  local whole
  for i, block in ipairs(json.is_raw(content) and {} or content) do
    local name = type(block) == "table" and not json.is_raw(block) and ID_OF[block.type]
    local id = name and parts.word(block[name])
    if id and id:find "[^%w_-]" then
      whole = whole or json.copy(content)
      whole[i] = json.copy(block)
      whole[i][name] = id:gsub("[^%w_-]", code_of)
    end
  end
  return whole or content
end

-- A turn with blocks, as the vendor takes it.
local function for_vendor(turn)
  local content = with_own_ids(turn.content)
  if content == turn.content then
    return turn
  end
  turn = json.copy(turn)
  turn.content = content
  return turn
end

--- A request's messages with every Message in it, and every stored one, as a request takes it. A message with nothing
--- left is left out. To the vendor, calls and their results have IDs that it takes.
---@param messages any
---@param base_url string of the server that the request goes to
---@return any messages the same if nothing is to be changed, else a list of its own; nil if one cannot be sent
---@return string? problem
function param.list(messages, base_url)
  if not is_list(messages) then
    return messages
  end
  local list, is_changed = setmetatable({}, getmetatable(messages)), false
  local is_vendor -- asked once a message has blocks
  for i, value in ipairs(messages) do
    local turn, problem = value, nil
    if is_message(value) then
      turn, problem = param.of_message(value, base_url)
    end
    if problem then
      return nil, ("messages[%d].%s"):format(i, problem)
    end
    if type(turn) == "table" and type(turn.content) == "table" then
      if is_vendor == nil then
        is_vendor = type(base_url) == "string" and urls.is_vendor(base_url)
      end
      turn = is_vendor and for_vendor(turn) or turn
    end
    list[#list + 1], is_changed = turn, is_changed or turn ~= value
  end
  return is_changed and list or messages
end

return param
