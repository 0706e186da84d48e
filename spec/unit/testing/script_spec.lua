-- What becomes of a script: a plan of answers, each cut into pieces. spec/unit/testing/answers_spec.lua has more of
-- what is refused.

local json = require "anthropic.testing.json"
local script = require "anthropic.testing.script"

local EVENTS, JSON = "text/event-stream; charset=utf-8", "application/json"

-- The plan of a single answer.
local function plan_of(answer)
  return script.prepare(answer).routes[1].answers[1]
end

local function refused(message, source, on_end)
  local ok, failure = pcall(script.prepare, source, on_end)
  assert.is_false(ok)
  assert.equal("anthropic.testing: " .. message, failure)
end

describe("a script", function()
  it("is one answer, a list of them, or routes", function()
    assert.equal(201, plan_of({ status = 201 }).status)
    local list = script.prepare { { status = 201 }, { status = 202 } }
    assert.equal(1, #list.routes)
    assert.equal(2, #list.routes[1].answers)
    assert.equal(202, list.routes[1].answers[2].status)
    local routes = script.prepare { routes = {
      { method = "GET", path = "/a", target = "/a?b", match = "^/", body = "x", body_contains = "y", body_match = "z",
        answers = { {} } },
      { body_match = { "a", "b" }, answers = { {}, {} } },
    } }
    assert.equal(2, #routes.routes)
    local route = routes.routes[1]
    assert.same({ "GET", "/a", "/a?b", "^/", "x", "y" },
      { route.method, route.path, route.target, route.match, route.body, route.body_contains })
    assert.same({ "z" }, route.body_match)
    assert.same({ "a", "b" }, routes.routes[2].body_match)
    assert.equal(2, #routes.routes[2].answers)
  end)

  it("may be the demo", function()
    assert.equal(4, #script.prepare("demo").routes)
  end)

  it("answers 404 where no route fits", function()
    local otherwise = script.prepare({ routes = { { answers = { {} } } } }).otherwise
    assert.equal(404, otherwise.status)
    assert.same({ '{"type":"error","error":{"type":"not_found_error","message":"no route for this request"}}' },
      otherwise.pieces)
  end)

  it("repeats its last answer, or ends with an error", function()
    assert.is_nil(script.prepare({ {} }).routes[1].at_end)
    assert.is_nil(script.prepare({ {} }, "repeat").routes[1].at_end)
    local at_end = script.prepare({ {} }, "error").routes[1].at_end
    assert.equal(500, at_end.status)
    assert.same({ '{"type":"error","error":{"type":"api_error","message":"the script is at its end"}}' }, at_end.pieces)
    local routes = script.prepare({ routes = {
      { answers = { {} } }, { on_end = "repeat", answers = { {} } }, { on_end = "error", answers = { {} } },
    } }, "error").routes
    assert.equal(500, routes[1].at_end.status)
    assert.is_nil(routes[2].at_end)
    assert.equal(500, routes[3].at_end.status)
    refused("script.routes[1].on_end: repeat or error expected", { routes = { { on_end = "x", answers = { {} } } } })
    refused("on_end: repeat or error expected", { {} }, "x")
  end)

  it("is refused where it is none", function()
    for _, wrong in ipairs { {}, "other", 5, true } do
      refused("script: an answer, a list of answers, or routes expected", wrong)
    end
    refused("script: no such field: status", { routes = {}, status = 200 })
    refused("script.routes: table expected, got number", { routes = 5 })
    refused("script.routes[2]: a table expected, got string", { routes = { { answers = { {} } }, "x" } })
    refused("script.routes[1].answers: no answers", { routes = { {} } })
    refused("script.routes[1].method: string expected, got number", { routes = { { method = 1 } } })
    refused("script.routes[1].body_match: string or table expected, got number", { routes = { { body_match = 1 } } })
    refused("script.routes[1].body_match[1]: string expected, got number",
      { routes = { { body_match = { 1 }, answers = { {} } } } })
    refused("script.routes[1].body_match[2]: missing",
      { routes = { { body_match = { "a", nil, "b" }, answers = { {} } } } })
  end)

  it("is refused where a list has a hole, or names", function()
    local answer = { body = "x" }
    refused("script[2]: missing", { answer, nil, answer })
    refused("script: no such field: on_end", { answer, on_end = "error" })
    refused("script.routes[2]: missing", { routes = { { answers = { answer } }, nil, { answers = { answer } } } })
    refused("script.routes[1].answers[1]: missing", { routes = { { answers = { nil, answer } } } })
    refused("script[1].events[2]: missing", { { events = { "a", nil, "b" } } })
    refused("script[1].interim[1]: missing", { { interim = { nil, 103 } } })
    refused("script[1].headers[1]: missing", { { headers = { nil, { "a", "b" } } } })
    refused("script[1].splits[1]: missing", { { body = "abc", splits = { nil, 2 } } })
  end)
end)

describe("an answer's plan", function()
  it("has what the server needs where the answer says nothing", function()
    assert.same({
      status = 200, headers = {}, interim = {}, raw = false, framing = "length", content_type = JSON,
      pieces = { "" }, delays = {},
    }, plan_of { status = 200 })
    assert.equal(200, plan_of({ body = "x" }).status)
  end)

  it("keeps the answer's own fields", function()
    local given = { status = 418, reason = "Teapot", request_id = "req_1", keep_open = true, repeats = 3,
      cut_headers = 7, delay = 0.5, delay_between = 0.25 }
    local plan = plan_of(given)
    for name, value in pairs(given) do
      assert.equal(value, plan[name], name)
    end
  end)

  it("has one piece of a body, which may be a table", function()
    assert.same({ "text" }, plan_of({ body = "text" }).pieces)
    assert.same({ '{"a":[]}' }, plan_of({ body = { a = json.array {} } }).pieces)
    local raw = plan_of { raw = "bytes\0" }
    assert.same({ "bytes\0" }, raw.pieces)
    assert.is_true(raw.raw)
    assert.equal("length", raw.framing)
    assert.is_true(plan_of({ raw = "" }).raw)
  end)

  it("has a piece of each event, and the pauses before them", function()
    local plan = plan_of { events = {
      { event = "a", data = { x = 1 }, id = "7", delay = 0.5 }, "as it is", { raw = "raw\n", event = "not me" },
      { data = "one\ntwo\n" }, { event = "b" }, { id = "8" }, {}, { delay = 2 }, { data = "" },
    } }
    assert.same({
      'event: a\nid: 7\ndata: {"x":1}\n\n', "as it is", "raw\n", "data: one\ndata: two\ndata: \n\n", "event: b\n\n",
      "id: 8\n\n", "", "", "data: \n\n",
    }, plan.pieces)
    assert.same({ [1] = 0.5, [8] = 2 }, plan.delays)
    assert.equal("chunked", plan.framing)
    assert.equal(EVENTS, plan.content_type)
    assert.equal("close", plan_of({ events = {}, framing = "close" }).framing)
    assert.equal("chunked", plan_of({ body = "", framing = "chunked" }).framing)
    assert.equal("length", plan_of({ events = {}, framing = "length" }).framing)
  end)

  it("refuses events that are none", function()
    refused("script[1].events[2]: a table expected, got number", { { events = { {}, 5 } } })
    refused("script[1].events[1].data: string or table expected, got number", { { events = { { data = 5 } } } })
    refused("script[1].events[1].delay: number expected, got string", { { events = { { delay = "1" } } } })
    refused("script[1].events[1].data: JSON has no function", { { events = { { data = { f = print } } } } })
    refused("script[1].body: JSON has no function", { { body = { f = print } } })
  end)

  it("has headers in order: the list's, then the table's by name", function()
    local plan = plan_of { headers = { { "B", "1" }, { "A", 2 }, { "C", false }, z = "3", y = 4, x = false } }
    assert.same({ { "B", "1" }, { "A", "2" }, { "C", false }, { "x", false }, { "y", "4" }, { "z", "3" } },
      plan.headers)
  end)

  it("refuses headers that are none", function()
    local value = "a header's value is a string, a number or false, got "
    refused("script[1].headers.a: " .. value .. "boolean", { { headers = { a = true } } })
    refused("script[1].headers.a: " .. value .. "table", { { headers = { a = {} } } })
    refused("script[1].headers[2]: " .. value .. "nil", { { headers = { { "a", "b" }, { "a" } } } })
    refused("script[1].headers[1]: { name, value } expected", { { headers = { "a: b" } } })
    refused("script[1].headers[1]: { name, value } expected", { { headers = { { 5, "b" } } } })
  end)

  it("has interim answers", function()
    assert.same({ { status = 100, headers = {} }, { status = 103, reason = "Hints", headers = { { "Link", "x" } } } },
      plan_of({ interim = { 100, { status = 103, reason = "Hints", headers = { Link = "x" } } } }).interim)
    refused("script[1].interim[2]: a table expected, got string", { { interim = { 100, "103" } } })
    refused("script[1].interim[1]: no such field: body", { { interim = { { body = "x" } } } })
  end)

  it("has a fault in its place, or where it ends", function()
    for _, action in ipairs { "reset", "close", "hang" } do
      assert.equal(action, plan_of({ [action] = true }).instead)
      assert.is_nil(plan_of({ [action] = false }).instead)
    end
    for field, action in pairs { cut_after = "close", reset_after = "reset", hang_after = "hang" } do
      local plan = plan_of { body = "x", [field] = 0 }
      assert.same({ 0, action }, { plan.limit, plan.ending })
    end
    local one = "script[1]: only one of cut_after, reset_after and hang_after"
    refused(one, { { cut_after = 1, reset_after = 1 } })
    refused(one, { { reset_after = 0, hang_after = 0 } })
    refused(one, { { cut_after = 1, hang_after = 1 } })
  end)

  it("has one of body, events and raw", function()
    local one = "script[1]: only one of body, events and raw"
    refused(one, { { body = "", raw = "" } })
    refused(one, { { body = "", events = {} } })
    refused(one, { { raw = "", events = {} } })
    refused(one, { { raw = "", events = {}, body = "" } })
  end)

  it("has a framing that there is", function()
    for _, framing in ipairs { "length", "chunked", "close" } do
      assert.equal(framing, plan_of({ framing = framing }).framing)
    end
    refused("script[1].framing: chunked, length or close expected", { { framing = "none" } })
  end)

  it("has fields of their types and no others", function()
    refused("script[1]: no such field: statsu", { { statsu = 1 } })
    refused("script[2]: a table expected, got string", { {}, "x" })
    for field, expected in pairs {
      status = "number", reason = "string", headers = "table", request_id = "string", interim = "table",
      body = "string or table", events = "table", raw = "string", framing = "string", chunk_bytes = "number",
      splits = "table", delay = "number", delay_between = "number", cut_after = "number", reset_after = "number",
      hang_after = "number", cut_headers = "number", reset = "boolean", close = "boolean", hang = "boolean",
      keep_open = "boolean", repeats = "number",
    } do
      refused(("script[1].%s: %s expected, got function"):format(field, expected), { { [field] = print } })
    end
  end)

  it("counts in whole numbers", function()
    for _, field in ipairs { "status", "cut_after", "reset_after", "hang_after", "cut_headers", "repeats" } do
      for _, wrong in ipairs { 1.5, -1 } do
        refused(("script[1].%s: a whole number, 0 or more, expected, got %s"):format(field, wrong),
          { { body = "abc", [field] = wrong } })
      end
    end
    refused("script[1].chunk_bytes: a whole number expected", { { body = "abc", chunk_bytes = 1.5 } })
    refused("script[1].interim[1].status: a whole number, 0 or more, expected, got 100.5", { { interim = { 100.5 } } })
    refused("script[1].splits: growing positive offsets expected", { { body = "abc", splits = { 0.5, 2 } } })
  end)
end)

describe("a body that is cut anew", function()
  local function pieces_of(answer)
    return plan_of(answer).pieces
  end

  it("has pieces of so many bytes", function()
    assert.same({ "ab", "cd", "e" }, pieces_of { body = "abcde", chunk_bytes = 2 })
    assert.same({ "ab", "cd" }, pieces_of { body = "abcd", chunk_bytes = 2 })
    assert.same({ "a", "b" }, pieces_of { body = "ab", chunk_bytes = 1 })
    assert.same({ "ab" }, pieces_of { body = "ab", chunk_bytes = 2 })
    assert.same({ "ab" }, pieces_of { body = "ab", chunk_bytes = 5 })
    assert.same({ "" }, pieces_of { body = "", chunk_bytes = 1 })
    refused("script[1].chunk_bytes: at least 1 expected", { { body = "x", chunk_bytes = 0 } })
    refused("script[1].chunk_bytes: at least 1 expected", { { body = "x", chunk_bytes = 0.5 } })
  end)

  it("has pieces that end at the offsets", function()
    assert.same({ "a", "bc", "de" }, pieces_of { body = "abcde", splits = { 1, 3 } })
    assert.same({ "abcde" }, pieces_of { body = "abcde", splits = {} })
    assert.same({ "abcd", "e" }, pieces_of { body = "abcde", splits = { 4, 5, 6, 100 } })
    assert.same({ "a", "bcd", "e" }, pieces_of { events = { "ab", "cde" }, splits = { 1, 4 } })
    for _, splits in ipairs { { 0 }, { -1 }, { 2, 2 }, { 2, 1 }, { "1" }, { 1, true } } do
      refused("script[1].splits: growing positive offsets expected", { { body = "abc", splits = splits } })
    end
  end)

  it("has pauses where they were", function()
    local events = { { raw = "ab", delay = 1 }, { raw = "cd", delay = 2 }, { raw = "ef" }, { raw = "gh", delay = 4 } }
    local function delays_of(fields)
      fields.events = events
      return plan_of(fields).delays
    end
    assert.same({ 1, 2, nil, 4 }, delays_of { chunk_bytes = 2 })
    assert.same({ 7 }, delays_of { chunk_bytes = 100 })
    assert.same({ [1] = 1, [3] = 2, [7] = 4 }, delays_of { chunk_bytes = 1 })
    assert.same({ 3, 4 }, delays_of { splits = { 3 } })
    assert.same({ [1] = 3, [3] = 4 }, delays_of { splits = { 4, 6 } })
  end)
end)
