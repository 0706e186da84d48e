--- The messages of a chat completion's request, as the API takes them. What has no counterpart is refused,
-- except for other members of an answer that a client sends back.
--
--     local messages, system = completion_messages.read(reading, "messages", body.messages)
--     print(reading.problem)   --> messages[2].content[1].type: "input_audio" cannot be translated

local json = require "anthropic.base.json"
local parts = require "anthropic.message.parts"
local paths = require "anthropic.base.path"

local completion_messages = {}

-- --- parts ---------------------------------------------------------------------------------------

-- The media type and the data of a data: URL.
local function data_of(url)
  local media_type, data = url:match "^data:([%w.+/-]*);base64,(.*)$"
  return media_type, data
end

local function with_cache_control(block, part)
  block.cache_control = not parts.is_empty(part.cache_control) and part.cache_control or nil
  return block
end

local PARTS = {}

function PARTS.text(self, to, part)
  self:check_members(to, part, { type = true, text = true, cache_control = true })
  return { type = "text", text = self:need(to .. ".text", part.text, "string") }
end

function PARTS.refusal(self, to, part)
  self:check_members(to, part, { type = true, refusal = true, cache_control = true })
  return { type = "text", text = self:need(to .. ".refusal", part.refusal, "string") }
end

local DETAILS = { auto = true, high = true }

function PARTS.image_url(self, to, part)
  self:check_members(to, part, { type = true, image_url = true, cache_control = true })
  local image = self:need(to .. ".image_url", part.image_url, "table", "string") or {}
  image = type(image) == "string" and { url = image } or image
  to = to .. ".image_url"
  self:check_members(to, image, { url = true, detail = true })
  if not parts.is_empty(image.detail) and not DETAILS[image.detail] then
    self:refuse_value(to .. ".detail", image.detail)
  end
  local url = self:need(to .. ".url", image.url, "string") or ""
  local media_type, data = data_of(url)
  if data then
    return { type = "image", source = { type = "base64", media_type = media_type, data = data } }
  elseif not url:find "^[hH][tT][tT][pP][sS]?://" then
    self:refuse(to .. ".url", "a URL of http, https or data (with base64) expected")
  end
  return { type = "image", source = { type = "url", url = url } }
end

function PARTS.file(self, to, part)
  self:check_members(to, part, { type = true, file = true, cache_control = true })
  local file = self:need(to .. ".file", part.file, "table") or {}
  to = to .. ".file"
  self:check_members(to, file, { file_data = true, filename = true })
  local media_type, data = data_of(self:need(to .. ".file_data", file.file_data, "string") or "")
  if media_type ~= "application/pdf" then
    self:refuse(to .. ".file_data", "a data: URL of a PDF expected")
  end
  return {
    type = "document",
    title = parts.word(self:expect(to .. ".filename", file.filename, "string")),
    source = { type = "base64", media_type = media_type, data = data },
  }
end

local TEXT = { text = true }
local USER = { text = true, image_url = true, file = true }
local ASSISTANT = { text = true, refusal = true }
local TOOL = { text = true, image_url = true }

