--- Facts about a single event of a stream.

local events = {}

--- Whether the event brings content. Before the first such event, a failure can be hidden from the
--- reader.
---@param event table
---@return boolean
function events.is_content(event)
  if event.type == "message_start" or event.type == "ping" then
    return false
  elseif event.type == "unknown_delta" then -- what a server has in fields of its own may come with the first chunk
    return type(event.delta) ~= "table" or event.delta.provider_specific_fields == nil
  elseif event.type ~= "content_block_start" then
    return true
  end
  local block = event.content_block
  local kind = type(block) == "table" and block.type
  return not ((kind == "text" or kind == "thinking") and (block[kind] == nil or block[kind] == ""))
end

--- The number of the choice that the event belongs to: 0, or what chat_completion.lua marked it
--- with. A field `choice` that a server has in its own events means nothing.
---@param event table
---@return number
function events.choice_of(event)
  return event.choice and event.raw and type(event.choice) == "number" and event.choice or 0
end

--- The text that the event brings to the message, or nil if it brings no text.
---@param event table
---@return string?
function events.text_of(event)
  local part, text
  if event.choice and events.choice_of(event) ~= 0 then
    return nil
  elseif event.type == "content_block_delta" then
    part = event.delta
    text = type(part) == "table" and part.type == "text_delta" and part.text
  elseif event.type == "content_block_start" then
    part = event.content_block
    text = type(part) == "table" and part.type == "text" and part.text
  end
  return type(text) == "string" and text ~= "" and text or nil
end

return events
