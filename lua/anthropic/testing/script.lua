--- Checks a script and turns it into what the server plays: every answer as a
--- list of pieces with a pause before each, where it ends early and how, and
--- every table as JSON. A script is one answer, a list of answers,
--- `{ routes = { ... } }`, or "demo"; the fields are described at `testing.server`.
---
---     local plan = script.prepare { { status = 529 }, { body = { type = "message" } } }

local json = require "anthropic.testing.json"

---@class anthropic.testing.Answer an answer of the server, with one of `body`, `events` and `raw`, or with a fault in
---  their place
---@field status? integer Default: 200
---@field reason? string the words behind the status. Default: those that HTTP has for it
---@field headers? table further headers: a table, or a list of pairs; they replace the defaults, `false` removes one
---@field request_id? string the header `request-id`. Default: "req_test_1", "req_test_2", ...
---@field interim? (integer|anthropic.testing.Interim)[] responses with a status 1xx that are sent before
---@field body? string|table a table is sent as JSON
---@field events? (string|anthropic.testing.Event)[] of a stream; a string is sent as it is
---@field raw? string the whole response, its head included
---@field keep_open? boolean with `raw`: true keeps the connection open behind it
---@field framing? "length"|"chunked"|"close" how the end of the body is told. Default: "length", with `events`
---  "chunked"
---@field chunk_bytes? integer cuts the body into writes of that many bytes
---@field splits? integer[] cuts the body into writes at these offsets
---@field repeats? integer sends the body that often, so that a large one takes no memory
---@field delay? number seconds before the answer
---@field delay_between? number seconds between its pieces
---@field close? boolean true closes the connection in place of an answer
---@field reset? boolean true resets the connection in place of an answer
---@field hang? boolean true sends nothing, and keeps the connection open
---@field cut_after? integer closes the connection after that many bytes of the body
---@field reset_after? integer resets the connection after that many bytes of the body
---@field hang_after? integer sends nothing more after that many bytes of the body
---@field cut_headers? integer closes the connection after that many bytes of the head

---@class anthropic.testing.Interim
---@field status integer 100 to 199
---@field reason? string the words behind the status
---@field headers? table as in anthropic.testing.Answer

---@class anthropic.testing.Event an event of a stream, with `raw` or with the others
---@field event? string the event's name
---@field data? string|table a table is sent as JSON
---@field id? string the event's ID
---@field raw? string sent as it is
---@field delay? number seconds before it

---@class anthropic.testing.Routes
---@field routes anthropic.testing.Route[] the first one that fits a request answers it; a 404 where none fits

---@class anthropic.testing.Route what a request has to have; what is absent fits every request
---@field method? string such as "POST"
---@field path? string without the query
---@field target? string the path with its query
---@field match? string a Lua pattern that is found in the target
---@field body? string the exact body
---@field body_contains? string a text that is found in the body
---@field body_match? string|string[] Lua patterns that are all found in the body
---@field answers anthropic.testing.Answer[] in their order
---@field on_end? "repeat"|"error" what follows the last answer. Default: that of the server

local script = {}

local function fail(path, message)
  error("anthropic.testing: " .. path .. ": " .. message, 0)
end

--- Numbers that count something. The others are seconds.
local counts = {
  status = true, cut_after = true, reset_after = true, hang_after = true, cut_headers = true, repeats = true,
}

local function check(path, value, fields)
  if type(value) ~= "table" then
    fail(path, "a table expected, got " .. type(value))
  end
  for name, item in pairs(value) do
    local expected = fields[name]
    if not expected then
      fail(path, "no such field: " .. tostring(name))
    elseif not expected:find(type(item), 1, true) then
      fail(path .. "." .. name, expected .. " expected, got " .. type(item))
    elseif counts[name] and (item < 0 or item % 1 ~= 0) then
      fail(path .. "." .. name, "a whole number, 0 or more, expected, got " .. item)
    end
  end
end

local function encode(path, value)
  if type(value) == "string" then
    return value
  end
  local ok, text = pcall(json.encode, value)
  if not ok then
    fail(path, text)
  end
  return text
end

--- Checks that a list has no hole, and no names but where it may have some.
local function check_list(path, list, has_names)
  local count = 0
  for key in pairs(list) do
    if type(key) == "number" then
      count = count + 1
    elseif not has_names then
      fail(path, "no such field: " .. tostring(key))
    end
  end
  for i = 1, count do
    if list[i] == nil then
      fail(path .. "[" .. i .. "]", "missing")
    end
  end
