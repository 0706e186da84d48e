-- The work of `make bench`, a row each:
--
--     path               the load server's answer (bench/workload.h)
--     how                the way to read it (bench/peers/README.md)
--     requests, at_once, prompt, history    likewise; 1, 1, 20 and 0 where not given
--     count, unit        what the net CPU is divided by
--     front              "tls", "tls_close" or "http2": through nginx
--     closes             a new connection for each request
--     small              what is taken off: "request" (the same program with one small request), nothing
--                        where false, or another command
--     times              runs in each round, where one is too short to be measured
--     only               the peers, where it is not all that can
--     series, times_as_much   rows of one series show how a cost grows

local OURS = { "anthropic-lua5.4", "anthropic-luajit" }
local LIBRARY = { "libcurl", OURS[1], OURS[2] }

local DELTAS, REQUESTS, PACED_DELTAS = 100000, 1000, 40

local rows = {}

local function add(row)
  row.requests, row.at_once = row.requests or 1, row.at_once or 1
  row.prompt, row.history = row.prompt or 20, row.history or 0
  row.times = row.times or 1
  if row.small == nil then
    row.small = "request"
  end
  rows[#rows + 1] = row
end

-- --- starting -------------------------------------------------------------------------------------

add { name = "load", title = "loading it", path = "reply=message", how = "load",
  count = 1, unit = "start", small = false, times = 5 }
add { name = "first-request", title = "loading it and one short request", path = "reply=message", how = "create",
  count = 1, unit = "start", small = false, times = 5 }
add { name = "require", title = "require \"anthropic\" and a client, beyond loading libcurl and lua-cjson",
  path = "reply=message", how = "ready", count = 1, unit = "start", small = "bench/load_libraries.lua",
  times = 20, only = OURS }

-- --- one long stream ------------------------------------------------------------------------------

local ways = { events = "each event decoded", text = "the pieces of text", message = "the whole message only" }
for _, how in ipairs { "events", "text", "message" } do
  add { name = "stream-" .. how, title = "100,000 deltas, " .. ways[how], path = "deltas=" .. DELTAS,
    how = how, count = DELTAS, unit = "event", times = 8 }
end
add { name = "event-writes", title = "100,000 deltas, one event in each network write, each event decoded",
  path = "deltas=" .. DELTAS .. ",write=event", how = "events", count = DELTAS, unit = "event" }
add { name = "tool-input", title = "a tool input of 1 MB in pieces of 40 bytes",
  path = "reply=tool,deltas=25000,size=40", how = "tool", count = 25000, unit = "event" }

-- --- many streams ---------------------------------------------------------------------------------

for _, streams in ipairs { 200, 1000 } do
  add { name = "paced-" .. streams, title = streams .. " streams at once, one event in 50 ms each",
    path = "pace=50,deltas=" .. PACED_DELTAS, how = "events", at_once = streams,
    count = streams * PACED_DELTAS, unit = "event" }
end

-- --- many requests --------------------------------------------------------------------------------

local function add_requests(name, title, fields)
  local row = { name = name, title = "1,000 " .. title, path = "reply=message,size=200", how = "create",
    requests = REQUESTS, count = REQUESTS, unit = "request", times = 4 }
  for field, value in pairs(fields) do
    row[field] = value
  end
  add(row)
end

add_requests("requests", "short requests over one connection", {})
add_requests("requests-close", "short requests, a connection each", {
  path = "reply=message,size=200,close=1", closes = true })
add_requests("requests-stream", "streams of 50 deltas over one connection", { path = "deltas=50", how = "events" })
add_requests("requests-tls", "short requests over one connection with TLS", { front = "tls" })
add_requests("requests-tls-close", "short requests with TLS, a connection each", { front = "tls_close", closes = true })
add_requests("requests-http2", "short requests over one connection with HTTP/2", { front = "http2" })
add { name = "upload", title = "a request of 10 MB", path = "reply=message,size=200", how = "create",
  prompt = 10000000, requests = 5, count = 50, unit = "MB" }

-- --- growth ---------------------------------------------------------------------------------------

-- Where it can, a series does the same work in all: sixteen requests, four, or one.
local function add_series(series, title, unit, make)
  for _, times in ipairs { 1, 4, 16 } do
    local row = make(times)
    row.name, row.title, row.unit = series .. "-" .. times .. "x", title .. ", " .. times .. "x", unit
    row.series, row.times_as_much, row.only = series, times, LIBRARY
    add(row)
  end
end

add_series("growth-length", "deltas of one stream", "event", function(times)
  return { path = "deltas=" .. 25000 * times, how = "events", requests = 16 / times, count = 25000 * 16 }
end)
add_series("growth-message", "deltas of one stream, read as a message", "event", function(times)
  return { path = "deltas=" .. 25000 * times, how = "message", requests = 16 / times, count = 25000 * 16 }
end)
add_series("growth-size", "bytes of each delta", "KB", function(times)
  return { path = "deltas=5000,size=" .. 40 * times, how = "events", requests = 16, count = "body" }
end)
add_series("growth-tool", "bytes of a tool input", "event", function(times)
  return { path = "reply=tool,size=40,deltas=" .. 6250 * times, how = "tool", requests = 16 / times,
    count = 6250 * 16 }
end)
add_series("growth-streams", "streams at once", "event", function(times)
  return { path = "deltas=200", how = "events", at_once = 60 * times, count = 60 * times * 200, times = 16 / times }
end)
add_series("growth-history", "messages in a request", "message", function(times)
  return { path = "reply=message", how = "create", history = 256 * times, requests = 80 / times, count = 256 * 80 }
end)

return rows
