--- Answers a conversation, {"messages": [...]}, with the API's own events as they come.

local anthropic = require "anthropic"

local records = require "records"
local shared_limiter = require "shared_limiter"

local chat = {}

local client = anthropic.new {
  limiter = shared_limiter.new "anthropic_limits",
  on_log = records.on_log,
}

local function send(event)
  ngx.print("event: ", event.type, "\ndata: ", anthropic.encode(event), "\n\n")
  return ngx.flush(true)
end

local function send_error(err)
  return send { type = "error", error = { type = err.type or err.kind, message = err.message } }
end

--- The request's messages; nil where it has none.
function chat.messages()
  ngx.req.read_body()
  local conversation = anthropic.decode(ngx.req.get_body_data() or "")
  return type(conversation) == "table" and conversation.messages
end

function chat.answer()
  local site = ngx.var.http_sec_fetch_site -- where a browser's request comes from
  if site and site ~= "same-origin" then
    return ngx.exit(ngx.HTTP_FORBIDDEN) -- another page would ask at our expense
  end
  local messages = chat.messages()
  if not messages then
    return ngx.exit(ngx.HTTP_BAD_REQUEST)
  end
  local stream, err = client.messages.stream({ -- the log tells this request's ID beside the API's
    model = "claude-sonnet-5-5",
    max_tokens = 8000,
    thinking = { type = "adaptive", display = "summarized" },
    messages = messages,
  }, { tag = ngx.var.request_id })
  ngx.header.content_type = "text/event-stream"
  ngx.header.cache_control = "no-cache"
  if not stream then
    return send_error(err)
  end
  local event
  event, err = stream:next()
  while event and send(event) do
    event, err = stream:next()
  end
  if err then
    send_error(err)
  end
  stream:close() -- the browser may be gone
end

return chat
