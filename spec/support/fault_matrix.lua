-- Runs every fault of faults.lua by every way of reading, many at once, and tells what came of it.
--
--     local report = fault_matrix.run()
--     report.rows[1]        -- { name, whole, streamed, tried, survived, lost, hung }
--     report.problems       -- a line for each exchange that ended otherwise than it should
--     fault_matrix.with_table(page, report)     -- the page, its table made anew

local anthropic = require "anthropic"
local certificates = require "spec.support.certificates"
local child = require "spec.support.child"
local core = require "anthropic.core"
local core_peer = require "spec.support.core_peer"
local documentation = require "spec.support.documentation"
local faults = require "spec.support.faults"
local full_queue = require "spec.support.full_queue"
local loop = require "anthropic.loop"
local readings = require "spec.support.readings"
local socket = require "socket"
local testing = require "anthropic.testing"

local KEY = "sk-test-0123456789abcdef"
local PARAMS = { model = "m", max_tokens = 9, messages = { { role = "user", content = "Hello" } } }
local SHAPES = { "whole", "streamed" }

local AT_ONCE = 300        -- exchanges
local ROUTES = 400         -- of one server
local HANGS_AFTER = 60     -- seconds that an exchange may take: none should take more than 5
local ENDS_AFTER = 240     -- seconds for all, under valgrind too

local fault_matrix = {}

-- --- what is tried -------------------------------------------------------------------------------

local function good_answer(good)
  return { body = good.bytes, headers = { ["Content-Type"] = good.type } }
end

local function cases_of(row, shape)
  local good = faults.good[shape]
  if row.cases then
    return row.cases(good)
  end
  return { { answer = row.answer and row.answer(good), result = row[shape] or row.both } }
end

-- Calls `each(case, shape)` for all that a row asks for.
local function each_case(row, each)
  for _, shape in ipairs(SHAPES) do
    if row[shape] or row.both then
      for _, case in ipairs(cases_of(row, shape)) do
        each(case, shape)
      end
    end
  end
end