end

local function header_value(path, value)
  if value == false or type(value) == "string" then
    return value
  elseif type(value) == "number" then
    return tostring(value)
  end
  fail(path, "a header's value is a string, a number or false, got " .. type(value))
end

--- Headers as a list of { name, value or false }, from a list of pairs or a table.
local function header_list(path, headers)
  local list, names = {}, {}
  check_list(path, headers or {}, true)
  for index, pair in ipairs(headers or {}) do
    if type(pair) ~= "table" or type(pair[1]) ~= "string" then
      fail(path .. "[" .. index .. "]", "{ name, value } expected")
    end
    list[index] = { pair[1], header_value(path .. "[" .. index .. "]", pair[2]) }
  end
  for name in pairs(headers or {}) do
    if type(name) == "string" then
      names[#names + 1] = name
    end
  end
  table.sort(names)
  for _, name in ipairs(names) do
    list[#list + 1] = { name, header_value(path .. "." .. name, headers[name]) }
  end
  return list
end

local event_fields = {
  event = "string", data = "string or table", id = "string", raw = "string", delay = "number",
}

local function event_text(path, event)
  if event.raw then
    return event.raw
  end
  local lines = {}
  if event.event then
    lines[#lines + 1] = "event: " .. event.event
  end
  if event.id then
    lines[#lines + 1] = "id: " .. event.id
  end
  if event.data then
    for line in (encode(path .. ".data", event.data) .. "\n"):gmatch("(.-)\n") do
      lines[#lines + 1] = "data: " .. line
    end
  end
  return #lines > 0 and table.concat(lines, "\n") .. "\n\n" or ""
end

local function event_pieces(path, events)
  local pieces, delays = {}, {}
  check_list(path .. ".events", events)
  for index, event in ipairs(events) do
    local event_path = path .. ".events[" .. index .. "]"
    if type(event) == "string" then
      pieces[index] = event
    else
      check(event_path, event, event_fields)
      pieces[index] = event_text(event_path, event)
      delays[index] = event.delay
    end
  end
  return pieces, delays
end

--- The offsets at which the pieces of a body of `length` bytes end.
local function piece_ends(path, answer, length)
  local ends = {}
  if answer.splits then
    local last = 0
    check_list(path .. ".splits", answer.splits)
    for _, offset in ipairs(answer.splits) do
      if type(offset) ~= "number" or offset <= last or offset % 1 ~= 0 then
        fail(path .. ".splits", "growing positive offsets expected")
      end
      last = offset
      if offset < length then
        ends[#ends + 1] = offset
      end
    end
  else
    if answer.chunk_bytes < 1 or answer.chunk_bytes % 1 ~= 0 then
      fail(path .. ".chunk_bytes", answer.chunk_bytes < 1 and "at least 1 expected" or "a whole number expected")
    end
    for offset = answer.chunk_bytes, length - 1, answer.chunk_bytes do
      ends[#ends + 1] = offset
    end
  end
  ends[#ends + 1] = length
  return ends
end

--- Cuts the body anew. What was a pause before an old piece becomes a pause
--- before the new piece in which the old one begins.
local function cut_again(path, answer, pieces, delays)
  local body = table.concat(pieces)
  local new_pieces, new_delays = {}, {}
  local old, old_start, start = 1, 0, 0
  for index, stop in ipairs(piece_ends(path, answer, #body)) do
    new_pieces[index] = body:sub(start + 1, stop)
    while pieces[old] and old_start < stop do
      if delays[old] then
        new_delays[index] = (new_delays[index] or 0) + delays[old]
      end
      old_start = old_start + #pieces[old]
      old = old + 1
    end
    start = stop
  end
  return new_pieces, new_delays
end

local answer_fields = {
  status = "number", reason = "string", headers = "table", request_id = "string", interim = "table",
  body = "string or table", events = "table", raw = "string", framing = "string",
  chunk_bytes = "number", splits = "table", delay = "number", delay_between = "number",
  cut_after = "number", reset_after = "number", hang_after = "number", cut_headers = "number",
  reset = "boolean", close = "boolean", hang = "boolean", keep_open = "boolean", repeats = "number",
}

local framings = { chunked = true, length = true, close = true }

local function interim_list(path, interim)
  local list = {}
  check_list(path .. ".interim", interim or {})
  for index, item in ipairs(interim or {}) do
    if type(item) == "number" then
      item = { status = item }
    end
    local item_path = path .. ".interim[" .. index .. "]"
    check(item_path, item, { status = "number", reason = "string", headers = "table" })
    list[index] = { status = item.status, reason = item.reason, headers = header_list(item_path, item.headers) }
  end
  return list
end

local function prepare_answer(path, answer)
  check(path, answer, answer_fields)
  local plan = {
    status = answer.status or 200,
    reason = answer.reason,
    headers = header_list(path .. ".headers", answer.headers),
    request_id = answer.request_id,
    interim = interim_list(path, answer.interim),
    raw = answer.raw ~= nil,
    keep_open = answer.keep_open,
    repeats = answer.repeats,
    cut_headers = answer.cut_headers,
    delay = answer.delay,
    delay_between = answer.delay_between,
    framing = answer.framing or (answer.events and "chunked" or "length"),
    content_type = answer.events and "text/event-stream; charset=utf-8" or "application/json",
  }
  if not framings[plan.framing] then
    fail(path .. ".framing", "chunked, length or close expected")
  elseif (answer.raw and 1 or 0) + (answer.body and 1 or 0) + (answer.events and 1 or 0) > 1 then
    fail(path, "only one of body, events and raw")
  end
  for _, action in ipairs { "reset", "close", "hang" } do
    if answer[action] then
      plan.instead = action
    end
  end
  for field, action in pairs { cut_after = "close", reset_after = "reset", hang_after = "hang" } do
    if answer[field] and plan.limit then
      fail(path, "only one of cut_after, reset_after and hang_after")
    elseif answer[field] then
      plan.limit, plan.ending = answer[field], action
    end
  end
  if answer.events then
    plan.pieces, plan.delays = event_pieces(path, answer.events)
  else
    plan.pieces, plan.delays = { answer.raw or encode(path .. ".body", answer.body or "") }, {}
  end
  if answer.splits or answer.chunk_bytes then
    plan.pieces, plan.delays = cut_again(path, answer, plan.pieces, plan.delays)
  end
  return plan
end

local function error_answer(path, status, type, message)
  return prepare_answer(path, {
    status = status,
    body = { type = "error", error = { type = type, message = message } },
  })
end

local route_fields = {
  method = "string", path = "string", target = "string", match = "string",
  body = "string", body_contains = "string", body_match = "string or table", answers = "table", on_end = "string",
}

local function prepare_answers(path, answers)
  local list = {}
  check_list(path, answers)
  for index, answer in ipairs(answers) do
    list[index] = prepare_answer(path .. "[" .. index .. "]", answer)
  end
  if #list == 0 then
    fail(path, "no answers")
  end
  return list
end

local function answer_at_end(path, on_end)
  if on_end == "error" then
    return error_answer(path, 500, "api_error", "the script is at its end")
  elseif on_end and on_end ~= "repeat" then
    fail(path, "repeat or error expected")
  end
end

local function prepare_route(path, route, on_end)
  check(path, route, route_fields)
  local patterns = type(route.body_match) == "string" and { route.body_match } or route.body_match or {}
  check_list(path .. ".body_match", patterns)
  for index, pattern in ipairs(patterns) do
    if type(pattern) ~= "string" then
      fail(path .. ".body_match[" .. index .. "]", "string expected, got " .. type(pattern))
    end
  end
  return {
    method = route.method,
    path = route.path,
    target = route.target,
    match = route.match,
    body = route.body,
    body_contains = route.body_contains,
    body_match = patterns,
    answers = prepare_answers(path .. ".answers", route.answers or {}),
    at_end = answer_at_end(path .. ".on_end", route.on_end or on_end),
  }
end

--- Turns a script into plain data for the server: `{ routes =, otherwise = }`.
--- Raises an error that names the place of what is wrong.
---@param source table|"demo"
---@param on_end? "repeat"|"error"
---@return table
function script.prepare(source, on_end)
  if source == "demo" then
    source = require "anthropic.testing.demo"()
  end
  if type(source) ~= "table" or next(source) == nil then
    fail("script", "an answer, a list of answers, or routes expected")
  end
  local plan = { routes = {}, otherwise = error_answer("script", 404, "not_found_error", "no route for this request") }
  if source.routes then
    check("script", source, { routes = "table" })
    check_list("script.routes", source.routes)
    for index, route in ipairs(source.routes) do
      plan.routes[index] = prepare_route("script.routes[" .. index .. "]", route, on_end)
    end
  else
    plan.routes[1] = {
      answers = prepare_answers("script", source[1] ~= nil and source or { source }),
      at_end = answer_at_end("on_end", on_end),
    }
  end
  return plan
end

return script
