--- The thinking of a choice of a chat completion: each part of it becomes text of a block, a block's signature, or an
--- event that the message keeps.

local blocks = require "anthropic.message.completion_blocks"
local json = require "anthropic.base.json"
local parts = require "anthropic.message.parts"

local completion_thinking = {}

--- The members of a part of the thinking that are read, or that say nothing.
---@private
completion_thinking.MEMBERS = {
  type = true, id = true, index = true, format = true, role = true, signature = true, thinking = true, text = true,
  content = true, summary = true, reasoning = true, reasoning_content = true, value = true,
}

-- The members in which servers put the thinking; several say the same. In the first two it may be signed.
local THINKING = {
  "thinking_blocks", "reasoning_details", "reasoning_content", "reasoning", "thinking", "reasoning_text",
}

-- Members of a part that say nothing beside its text.
local OF_PART = { type = true, id = true, index = true, format = true, role = true }

local function says_more(part)
  for name, value in pairs(part) do
    if not OF_PART[name] and not parts.is_empty(value) then
      return true
    end
  end
  return false
end

-- The parts of a part of the thinking, if they say more than a text: Databricks signs those of its `summary`.
local function parts_of_thought(part)
  for _, name in ipairs { "summary", "thinking", "content" } do
    for _, inner in ipairs(type(part[name]) == "table" and part[name] or {}) do
      local is_object = type(inner) == "table"
      if is_object and (parts.word(inner.signature) or parts.others(inner, completion_thinking.MEMBERS)) then
        return part[name]
      end
    end
  end
end

--- Adds a part of the thinking. What follows a signature is a block of its own, unless it has the same signature.
--- Returns whether the part had any text.
---@param self anthropic.CompletionChoice
---@param part table
---@return boolean
function completion_thinking.add(self, part)
  if part.type == "redacted_thinking" and parts.word(part.data) then
    blocks.close(self)
    self.open = { index = blocks.open(self, { type = part.type, data = part.data }) }
    blocks.note(self, part.data)
    return true
  end
  local inner = parts_of_thought(part)
  if inner then
    local has_text = false
    for _, each in ipairs(inner) do
      has_text = completion_thinking.add(self, type(each) == "table" and each or { thinking = each }) or has_text
    end
    if parts.word(part.signature) then
      blocks.add_late_signature(self, part.signature)
    end
    blocks.keep(self, "reasoning", parts.others(part, completion_thinking.MEMBERS))
    return has_text
  end
  local text, signature = parts.text_of(part.thinking or part), parts.word(part.signature)
  local signed = self.open and self.open.signature
  if signed and signature ~= signed and (signature or text ~= "") then
    blocks.close(self)
  end
  if text ~= "" and signature and signature ~= self.hidden then
    blocks.show_hidden(self)
  end
  blocks.add_text(self, "thinking", text)
  if signature then
    blocks.add_signature(self, signature)
  end
  local is_kept = text == "" and (parts.word(part.data) or not signature and says_more(part))
  local rest = not json.is_array(part) and parts.others(part, completion_thinking.MEMBERS) or nil
  blocks.keep(self, "reasoning", is_kept and part or rest) -- encrypted, or not understood
  return text ~= ""
end

--- Adds the thinking of a delta, a message, or a choice itself.
---@param self anthropic.CompletionChoice
---@param piece table
function completion_thinking.add_all(self, piece)
  for _, name in ipairs(THINKING) do
    local value, has_text = piece[name], false
    if type(value) ~= "table" or value[1] == nil then
      value = { value }
    end
    for _, part in ipairs(value) do
      part = type(part) == "table" and part or { thinking = part }
      has_text = completion_thinking.add(self, part) or has_text
    end
    if has_text then
      return
    end
  end
end

--- Whether a part of the content is thinking.
---@param part table
---@return any
function completion_thinking.is_part(part)
  local kind = parts.word(part.type) or ""
  return kind:find("thinking", 1, true) or kind:find("reasoning", 1, true)
end

return completion_thinking
