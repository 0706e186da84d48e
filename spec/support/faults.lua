-- The faults that an exchange may meet, and what has to come of each: data, for fault_matrix.lua.
--
-- A row has a `name`, what the server does, and what comes of it.
--   `url`       the name of an address where it happens (fault_matrix.lua has them), or
--   `answer`    from the good answer of a shape to one of anthropic.testing, or
--   `cases`     likewise to a list of { answer, result }
--   `streamed`, `whole`, or `both`: the result by what was asked for; without it that is not asked
--   `timeout`   of the request, in seconds
-- A result is MESSAGE, the whole message, or an error: its `kind`, `timeout`, `status`, `attempts`
-- (3 where two retries were worthwhile), `waits` before those ("asked": as the answer asked; else
-- the client's own), `partial` (the text so far; nil: no message had begun), and `words` that its
-- message holds.

local extent = require "spec.support.extent"
local gzip = require "spec.support.gzip"
local json = require "anthropic.base.json"
local libcurl = require "spec.support.libcurl"
local streams = require "spec.support.streams"

local faults = {
  -- Each so many'th byte is tried: under sanitizers and valgrind (see spec/run) the tenth.
  step = os.getenv "SPEC_LUA" and 10 or extent(1, 5),
}

local MESSAGE = { kind = "message", attempts = 1 }
faults.MESSAGE = MESSAGE

local function merge(first, second)
  local merged = {}
  for name, value in pairs(first) do
    merged[name] = value
  end
  for name, value in pairs(second or {}) do
    merged[name] = value
  end
  return merged
end

-- An error after which a retry is worthwhile, before the headers came and after.
local function early(kind, more)
  return merge({ kind = kind, attempts = 3 }, more)
end

local function late(kind, more)
  return merge({ kind = kind, attempts = 3, waits = "asked", status = 200 }, more)
end

local function final(kind, more)
  return merge({ kind = kind, attempts = 1 }, more)
end

-- --- the good answers ----------------------------------------------------------------------------

local RECORDED = streams.read "text"

-- The recorded stream's events: where each ends, and the text up to there.
local function measure(bytes)
  local ends, text, position = {}, "", 1
  for block, last in bytes:gmatch "(.-\n\n)()" do
    local event = assert(json.decode(block:match "data: ([^\n]*)"))
    text = text .. (event.type == "content_block_delta" and event.delta.text or "")
    ends[#ends + 1] = { type = event.type, last = last - 1, text = text }
    position = last
  end
  assert(position == #bytes + 1)
  return ends, text
end

local EVENTS, TEXT = measure(RECORDED)
faults.text, faults.id = TEXT, "msg_01Text"

local function end_of(name)
  for _, event in ipairs(EVENTS) do
    if event.type == name then
      return event
    end
  end
end

local START, CONTENT, STOP = end_of "message_start", end_of "content_block_delta", end_of "message_stop"

-- `begun` bytes hold no content yet, `some` bytes hold some.
local GOOD = {
  streamed = {
    bytes = RECORDED, type = "text/event-stream", begun = START.last, some = CONTENT.last,
  },
  whole = {
    bytes = assert(json.encode {
      id = faults.id, type = "message", role = "assistant", model = "m", stop_reason = "end_turn",
      content = { { type = "text", text = TEXT } }, usage = { input_tokens = 1, output_tokens = 1 },
    }),
    type = "application/json", begun = 1, some = 60,
  },
}
faults.good = GOOD

-- What comes of a stream whose first `count` bytes came, and then a failure; `is_clean`: or its end, as far as
-- anyone can tell, which may come two line ends early.
local function after_bytes(count, failure, is_clean)
  local last
  for _, event in ipairs(EVENTS) do
    last = event.last <= count and event or last
  end
  if count >= STOP.last - (is_clean and 2 or 0) then
    return MESSAGE
  elseif last and last.last >= CONTENT.last then
    return merge(failure, { attempts = 1, partial = last.text })
  end
  return merge(failure, { partial = last and "" })
end

-- --- answers -------------------------------------------------------------------------------------

-- The good answer, which asks for a short wait before a retry, with more fields.
local function with(more)
  return function(good)
    local fields = { ["Content-Type"] = good.type, ["retry-after-ms"] = 1 }
    local own = type(more) == "function" and more(good) or more
    return merge({ body = good.bytes }, merge(own, { headers = merge(fields, own.headers) }))
  end
end

local function head(good, fields)
  return "HTTP/1.1 200 OK\r\nContent-Type: " .. good.type .. "\r\nrequest-id: req_1\r\nretry-after-ms: 1\r\n"
    .. (fields or "") .. "\r\n" -- not by string.format, which ends at a NUL on Lua 5.1
end

-- Bytes of the connection, by a function of the good answer.
local function raw(make, more)
  return function(good)
    return merge({ raw = make(good) }, type(more) == "function" and more(good) or more)
  end
end

local function chunk(bytes)
  return ("%x\r\n%s\r\n"):format(#bytes, bytes)
end

local function first(good)
  return good.bytes:sub(1, good.some)
end

local function rest(good)
  return good.bytes:sub(good.some + 1)
end

-- The answer in chunks, with something wrong behind the first.
local function chunked(wrong)
  return raw(function(good)
    return head(good, "Transfer-Encoding: chunked\r\n") .. chunk(first(good)) .. wrong .. rest(good)
  end)
end

-- gzip's frame around blocks that are stored as they are: https://www.rfc-editor.org/rfc/rfc1952
local function stored_gzip(bytes)
  local low, high = #bytes % 256, math.floor(#bytes / 256)
  return "\31\139\8\0\0\0\0\0\0\3\0" .. string.char(low, high, 255 - low, 255 - high) .. bytes
end

local function in_gzip(make)
  return with(function(good)
    return { body = make(good), headers = { ["Content-Encoding"] = "gzip" } }
  end)
end

local OVERLOADED = '{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}'
local ERROR_EVENT = "event: error\ndata: " .. OVERLOADED .. "\n\n"
local OVERLOAD = { kind = "api", status = 529, words = "Overloaded" }

-- The recorded stream with something put in behind so many bytes.
local function inserted(bytes, count)
  return with(function(good)
    return { body = good.bytes:sub(1, count) .. bytes .. good.bytes:sub(count + 1) }
  end)
end

local function status(number, headers)
  return function()
    return { status = number, headers = merge({ ["retry-after-ms"] = 1 }, headers), body = "" }
  end
end

-- A case for each of the counts from `low` to `high`, or for each `step`-th.
local function sweep(low, high, answer, result, step)
  return function(good)
    local list = {}
    for count = low(good), high(good), (step or 1) * faults.step do
      list[#list + 1] = { answer = answer(good, count), result = result(count) }
    end
    return list
  end
end

local function constant(value)
  return function()
    return value
  end
end

local function body_length(good)
  return #good.bytes
end

local function all_but_the_last(good)
  return #good.bytes - 1
end

local function cut_body(framing, ending)
  return function(good, count)
    return with { framing = framing, [ending] = count }(good)
  end
end

local function cut_stream(failure, is_clean)
  return function(count)
    return after_bytes(count, failure, is_clean)
  end
end

-- --- the rows ------------------------------------------------------------------------------------

local BROKEN = early "connection"
local BROKEN_LATER = late "connection"
local BROKEN_CONTENT = { kind = "connection", attempts = 1, status = 200, partial = CONTENT.text }
local CUT_CONTENT = { kind = "truncated", attempts = 1, status = 200, partial = CONTENT.text }
local IDLE = { connect = 20, first_byte = 20, idle = 1.5 }

faults.rows = {
  -- no connection
  { name = "refused", url = "refused", both = merge(BROKEN, { words = "connect" }) },
  { name = "no route", url = "no_route", both = merge(BROKEN, { words = "connect" }) },
  { name = "no such host", url = "no_host", both = merge(BROKEN, { words = "resolve" }) },
  { name = "no answer to the connection", url = "full_queue", timeout = { connect = 1.5 },
    both = early("timeout", { timeout = "connect", words = "no connection within 1.5 seconds" }) },
  { name = "no TLS where TLS is expected", url = "plain_as_tls", both = BROKEN },
  { name = "silence instead of TLS", url = "silence_as_tls", timeout = { connect = 1.5 },
    both = early("timeout", { timeout = "connect" }) },
  { name = "a certificate from an unknown authority", url = "unknown_authority", both = final("connection", {
    words = "certificate" }) },

  -- before and in the headers
  { name = "closed instead of an answer", answer = constant { close = true }, both = BROKEN },
  { name = "reset instead of an answer", answer = constant { reset = true }, both = BROKEN },
  { name = "silence instead of an answer", answer = constant { hang = true }, timeout = { first_byte = 3 },
    both = early("timeout", { timeout = "first_byte", words = "no answer within 3 seconds" }) },
  { name = "closed at each byte of the headers",
    cases = sweep(constant(1), function(good) return #head(good) - 1 end, function(good, count)
      return raw(head, { cut_after = count })(good)
    end, function(count)
      return early(count < #"HTTP/1.1 200 OK\r\n" and "connection" or "truncated")
    end), streamed = true, whole = true },
  { name = "reset in the headers", answer = raw(head, { reset_after = 20 }), both = BROKEN },
  { name = "silence in the headers", answer = raw(head, { hang_after = 20 }), timeout = { first_byte = 3 },
    both = early("timeout", { timeout = "first_byte" }) },
  { name = "headers that end in NUL and more", answer = raw(function(good)
    return head(good, "X-Note: a\0b\r\n") .. good.bytes
  end), both = merge(BROKEN, { words = "header" }) },
  { name = "a header of 2 MB", answer = raw(function(good)
    return head(good, "X-Note: " .. ("x"):rep(2000000) .. "\r\n") .. good.bytes
  end), both = final("protocol", { words = "headers? .*too l" }) },
  { name = "3 MB of headers", answer = raw(function(good)
    return head(good, ("X-Note: " .. ("x"):rep(1000) .. "\r\n"):rep(3000)) .. good.bytes
  end), both = final("protocol", { words = "headers? .*too l" }) },
  { name = "no HTTP", answer = raw(function() return "220 mail.example.com ESMTP\r\n" end), both = BROKEN },
  { name = "an invalid status line", answer = raw(function(good)
    return (head(good):gsub("200 OK", "abc OK", 1)) .. good.bytes
  end), both = BROKEN },

  -- statuses
  { name = "interim answers before the answer", answer = with { interim = { 100, 102, 103 } }, both = MESSAGE },
  { name = "nothing but an interim answer", answer = raw(constant "HTTP/1.1 100 Continue\r\n\r\n"), both = BROKEN },
  { name = "a switch to another protocol", answer = raw(constant(
    "HTTP/1.1 101 Switching Protocols\r\nUpgrade: h\r\n\r\n")), both = BROKEN },
  { name = "a redirect", answer = status(307, { Location = "http://127.0.0.1:1/" }),
    both = final("api", { status = 307, words = "redirects to http://127.0.0.1:1/ %(not followed%)" }) },
  { name = "no content", answer = status(204), both = final("protocol", { status = 204, words = "empty" }) },
  { name = "overload", answer = status(529), both = late("api", { status = 529 }) },
  { name = "a refusal", answer = status(400), both = final("api", { status = 400 }) },

  -- the body's end
  { name = "HTTP/1.0, ended by the connection", answer = raw(function(good)
    return (head(good):gsub("1.1", "1.0", 1)) .. good.bytes
  end), both = MESSAGE },
  { name = "closed at each byte, in chunks",
    cases = sweep(constant(0), body_length, cut_body("chunked", "cut_after"), cut_stream(late "truncated")),
    streamed = true },
  { name = "closed at each 7th byte, without a length",
    cases = sweep(constant(0), body_length, cut_body("close", "cut_after"), cut_stream(late "truncated", true), 7),
    streamed = true },
  { name = "closed before the last empty line, without a length", answer = with(function(good)
    return { framing = "close", cut_after = #good.bytes - 1 }
  end), streamed = MESSAGE },
  { name = "closed at each byte, before the length",
    cases = sweep(constant(0), all_but_the_last, cut_body("length", "cut_after"), constant(late "truncated")),
    whole = true },
  { name = "closed at each byte of a chunk",
    cases = sweep(constant(0), all_but_the_last, cut_body("chunked", "cut_after"), constant(late "truncated")),
    whole = true },
  { name = "closed without the last chunk", answer = with { framing = "chunked", cut_after = 1e6 },
    streamed = MESSAGE, whole = late "truncated" },
  { name = "reset after the headers", answer = with { reset_after = 0 }, both = BROKEN_LATER },
  { name = "reset in the body", answer = with(function(good) return { reset_after = good.some } end),
    streamed = BROKEN_CONTENT, whole = BROKEN_LATER },
  { name = "a length that is too small", answer = raw(function(good)
    return head(good, "Content-Length: " .. good.some .. "\r\n") .. good.bytes
  end, { keep_open = true }), streamed = CUT_CONTENT,
    whole = final("protocol", { status = 200, words = "not JSON" }) },
  { name = "a length that is too large", answer = raw(function(good)
    return head(good, "Content-Length: 5000\r\n") .. good.bytes
  end), streamed = MESSAGE, whole = late "truncated" },
  { name = "a negative length", answer = raw(function(good)
    return head(good, "Content-Length: -5\r\n") .. good.bytes
  end), both = BROKEN },
  { name = "a chunk length that is no number", answer = chunked "zz\r\n",
    streamed = BROKEN_CONTENT, whole = BROKEN_LATER },
  { name = "a chunk length that is too large", answer = chunked "fffffffffffffffff\r\n",
    streamed = BROKEN_CONTENT, whole = BROKEN_LATER },
  { name = "invalid chunks", answer = raw(function(good)
    return head(good, "Transfer-Encoding: chunked\r\n") .. good.bytes
  end), both = BROKEN_LATER },

  -- time
  { name = "silence after the headers", answer = with { hang_after = 0 }, timeout = IDLE,
    both = late("timeout", { timeout = "idle", words = "nothing came for 1.5 seconds" }) },
  { name = "silence before the content", answer = with(function(good) return { hang_after = good.begun } end),
    timeout = IDLE, streamed = late("timeout", { timeout = "idle", partial = "" }),
    whole = late("timeout", { timeout = "idle" }) },
  { name = "silence in the content", answer = with(function(good) return { hang_after = good.some } end),
    timeout = IDLE, streamed = final("timeout", { timeout = "idle", status = 200, partial = CONTENT.text }),
    whole = late("timeout", { timeout = "idle" }) },
  { name = "silence instead of the last chunk", answer = with { framing = "chunked", hang_after = 1e6 },
    timeout = IDLE, streamed = MESSAGE, whole = late("timeout", { timeout = "idle" }) },
  { name = "a slow drip", answer = with(function(good)
    return { chunk_bytes = math.ceil(#good.bytes / 10), delay_between = 0.5 }
  end), timeout = { idle = 4 }, both = MESSAGE },
  { name = "a drip that takes too long", answer = with(function(good)
    return { splits = { good.some, good.some + 1, good.some + 2 }, delay_between = 6 }
  end), timeout = { total = 3 },
    streamed = final("timeout", { timeout = "total", status = 200, partial = CONTENT.text }),
    whole = final("timeout", { timeout = "total", status = 200 }) },

  -- what the body says
  { name = "gzip that was not asked for", answer = in_gzip(function(good) return gzip(good.bytes) end),
    both = MESSAGE },
  { name = "gzip, broken in the middle", answer = in_gzip(function(good)
    return stored_gzip(first(good)) .. "\255\255\255" .. rest(good)
  end), streamed = BROKEN_CONTENT, whole = BROKEN_LATER },
  { name = "gzip, cut short", answer = in_gzip(function(good) return stored_gzip(first(good)) end),
    streamed = CUT_CONTENT, whole = final("protocol", { status = 200, words = "not JSON" }) },
  { name = "an unknown encoding", answer = with { headers = { ["Content-Encoding"] = "none-such" } },
    both = libcurl.passes_unknown_encodings and MESSAGE
      or final("protocol", { status = 200, words = 'Content%-Encoding "none%-such"' }) },
  { name = "a body that is not gzip, called gzip", answer = with { headers = { ["Content-Encoding"] = "gzip" } },
    both = final("protocol", { status = 200, words = 'Content%-Encoding "gzip"' }) },
  { name = "an encoding that libcurl lacks", answer = with { headers = { ["Content-Encoding"] = "compress" } },
    both = final("protocol", { status = 200, words = 'Content%-Encoding "compress"' }) },
  { name = "an empty answer", answer = with { body = "" }, streamed = late "truncated",
    whole = final("protocol", { status = 200, words = "empty" }) },
  { name = "a page of HTML", answer = with { body = "<html>", headers = { ["Content-Type"] = "text/html" } },
    both = final("protocol", { status = 200, words = "not JSON" }) },
  { name = "broken JSON", answer = with(function(good)
    return { body = first(good) .. "\ndata: {\"type\": oops}\n\n" .. rest(good) }
  end), streamed = final("protocol", { status = 200, partial = CONTENT.text, words = "not an event" }),
    whole = final("protocol", { status = 200, words = "not JSON" }) },
  { name = "200 with an error", answer = constant { body = OVERLOADED, headers = { ["retry-after-ms"] = 1 } },
    both = merge(OVERLOAD, { attempts = 3, waits = "asked" }) },
  { name = "an error event first", answer = inserted(ERROR_EVENT, 0),
    streamed = merge(OVERLOAD, { attempts = 3, waits = "asked" }) },
  { name = "an error event before the content", answer = inserted(ERROR_EVENT, START.last),
    streamed = merge(OVERLOAD, { attempts = 3, waits = "asked", partial = "" }) },
  { name = "an error event in the content", answer = inserted(ERROR_EVENT, CONTENT.last),
    streamed = merge(OVERLOAD, { attempts = 1, partial = CONTENT.text }) },
  { name = "an error event at the end", answer = inserted(ERROR_EVENT, end_of("message_delta").last),
    streamed = merge(OVERLOAD, { attempts = 1, partial = TEXT }) },
  { name = "an error event after the end", answer = inserted(ERROR_EVENT, STOP.last), streamed = MESSAGE },
}

return faults
