-- What a program without a client library does with the bytes of a stream: lines, lua-cjson, a switch.
local cjson = require "cjson"

local hand = {}

local body

--- The JSON of the request that every peer makes.
function hand.body(how, prompt)
  body = body or cjson.encode {
    model = "claude-bench", max_tokens = 1024, stream = how ~= "create",
    messages = { { role = "user", content = ("word "):rep(prompt / 5) } },
  }
  return body
end

--- A reader of one answer: feed it pieces of any length, then ask for the bytes of text and the deltas.
function hand.reader(how)
  local reader, pieces, rest, deltas = {}, {}, "", 0

  function reader.line(line)
    local data = line:match "^data: (.*)"
    if not data then
      return
    end
    local event = cjson.decode(data)
    if event.type == "content_block_delta" then
      deltas = deltas + 1
      pieces[deltas] = event.delta.text or event.delta.partial_json
    elseif event.type == "error" then
      error(event.error.message)
    end
  end

  function reader.feed(bytes)
    if how == "create" then
      pieces[#pieces + 1] = bytes
      return
    end
    rest = rest .. bytes
    local first = 1
    while true do
      local stop = rest:find("\n", first, true)
      if not stop then
        break
      end
      reader.line(rest:sub(first, stop - 1))
      first = stop + 1
    end
    rest = rest:sub(first)
  end

  function reader.finish()
    local whole = table.concat(pieces)
    if how == "create" then
      return #cjson.decode(whole).content[1].text, 0
    elseif how == "tool" then
      return #cjson.decode(whole).text, 0
    end
    return #whole, deltas
  end

  return reader
end

--- Runs a peer: `read(url, how, prompt)` makes one request and gives the bytes and the deltas.
--- `all_at_once(count, f)`, where the peer can, calls f so often, each in a coroutine of its own.
function hand.run(read, all_at_once)
  local url, how, requests, at_once, prompt = arg[1], arg[2], tonumber(arg[3]), tonumber(arg[4]), tonumber(arg[5])
  local bytes, deltas = 0, 0
  local function request()
    local more_bytes, more_deltas = read(url .. "/v1/messages", how, prompt)
    bytes, deltas = bytes + more_bytes, deltas + more_deltas
  end
  if how ~= "load" and at_once > 1 then
    all_at_once(at_once, request)
  elseif how ~= "load" then
    for _ = 1, requests do
      request()
    end
  end
  print(("%d %d"):format(bytes, deltas))
end

return hand