-- The blocks of a list of parts.
local function blocks_of(self, to, list, kinds)
  local blocks = json.array {}
  for i, part in ipairs(self:list(to, list)) do
    local place = paths.join(to, i)
    part = type(part) == "string" and { type = "text", text = part } or self:need(place, part, "table") or {}
    if kinds[part.type] then
      blocks[#blocks + 1] = with_cache_control(PARTS[part.type](self, place, part), part)
    else
      self:refuse_value(place .. ".type", part.type)
    end
  end
  return blocks
end

-- The blocks without empty texts, which the API refuses. The cache_control of an empty text goes to the block before.
local function without_empty(blocks)
  local left = json.array {}
  for _, block in ipairs(blocks) do
    local last = left[#left]
    if block.text ~= "" then
      left[#left + 1] = block
    elseif last then
      last.cache_control = last.cache_control or block.cache_control
    end
  end
  return left
end

-- Content as the API takes it: a text, or blocks. A tool's result may have none.
local function content_of(self, to, content, kinds)
  if type(content) ~= "table" then
    return self:need(to, content, "string", "table")
  end
  local blocks = blocks_of(self, to, content, kinds)
  local left = without_empty(blocks)
  if left[1] or not blocks[1] then
    return left
  end
  return kinds ~= TOOL and blocks or nil
end

-- --- messages ------------------------------------------------------------------------------------

-- The blocks of thinking without their text; nil if one has its text.
local function blocks_without_text(blocks)
  local found = {}
  for _, block in ipairs(blocks) do
    if block.type == "thinking" and not parts.is_empty(block.thinking) then
      return nil
    end
    found[#found + 1] = block.type == "thinking" and block or nil
  end
  return found
end

-- A block of an answer, without the index by which clients join the chunks of a stream.
local function brought(self, to, block)
  block = json.copy(self:need(to, block, "table") or {})
  block.index = nil
  return block
end

-- A block of thinking in OpenRouter's form. What another model signed or hid means nothing to the API.
local function block_of_detail(self, to, detail)
  detail = self:need(to, detail, "table") or {}
  local is_own = not parts.word(detail.format) or detail.format:find("anthropic", 1, true)
  local text, data = parts.text_of(detail), parts.word(detail.data)
  if data then
    return is_own and { type = "redacted_thinking", data = data } or nil
  end
  local signature = is_own and parts.word(detail.signature) or nil
  return (text ~= "" or signature) and { type = "thinking", thinking = text, signature = signature } or nil
end

-- The members in which answers have blocks of thinking, and those with the text alone.
local THINKING_BLOCKS = { { "thinking_blocks", brought }, { "reasoning_details", block_of_detail } }
local THINKING_TEXTS = { "reasoning_content", "reasoning", "reasoning_text", "thinking" }

-- Adds the thinking of an answer that a client sends back. A stream has the text in `reasoning_content`, and only the
-- signatures in the blocks. If there are several blocks, it is not known which part of the text is whose; they need
-- none, as a signature holds the whole thinking.
local function add_thinking(self, to, message, blocks)
  local text
  self:expect(to .. ".reasoning_content", message.reasoning_content, "string")
  for _, name in ipairs(THINKING_TEXTS) do
    text = text or parts.word(parts.text_of(message[name]))
  end
  for _, row in ipairs(THINKING_BLOCKS) do
    local place, list = paths.join(to, row[1]), message[row[1]]
    for i, block in ipairs(not blocks[1] and not parts.is_empty(list) and self:list(place, list) or {}) do
      blocks[#blocks + 1] = row[2](self, paths.join(place, i), block)
    end
  end
  local without = text and blocks_without_text(blocks)
  if without and #without == 1 then
    without[1].thinking = text
  elseif without and #without == 0 then
    table.insert(blocks, 1, { type = "thinking", thinking = text })
  end
end

-- Adds the blocks that a chat completion has no other place for. Other members there have no place in a request.
local function add_foreign(self, to, message, blocks)
  local given = self:expect(to .. ".provider_specific_fields", message.provider_specific_fields, "table") or {}
  to = to .. ".provider_specific_fields"
  if not parts.is_empty(given.blocks) then
    for i, block in ipairs(self:list(to .. ".blocks", given.blocks)) do
      blocks[#blocks + 1] = brought(self, paths.join(to .. ".blocks", i), block)
    end
  end
end

-- A model may write blank texts, which the API refuses.
local function add_content(self, to, content, blocks)
  if parts.is_empty(content) then
    return
  elseif type(content) ~= "table" then
    content = { self:need(to, content, "string", "table") }
  end
  for _, block in ipairs(blocks_of(self, to, content, ASSISTANT)) do
    blocks[#blocks + 1] = block.text and block.text:find "%S" and block or nil
  end
end

local function is_object(value)
  return type(value) == "table" and not json.is_array(value)
end

-- A model may write an input that is not an object; a request sends `{}` for it, and `input_json` has the text.
local function read_arguments(block, text)
  json.tool_input(block, text)
  if not is_object(block.input) then
    parts.read_input(block)
  end
  if not is_object(block.input) and not block.input_error then
    block.input, block.input_json, block.input_error = nil, text, "the JSON of an object expected"
  end
end

local function tool_use(self, to, call)
  if call.type ~= nil and call.type ~= "function" then
    self:refuse_value(to .. ".type", call.type)
  end
  local called = self:need(to .. ".function", call["function"], "table") or {}
  local block = {
    type = "tool_use",
    id = self:need(to .. ".id", call.id, "string"),
    name = self:need(to .. ".function.name", called.name, "string"),
    caller = self:expect(to .. ".caller", call.caller, "table"),
    toolset_name = self:expect(to .. ".toolset_name", call.toolset_name, "string"),
  }
  read_arguments(block, self:need(to .. ".function.arguments", called.arguments, "string") or "")
  return with_cache_control(block, call)
end

local ROLES = {}

-- Content with the cache_control of its message, which the API takes on a block.
local function cached(self, to, content, mark)
  local blocks = type(content) == "string" and json.array { { type = "text", text = content } } or content or {}
  local last = blocks[#blocks]
  if not last then
    self:refuse(to .. ".cache_control", "cannot be translated")
    return content
  end
  last.cache_control = last.cache_control or mark
  return blocks
end

local function system(self, to, message, all)
  self:check_members(to, message, { role = true, content = true, cache_control = true })
  local content = content_of(self, to .. ".content", message.content, TEXT)
  if not parts.is_empty(message.cache_control) then
    content = cached(self, to, content, message.cache_control)
  end
  all.system[#all.system + 1] = content
end

ROLES.system, ROLES.developer = system, system

function ROLES.user(self, to, message, all)
  self:check_members(to, message, { role = true, content = true })
  table.insert(all.messages, { role = "user", content = content_of(self, to .. ".content", message.content, USER) })
end

-- Members that requests have there and the API has no place for. Other members came with an answer beside its text and
-- its calls (`images`, a call's `extra_content`): clients send them back, and no request takes them.
local NOT_OF_ASSISTANT = { "audio", "cache_control", "function_call", "name" }

function ROLES.assistant(self, to, message, all)
  for _, name in ipairs(NOT_OF_ASSISTANT) do
    if not parts.is_empty(message[name]) then
      self:refuse(paths.join(to, name), "cannot be translated")
    end
  end
  local blocks = json.array {}
  add_thinking(self, to, message, blocks)
  local has_thinking = #blocks > 0
  add_foreign(self, to, message, blocks)
  add_content(self, to .. ".content", message.content, blocks)
  add_content(self, to .. ".refusal", message.refusal, blocks)
  if not parts.is_empty(message.tool_calls) then
    for i, call in ipairs(self:list(to .. ".tool_calls", message.tool_calls)) do
      local place = paths.join(to .. ".tool_calls", i)
      blocks[#blocks + 1] = tool_use(self, place, self:need(place, call, "table") or {})
    end
  end
  if #blocks == 0 then -- it is empty, which the API refuses
    return
  end
  local is_text = #blocks == 1 and blocks[1].text == message.content
  table.insert(all.messages, {
    type = has_thinking and "message" or nil, -- what is not signed goes to no host that would refuse it (param.lua)
    role = "assistant",
    content = is_text and message.content or blocks,
  })
end

local OF_TOOL = { role = true, content = true, tool_call_id = true, name = true, cache_control = true }

-- Results that follow each other answer the calls of one message.
function ROLES.tool(self, to, message, all)
  self:check_members(to, message, OF_TOOL)
  local result = with_cache_control({
    type = "tool_result",
    tool_use_id = self:need(to .. ".tool_call_id", message.tool_call_id, "string"),
    content = content_of(self, to .. ".content", message.content, TOOL),
  }, message)
  local last = all.messages[#all.messages]
  if last and last == all.results then
    table.insert(last.content, result)
  else
    all.results = { role = "user", content = json.array { result } }
    table.insert(all.messages, all.results)
  end
end

-- The contents of the system's messages as a text, or as blocks if one of them has parts. Empty ones are left out.
local function joined(list)
  local blocks, texts, has_parts = json.array {}, {}, false
  for _, content in ipairs(list) do
    for _, block in ipairs(type(content) == "table" and content or { { type = "text", text = content } }) do
      if block.text ~= "" then
        blocks[#blocks + 1], texts[#texts + 1] = block, block.text
        has_parts = has_parts or type(content) == "table"
      end
    end
  end
  if has_parts then
    return blocks
  end
  return texts[1] and table.concat(texts, "\n")
end

--- The messages, and the contents of the system's messages, wherever these are.
---@param reading anthropic.CompletionReading notes what cannot be translated
---@param to string
---@param list any
---@return table[] messages
---@return string|table[]|nil system
function completion_messages.read(reading, to, list)
  local all = { system = {}, messages = json.array {} }
  for i, message in ipairs(reading:list(to, list)) do
    local place = paths.join(to, i)
    message = reading:need(place, message, "table") or {}
    local read = ROLES[message.role]
    if read then
      read(reading, place, message, all)
    elseif message.role == nil then
      reading:refuse(place .. ".role", "missing")
    else
      reading:refuse_value(place .. ".role", message.role)
    end
  end
  return all.messages, joined(all.system)
end

return completion_messages
