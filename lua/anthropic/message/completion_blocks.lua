--- The blocks that the pieces of a choice make: text and thinking that go on until something else comes, calls, and
--- the signatures of thinking.
--
--     blocks.add_text(choice, "thinking", "Hm.")
--     blocks.add_signature(choice, "c2ln")
--     blocks.add_text(choice, "text", "Hi")     -- the thinking ends
--
-- A choice is a table with these fields: `shared` (the events so far, and the chunk), `number`, and
--
--     next_index   of the next block
--     open         the block of text or thinking that goes on: { type, index, signature }
--     thought      the last block of thinking
--     hidden       the signature of thinking that has no block yet
--     heard        the text and the thinking that have come (heard_text.lua)
--     kept         a set of all else that has come and a message may say again: JSON, signatures, hidden thinking
--     budget       which counts that

local json = require "anthropic.base.json"
local parts = require "anthropic.message.parts"

local blocks = {}

--- Adds an event.
---@param self table a choice
---@param event table
function blocks.emit(self, event)
  event.raw = self.shared.raw
  if self.number ~= 0 then
    event.choice = self.number
  end
  self.shared.events[#self.shared.events + 1] = event
end

--- Ends the block of text or thinking, if there is one.
---@param self table
function blocks.close(self)
  if self.open then
    blocks.emit(self, { type = "content_block_stop", index = self.open.index })
    self.open = nil
  end
end

--- Adds a delta.
---@param self table
---@param index integer of the block
---@param delta table
function blocks.add_delta(self, index, delta)
  blocks.emit(self, { type = "content_block_delta", index = index, delta = delta })
end

--- Adds a value that has no form in the API's events, and is not understood.
---@param self table
---@param name string
---@param value any
---@param index? integer of the block that it belongs to, if any
function blocks.add_unknown(self, name, value, index)
  if not parts.is_empty(value) then
    blocks.emit(self, { type = "unknown_delta", index = index, delta = { [name] = value } })
  end
end

local KEPT_BYTES = 100 -- of an entry in a set

--- Notes a text that a message may say again. Returns whether it had been noted before.
---@param self table
---@param text string
---@return boolean
function blocks.note(self, text)
  if self.kept[text] then
    return true
  end
  self.kept[text] = true
  self.budget:take(#text + KEPT_BYTES)
  return false
end

local function note(self, value)
  local text = not parts.is_empty(value) and json.encode(value)
  return text and blocks.note(self, text)
end

--- Adds a value that has no form in the API's events, and notes it.
---@param self table
---@param name string
---@param value any
function blocks.keep(self, name, value)
  note(self, value)
  blocks.add_unknown(self, name, value)
end

--- The same for a value that may have come before; then it is passed over.
---@param self table
---@param name string
---@param value any
function blocks.keep_once(self, name, value)
  if not note(self, value) then
    blocks.add_unknown(self, name, value)
  end
end

local function begin_block(self, block)
  self.shared.has_begun = true
  local index = self.next_index
  self.next_index = index + 1
  blocks.emit(self, { type = "content_block_start", index = index, content_block = block })
  return index
end

--- Makes thinking that is not shown a block of its own, before what comes next.
---@param self table
function blocks.show_hidden(self)
  local signature = self.hidden
  if signature then
    blocks.close(self)
    self.hidden = nil
    self.thought = { type = "thinking", index = begin_block(self, { type = "thinking", thinking = "" }) }
    self.open, self.thought.signature = self.thought, signature
    blocks.add_delta(self, self.thought.index, { type = "signature_delta", signature = signature })
    blocks.close(self)
  end
end

--- Begins a block.
---@param self table
---@param block table
---@return integer index
function blocks.open(self, block)
  blocks.show_hidden(self)
  return begin_block(self, block)
end

--- Adds a signature: that of the thinking that came last, even if text has come since. Another signature belongs to
--- thinking whose text is still to come, or is not shown.
---@param self table
---@param signature string
function blocks.add_signature(self, signature)
  blocks.note(self, signature)
  local thought = self.thought
  if thought and (thought == self.open or (thought.signature or signature) == signature) then
    thought.signature = signature
    blocks.add_delta(self, thought.index, { type = "signature_delta", signature = signature })
  elseif self.hidden ~= signature then
    blocks.show_hidden(self)
    self.shared.has_begun, self.hidden = true, signature
  end
end

--- Adds a signature to thinking that came without one. A signature that cannot belong to it is kept.
---@param self table
---@param signature string
function blocks.add_late_signature(self, signature)
  if self.kept[signature] then
    return
  elseif self.thought and not self.thought.signature then
    return blocks.add_signature(self, signature)
  end
  blocks.note(self, signature)
  blocks.add_unknown(self, "reasoning", { signature = signature })
end

--- Adds a piece of the text or of the thinking; a block of the other kind ends first.
---@param self table
---@param kind "text"|"thinking"
---@param piece string
function blocks.add_text(self, kind, piece)
  if piece == "" then
    return
  end
  self.heard[kind]:add(piece)
  local hidden = kind == "thinking" and self.hidden or nil
  if not self.open or self.open.type ~= kind or self.hidden then
    blocks.close(self)
    self.hidden = not hidden and self.hidden or nil
    self.open = { type = kind, index = blocks.open(self, { type = kind, [kind] = "" }) }
    self.thought = kind == "thinking" and self.open or self.thought
  end
  blocks.add_delta(self, self.open.index, { type = kind .. "_delta", [kind] = piece })
  if hidden then
    blocks.add_signature(self, hidden)
  end
end

--- What is left at the end of the message: a signature without a block. No answer ends with thinking after something
--- else.
---@param self table
---@return table? reasoning
function blocks.rest(self)
  if self.next_index == 0 then
    blocks.show_hidden(self)
  end
  return self.hidden and { signature = self.hidden } or nil
end

return blocks
