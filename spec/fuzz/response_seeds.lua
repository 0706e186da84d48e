-- Answers for response.c, each with the two bytes that say how it is read.

local response_seeds = {}

local HEAD = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nrequest-id: req_1\r\n"
local JSON_HEAD = "HTTP/1.1 %s\r\nContent-Type: application/json\r\n%s\r\n"

local function chunked(text, size)
  local parts = {}
  for at = 1, #text, size do
    local part = text:sub(at, at + size - 1)
    parts[#parts + 1] = ("%x\r\n%s\r\n"):format(#part, part)
  end
  return table.concat(parts) .. "0\r\n\r\n"
end

--- A recorded stream in every framing, read in every way.
function response_seeds.of_stream(stream, write)
  write("\0\16" .. HEAD .. "\r\n" .. stream)
  write("\1\200" .. HEAD .. "Content-Length: " .. #stream .. "\r\n\r\n" .. stream)
  write("\2\255" .. HEAD .. "Transfer-Encoding: chunked\r\n\r\n" .. chunked(stream, 100))
  write("\0\99" .. HEAD .. "\r\n" .. stream:sub(1, math.floor(#stream / 2)))
  write("\3\9" .. JSON_HEAD:format("200 OK", "Content-Encoding: utf-8\r\n") .. ": ping\n\n" .. stream:sub(1, -3))
end

local MESSAGE = '{"id":"msg_1","type":"message","role":"assistant","model":"m","content":['
  .. '{"type":"text","text":"Hello!"},{"type":"tool_use","id":"t","name":"n","input":{"a":[]}}],'
  .. '"stop_reason":"end_turn","stop_sequence":null,"usage":{"input_tokens":3,"output_tokens":5}}'
local COMPLETION = '{"id":"c","object":"chat.completion","model":"m","choices":[{"index":0,"message":'
  .. '{"role":"assistant","content":"Hi"},"finish_reason":"stop"}],"usage":{"prompt_tokens":1,"completion_tokens":2}}'
local ERROR = '{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"},"request_id":"req_2"}'
local PAGE = '{"data":[{"id":"a","type":"model"}],"has_more":false,"first_id":"a","last_id":"a"}'

--- Answers that come whole, failures, and what HTTP allows around them.
function response_seeds.others(write)
  for way, body in pairs { [0] = MESSAGE, [3] = MESSAGE, [4] = '{"input_tokens":7}', [5] = PAGE, [9] = COMPLETION } do
    write(string.char(way, 30) .. JSON_HEAD:format("200 OK", "") .. body)
    write(string.char(way, 0) .. JSON_HEAD:format("200 OK", "Content-Length: " .. #body .. "\r\n") .. body)
  end
  for way, body in pairs { [0] = MESSAGE, [1] = COMPLETION, [2] = ERROR, [3] = MESSAGE } do
    write(string.char(way, 9) .. HEAD .. "\r\n: ping\n\n" .. body)
  end
  write("\3\20" .. JSON_HEAD:format("529 Overloaded", "retry-after: 3\r\nx-should-retry: true\r\n") .. ERROR)
  write("\1\20HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"
    .. JSON_HEAD:format("429 Too Many Requests", "anthropic-ratelimit-requests-remaining: 0\r\n") .. ERROR)
  write("\3\5HTTP/1.1 301 Moved Permanently\r\nLocation: http://127.0.0.1/\r\nContent-Length: 0\r\n\r\n")
  write("\0\50" .. HEAD .. "\r\nevent: error\ndata: " .. ERROR .. "\n\n")
  write("\3\9HTTP/1.0 200\r\nContent-Length: 9999\r\n\r\n" .. MESSAGE)
  write("\3\1" .. JSON_HEAD:format("200 OK", "Transfer-Encoding: chunked\r\nTrailer: X\r\n") .. chunked(MESSAGE, 7))
  write("\0\7HTTP/1.1 200 OK\nX: 1\n folded\n\n" .. ERROR)
  write("\1\3HTTP/1.1 204 No Content\r\n\r\n")
  write("\0\30" .. HEAD .. '\r\ndata: {"choice":[1]}\n\ndata: ' .. COMPLETION .. "\n\ndata: [DONE]\n\n")
  write("\3\3")
end

return response_seeds
