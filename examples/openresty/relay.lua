--- A relay: takes requests of the Messages API and chat completions, and hands the answers on in the same shape.

local anthropic = require "anthropic"
local chat_completion = anthropic.chat_completion

local relay = {}

local client = anthropic.new()

local function read_body()
  ngx.req.read_body()
  local body = anthropic.decode(ngx.req.get_body_data() or "")
  return type(body) == "table" and body or nil
end

local function answer(status, value)
  ngx.status = status
  ngx.header.content_type = "application/json"
  ngx.print(anthropic.encode(value))
end

local function begin_stream()
  ngx.header.content_type = "text/event-stream"
  ngx.header.cache_control = "no-cache"
end

-- An error in the API's shape, or in that of a chat completion; what the service said of our key is not for users.
local function native_error(err)
  return { type = "error", error = { type = err.type or "api_error", message = err.message } }
end

local function completion_error(err)
  local null = anthropic.null
  return { error = { message = err.message, type = err.type or err.kind, param = null, code = null } }
end

local function status_of(err)
  if err.status == 401 or err.status == 403 then
    return 502
  end
  return err.status or err.kind == "invalid_request" and 400 or 502
end

-- Whether the user is still there.
local function send(...)
  ngx.print(...)
  return ngx.flush(true)
end

-- Hands a stream on with `hand_on`, and its error with `tell`. Closes it, as the user may be gone.
local function relay_stream(stream, hand_on, tell)
  begin_stream()
  local ok, err = pcall(hand_on, stream)
  if not ok and type(err) ~= "table" then
    ngx.log(ngx.ERR, err)
  elseif not ok then
    tell(err)
  end
  stream:close()
end

--- Answers POST /v1/messages: bytes as they come.
function relay.messages()
  local params = read_body()
  if not params then
    return answer(400, native_error { type = "invalid_request_error", message = "the body is not a JSON object" })
  end
  local made, err = client.messages.create(params)
  if not made then
    return answer(status_of(err), native_error(err))
  elseif params.stream ~= true then
    return answer(200, made)
  end
  relay_stream(made, function(stream)
    for bytes in stream:raw_events() do
      if not send(bytes) then
        return
      end
    end
  end, function(problem)
    if not problem.in_stream then -- else it was handed on
      send("event: error\ndata: ", anthropic.encode(native_error(problem)), "\n\n")
    end
  end)
end

--- Answers POST /v1/chat/completions.
function relay.chat_completions()
  local body = read_body()
  if not body then
    return answer(400, completion_error { type = "invalid_request_error", message = "the body is not a JSON object" })
  end
  local params, made, err
  params, err = chat_completion.to_params(body)
  if params then
    made, err = client.messages.create(params)
  end
  if not made then
    return answer(status_of(err), completion_error(err))
  elseif params.stream ~= true then
    return answer(200, chat_completion.from_message(made))
  end
  local asked = type(body.stream_options) == "table" and body.stream_options.include_usage == true
  local encoder = chat_completion.encoder { include_usage = asked }
  local function send_all(chunks)
    local texts = {}
    for i, chunk in ipairs(chunks) do
      texts[i] = "data: " .. anthropic.encode(chunk) .. "\n\n"
    end
    return #texts == 0 or send(texts)
  end
  relay_stream(made, function(stream)
    for event in stream do
      if not send_all(encoder:feed(event)) then
        return
      end
    end
    send_all(encoder:finish())
    send "data: [DONE]\n\n"
  end, function(problem)
    send("data: ", anthropic.encode(completion_error(problem)), "\n\n")
  end)
end

return relay