-- The exchanges, and the scripts of the servers that they need.
local function plan()
  local exchanges, scripts = {}, { {} }
  local function route(answers)
    local routes = scripts[#scripts]
    if #routes == ROUTES then
      routes = {}
      scripts[#scripts + 1] = routes
    end
    routes[#routes + 1] = { path = ("/%d/v1/messages"):format(#routes + 1), answers = answers }
    return { server = #scripts, path = "/" .. #routes }
  end
  for number, row in ipairs(faults.rows) do
    each_case(row, function(case, shape)
      local place = case.answer and route { case.answer }
      for _, reading in ipairs(readings) do
        if (reading.streamed and "streamed" or "whole") == shape then
          local exchange = { row = number, reading = reading, result = case.result, place = place }
          exchanges[#exchanges + 1] = exchange
          if case.answer and not row.cases and case.result.attempts > 1 then
            exchanges[#exchanges + 1] = {
              row = number, reading = reading, result = { kind = "message", attempts = 2 },
              place = route { case.answer, good_answer(faults.good[shape]) },
            }
          end
        end
      end
    end)
  end
  return exchanges, scripts
end

-- --- where it happens ----------------------------------------------------------------------------

local function start_servers(scripts)
  local places = { servers = {}, urls = {}, directory = assert(certificates.make()) }
  for i, routes in ipairs(scripts) do
    places.servers[i] = testing.server { script = { routes = routes }, start_timeout = 30 }
  end
  places.refusing = assert(socket.tcp())
  assert(places.refusing:bind("127.0.0.1", 0)) -- without listening: nobody else gets the port
  places.urls.refused = "http://127.0.0.1:" .. select(2, places.refusing:getsockname())
  places.urls.no_route = "http://255.255.255.255:9" -- no connection can be made to all
  places.urls.no_host = "http://" .. ("a"):rep(64) .. ".invalid" -- too long to be asked for
  places.urls.silence_as_tls = places.servers[1].url:gsub("http:", "https:") -- it waits for a request
  places.greeter = child.start("spec/support/greeter.lua", "220 mail.example.com ESMTP\r\n")
  places.urls.plain_as_tls = "https://127.0.0.1:" .. places.greeter.port
  places.tls = child.start("spec/support/tls_server.lua",
    places.directory .. "/here.crt", places.directory .. "/here.key", "{}")
  places.urls.unknown_authority = "https://127.0.0.1:" .. places.tls.port
  places.queue = full_queue.open()
  places.urls.full_queue = places.queue and places.queue.url
  return places
end

local function stop_servers(places)
  for _, server in ipairs(places.servers) do
    server:stop()
  end
  places.refusing:close()
  places.tls:stop()
  places.greeter:stop()
  certificates.remove(places.directory)
  if places.queue then
    places.queue:close()
  end
end

local function url_of(exchange, places)
  local place = exchange.place
  return place and places.servers[place.server].url .. place.path or places.urls[faults.rows[exchange.row].url]
end

-- --- what should have come of it -----------------------------------------------------------------

-- The first difference between what came and what should have, or nil. Another exchange may have left a connection to
-- an attempt; the first time that it ends there without an answer, the next one comes at once.
local function problem_of_waits(err, result)
  local was_lost = false
  for i, attempt in ipairs(err.history) do
    local longest = i == err.attempts and 0 or result.waits == "asked" and 0.001 or 0.5 * 2 ^ (i - 1)
    local shortest = result.waits == "asked" and longest or longest * 0.75
    local is_lost = i < err.attempts and attempt.waited == 0 and attempt.kind == "connection" and not attempt.status
    if is_lost and not was_lost then
      was_lost = true
    elseif attempt.waited < shortest or attempt.waited > longest then
      return ("waited %g s after attempt %d"):format(attempt.waited, i)
    end
    if attempt.kind ~= result.kind then
      return ("%s at attempt %d"):format(attempt.kind, i)
    elseif (attempt.status == nil) ~= (err.headers == nil) then
      return "a status without headers in the history"
    end
  end
end

local function problem_of_error(err, result)
  for _, name in ipairs { "kind", "timeout", "status", "attempts" } do
    if err[name] ~= result[name] then
      return ("%s %s, expected %s: %s"):format(name, tostring(err[name]), tostring(result[name]), tostring(err))
    end
  end
  local line = tostring(err)
  if err.request_id ~= (err.headers and err.headers["request-id"]) or (err.headers and not err.request_id) then
    return "request ID " .. tostring(err.request_id)
  elseif #err.history ~= err.attempts then
    return #err.history .. " attempts in the history"
  elseif not err.message:find(result.words or "%a") then
    return "its words: " .. err.message
  elseif line:find "[\r\n]" or line:find(KEY, 1, true) then
    return "its line: " .. line
  end
  return problem_of_waits(err, result)
end

-- Whether any of the text that came was not given to the reader, or more than came.
local function lost_of(result, message, err, text)
  local expected = result.kind == "message" and faults.text or result.partial
  local found
  if message then
    found = message:text()
  else
    found = err.partial and err.partial:text()
  end
  if (message ~= nil) ~= (result.kind == "message") then
    return message and "a success" or tostring(err)
  elseif found ~= expected then
    return ("text %q, expected %q"):format(tostring(found), tostring(expected))
  elseif expected and (message or err.partial).id ~= faults.id then
    return "another message"
  elseif text and text ~= (expected or "") then
    return ("handed over %q, expected %q"):format(text, tostring(expected))
  end
end

local function problem_of(result, message, err)
  if message then
    local attempts = message.response.attempts
    return attempts ~= result.attempts and attempts .. " attempts" or nil
  end
  return problem_of_error(err, result)
end

-- --- the run -------------------------------------------------------------------------------------

-- What is open in this process once connections whose other end has gone are given up, which libcurl
-- does once a second at most, when it needs one.
local function inventory()
  collectgarbage()
  collectgarbage()
  socket.sleep(1.1)
  local client = anthropic.new { base_url = "http://127.0.0.1:1", api_key = KEY, max_retries = 0 }
  client.messages.create(PARAMS)
  client:close()
  local _, descriptors = core_peer.descriptors():gsub("\n", "")
  return {
    descriptors = descriptors,
    connections = loop.core():connections(),
    transfers = loop.core():active(),
  }
end

local function new_counts()
  return { tried = 0, survived = 0, lost = 0, hung = 0 }
end

local function note(report, exchange, column, problem)
  local row = report.rows[exchange.row]
  for _, counts in ipairs { row, report.all } do
    counts.tried = counts.tried + 1
    counts[column] = (counts[column] or 0) + 1
  end
  if problem then
    report.problems[#report.problems + 1] = ("%s, %s: %s"):format(row.name, exchange.reading.name, problem)
  end
end

local function judge(report, exchange, message, err, text)
  local result = exchange.result
  local lost = lost_of(result, message, err, text)
  local problem = lost or problem_of(result, message, err)
  if exchange.seconds > HANGS_AFTER then
    note(report, exchange, "hung", ("%g s"):format(exchange.seconds))
  elseif lost then
    note(report, exchange, "lost", lost)
  else
    note(report, exchange, problem and "otherwise" or "survived", problem)
  end
end

local function try(report, client, exchange, url)
  local timeout = { connect = 30, first_byte = 60, idle = 60 }
  for name, seconds in pairs(faults.rows[exchange.row].timeout or {}) do
    timeout[name] = seconds
  end
  local began = core.now()
  local message, err, text = exchange.reading.read(client, PARAMS, { base_url = url, timeout = timeout })
  exchange.seconds = report.is_over and math.huge or core.now() - began
  judge(report, exchange, message, err, text)
end

-- Tries a list of exchanges. What has not ended in time is ended by closing the client.
local function try_all(report, exchanges, places)
  local client = anthropic.new { api_key = KEY, max_retries = 2 }
  local next_exchange, working = 1, AT_ONCE
  local function work()
    while exchanges[next_exchange] and not report.is_over do
      local exchange = exchanges[next_exchange]
      next_exchange = next_exchange + 1
      local url = url_of(exchange, places)
      if url then
        try(report, client, exchange, url)
      end
    end
    working = working - 1
  end
  anthropic.run(function()
    for _ = 1, AT_ONCE do
      anthropic.spawn(work)
    end
    local ends = core.now() + ENDS_AFTER
    while working > 0 and core.now() < ends do
      anthropic.sleep(0.05)
    end
    report.is_over = working > 0
    client:close()
  end)
end

-- First those that are told by the clock, and then the many that are told by the byte.
local function run_all(report, exchanges, places)
  local single, many = {}, {}
  for _, exchange in ipairs(exchanges) do
    local list = faults.rows[exchange.row].cases and many or single
    list[#list + 1] = exchange
  end
  try_all(report, single, places)
  try_all(report, many, places)
end

local function describe(row, shape)
  local result = not row.cases and (row[shape] or row.both)
  if not result then
    return row[shape] and "depends on what had come" or ""
  elseif result.kind == "message" then
    return "the message"
  end
  local words = { "`" .. result.kind .. "`" }
  if result.timeout or result.kind == "api" then
    words[1] = words[1] .. " " .. (result.timeout and "`" .. result.timeout .. "`" or result.status)
  end
  words[#words + 1] = result.attempts > 1 and result.attempts .. " attempts" or nil
  words[#words + 1] = result.partial and result.partial ~= "" and "the text so far" or nil
  return table.concat(words, ", ")
end

--- Runs them all.
function fault_matrix.run()
  local report = { rows = {}, all = new_counts(), problems = {}, leaked = {} }
  for i, row in ipairs(faults.rows) do
    report.rows[i] = new_counts()
    report.rows[i].name = row.name
    for _, shape in ipairs(SHAPES) do
      report.rows[i][shape] = describe(row, shape)
    end
  end
  local exchanges, scripts = plan()
  local before = inventory()
  local places = start_servers(scripts)
  local began = core.now()
  run_all(report, exchanges, places)
  report.seconds = core.now() - began
  stop_servers(places)
  local after = inventory()
  for name, count in pairs(before) do
    report.leaked[name] = after[name] - count
  end
  return report
end

-- What was tried and what came of it, as Markdown.
local function table_of(report)
  local names = {}
  for i, reading in ipairs(readings) do
    names[i] = reading.name
  end
  local lines = {
    "| fault | asked whole | asked as a stream | tried | survived | lost | hung |",
    "|---|---|---|--:|--:|--:|--:|",
  }
  local function add(name, counts)
    lines[#lines + 1] = ("| %s | %s | %s | %d | %d | %d | %d |"):format(
      name, counts.whole or "", counts.streamed or "", counts.tried, counts.survived, counts.lost, counts.hung)
  end
  for _, row in ipairs(report.rows) do
    add(row.name, row)
  end
  add("**in all**", report.all)
  local leaked = report.leaked
  lines[#lines + 1] = ""
  lines[#lines + 1] = ("Read as: %s. Leaked: %d descriptors, %d connections, %d transfers."):format(
    table.concat(names, ", "), leaked.descriptors, leaked.connections, leaked.transfers)
  return table.concat(lines, "\n")
end

--- The page with the report's table in its place.
function fault_matrix.with_table(page, report)
  return documentation.with_table(page, "make reliability", table_of(report))
end

return fault_matrix
