--- Plays one prepared answer on a connection: its pauses, pieces and faults.
---
---     local outcome = play(client, request, answer)   -- "keep", "close" or "reset"

local http = require "anthropic.testing.http"

local yield_every = 16

--- The headers of the answer: its defaults, replaced by those of the script.
local function headers_of(answer, request, framing, length)
  local headers = {
    { "Content-Type", answer.content_type },
    { "request-id", answer.request_id or "req_test_" .. request.number },
  }
  if framing == "chunked" then
    headers[#headers + 1] = { "Transfer-Encoding", "chunked" }
  elseif framing == "length" then
    headers[#headers + 1] = { "Content-Length", string.format("%d", length) }
  end
  if framing == "close" or not request.keep_alive then
    headers[#headers + 1] = { "Connection", "close" }
  end
  local replaced = {}
  for _, header in ipairs(answer.headers) do
    replaced[header[1]:lower()] = true
  end
  local result = {}
  for _, header in ipairs(headers) do
    if not replaced[header[1]:lower()] then
      result[#result + 1] = header
    end
  end
  for _, header in ipairs(answer.headers) do
    if header[2] then
      result[#result + 1] = header
    end
  end
  return result
end

--- Whether the peer can tell the end of the answer and send another request.
local function can_keep(headers, has_body)
  local framed = not has_body
  for _, header in ipairs(headers) do
    local name = header[1]:lower()
    if name == "connection" and header[2]:lower():find("close", 1, true) then
      return false
    elseif name == "content-length" or name == "transfer-encoding" then
      framed = true
    end
  end
  return framed
end

--- Sends the pieces once; returns how much room of the answer's limit is left.
local function send_round(client, answer, chunked, room)
  for index, piece in ipairs(answer.pieces) do
    if room <= 0 then
      break
    end
    local pause = answer.delays[index] or 0
    if index > 1 and piece ~= "" then
      pause = pause + (answer.delay_between or 0)
    end
    if pause > 0 or index % yield_every == 0 then
      client:sleep(pause)
    end
    if piece ~= "" then
      local bytes = piece:sub(1, math.min(room, #piece))
      if chunked then
        bytes = string.format("%x\r\n", #piece) .. bytes .. (#bytes == #piece and "\r\n" or "")
      end
      client:send(bytes)
    end
    room = room - #piece
  end
  return room
end

--- Sends the pieces, as often as the answer says, until its limit, the piece there cut in its middle.
local function send_pieces(client, answer, chunked)
  local room = answer.limit or math.huge
  for _ = 1, answer.repeats or 1 do
    room = send_round(client, answer, chunked, room)
  end
end

--- Does what an answer does where it ends before its end.
local function end_early(client, action)
  if action == "hang" then
    client:sleep(math.huge)
  end
  return action
end

local function body_length(answer)
  local length = 0
  for _, piece in ipairs(answer.pieces) do
    length = length + #piece
  end
  return length * (answer.repeats or 1)
end

--- Returns what is to become of the connection: "keep", "close" or "reset".
---@param client table a connection
---@param request table with `method`, `version`, `keep_alive` and its `number`
---@param answer table as `script.prepare` made it
---@return "keep"|"close"|"reset"
return function(client, request, answer)
  client:sleep(answer.delay or 0)
  if answer.instead then
    return end_early(client, answer.instead)
  end
  for _, interim in ipairs(answer.interim) do
    client:send(http.head(interim.status, interim.reason, interim.headers))
  end
  if answer.raw then
    send_pieces(client, answer, false)
    return answer.limit and end_early(client, answer.ending) or answer.keep_open and "keep" or "close"
  end

  local has_body = request.method ~= "HEAD" and answer.status ~= 204 and answer.status ~= 304
  local framing = answer.framing
  if framing == "chunked" and request.version == "1.0" then
    framing = "close"
  elseif not has_body and framing == "length" and request.method ~= "HEAD" then
    framing = "none"
  end
  local headers = headers_of(answer, request, framing, body_length(answer))
  local head = http.head(answer.status, answer.reason, headers)
  if answer.cut_headers then
    client:send(head:sub(1, answer.cut_headers))
    return "close"
  end
  client:send(head)
  if has_body then
    send_pieces(client, answer, framing == "chunked")
    if answer.limit then
      return end_early(client, answer.ending)
    elseif framing == "chunked" then
      client:send("0\r\n\r\n")
    end
  end
  return can_keep(headers, has_body) and "keep" or "close"
end
