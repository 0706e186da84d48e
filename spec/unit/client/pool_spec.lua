-- How a request of a pool goes from member to member; which one is next is in routing_spec.lua, and what is sent in
-- spec/behaviour/pool_spec.lua.

local anthropic = require "anthropic"
local clients = require "anthropic.client"
local errors = require "anthropic.base.error"
local pools = require "anthropic.client.pool"
local service = require "spec.support.service"
local waiting = require "spec.support.waiting"

describe("a pool", function()
  local around = clients.around
  local own -- of the client that stands for the pool

  before_each(function()
    service.environment {}
    function clients.around(given)
      own = given
      return around(given)
    end
  end)

  after_each(function()
    clients.around = around
    waiting.restart_clock()
    service.clear()
  end)

  local function member(number, options)
    local all = { base_url = "http://h" .. number .. ".test", api_key = "key-" .. number }
    for name, value in pairs(options or {}) do
      all[name] = value
    end
    return anthropic.new(all)
  end

  local function new(given)
    given.members = given.members or { member(1), member(2) }
    return pools.new(given, 1)
  end

  local function request(fields, options)
    local spec = { method = "POST", path = "/v1/messages", body = "{}" }
    for name, value in pairs(fields or {}) do
      spec[name] = value
    end
    return own.prepare(spec, options)
  end

  local function failure(status, fields)
    local err = errors.new { kind = "api", status = status, message = "m" }
    for name, value in pairs(fields or {}) do
      err[name] = value
    end
    return err
  end

  it("has clients for members, and says what is wrong with others", function()
    local client = member(1)
    for _, case in ipairs {
      { 7, "pool: a table with members expected" }, { {}, "pool: a table with members expected" },
      { { members = {} }, "pool: members: a list of clients expected" },
      { { members = { 7 } }, "pool: members[1]: a client, or a table with one, expected, got number" },
      { { members = { client, {} } }, "pool: members[2]: has no client" },
      { { members = { client, nil, client } }, "pool: members[2]: missing" },
      { { members = { client, other = client } }, "pool: members: a list expected, got a table with the key other" },
      { { members = { { client = {} } } }, "a client" },
      { { members = { { client = client, weight = 0 } } }, "weight" },
      { { members = { { client = client, models = { a = 1 } } } }, "a table of names of models" },
      { { members = { { client = client, models = { "a" } } } }, "a table of names of models" },
      { { members = { { client = client, models = 7 } } }, "a table of names of models" },
      { { members = { client }, cooldown = -1 }, "a number of seconds, 0 or more" },
      { { members = { client }, max_retries = 0.5 }, "max_retries" }, { { members = { client }, other = 1 }, "other" },
    } do
      local ok, message = pcall(pools.new, case[1], 1)
      assert.is_false(ok)
      assert.matches(case[2], message, 1, true)
    end
    new { members = { client, { client = client, weight = 0.1, models = {} } }, cooldown = 0, max_retries = 0 }
    assert.equal("anthropic.Pool (2 members)", tostring(new { members = { client, client } }))
  end)

  it("blames who makes it for what is wrong", function()
    local client = member(1)
    local function make(given, level)
      pools.new(given, level)
      return true
    end
    local here = debug.getinfo(make, "S").linedefined + 1
    for _, given in ipairs {
      7, { members = {} }, { members = { 7 } }, { members = { {} } }, { members = 7 },
      { members = { client, nil, client } }, { members = { { client = client, weight = 0 } } },
      { members = { client }, cooldown = -1 },
    } do
      local line = debug.getinfo(1, "l").currentline + 2
      local _, by_caller = pcall(function()
        local made = make(given, 2)
        return made
      end)
      assert.matches("^spec/unit/client/pool_spec%.lua:" .. line .. ": ", by_caller)
      local _, by_make = pcall(make, given, 1)
      assert.matches("^spec/unit/client/pool_spec%.lua:" .. here .. ": ", by_make)
    end
  end)

  it("has what a client has of messages, and none of the rest", function()
    local pool = new {}
    assert.is_truthy(pool.messages)
    assert.is_truthy(pool.models)
    assert.equal(own.shared.usage, pool.usage)
    assert.is_nil(pool.files)
    assert.is_nil(pool.option)
  end)

  -- A request that is with its first member.
  local function entered(fields, options)
    local made = assert(request(fields, options))
    assert.is_true(made.route:enter(made))
    return made
  end

  -- The members of the next requests, which end at once.
  local function next_members(count)
    local list = {}
    for i = 1, count do
      local made = entered()
      made.has_ended, list[i] = true, made.member
    end
    return list
  end

  it("gives each member its part of the requests, as much as the others where nothing is said", function()
    new { members = { member(1), { client = member(2), weight = 2 } } }
    assert.same({ 2, 1, 2, 2, 1, 2 }, next_members(6))
  end)

  it("goes past a member that failed for 30 seconds, or for its cool-down", function()
    for _, case in ipairs { { nil, 30 }, { 5, 5 } } do
      local pass = waiting.stop_clock(1000)
      new { cooldown = case[1] }
      local made = entered()
      made.route:failed(made, failure(529))
      pass(case[2] - 0.5)
      assert.same({ 2, 2 }, next_members(2))
      pass(0.5)
      assert.same({ 1 }, next_members(1))
    end
  end)

  it("takes a member for alive that has answered, be it with a refusal, but not after another failure", function()
    for _, case in ipairs {
      { function(made) made.route:answered(made) end, true },
      { function(made) made.route:failed(made, failure(400)) end, true },
      { function(made) made.route:failed(made, errors.new { kind = "protocol", message = "m" }) end, false },
      { function() end, false },
    } do
      local pass = waiting.stop_clock(1000)
      new {}
      local made = entered()
      made.route:failed(made, failure(529))
      pass(30)
      made = entered()
      assert.equal(1, made.member)
      case[1](made)
      local list = next_members(2)
      table.sort(list)
      assert.same(case[2] and { 1, 2 } or { 2, 2 }, list)
      assert.equal(1, made.member) -- who still holds what it tried
    end
  end)

  it("stays with a member that lost its first connection, which does not count", function()
    local lost = errors.new { kind = "connection", message = "m", lost = "idle" }
    for losses, following in pairs { [0] = 1, [1] = 2 } do
      new {}
      local made = entered()
      made.losses = losses
      made.route:failed(made, lost)
      assert.equal(0, made.route:delay(made, lost))
      assert.equal(following, made.route.following)
      assert.same(losses == 0 and { 2, 1 } or { 2, 2 }, next_members(2))
    end
    waiting.stop_clock(1000)
    for losses, seconds in pairs { [0] = 0, [1] = 0.5, [2] = 0.5 } do
      local made = entered()
      made.route.only, made.losses = made.member, losses
      assert.equal(seconds, made.route:delay(made, lost))
    end
  end)

  it("waits longer each time before it asks a member again, and not before it asks another one", function()
    waiting.stop_clock(1000)
    new { members = { member(1) } }
    local made = request()
    for _, seconds in ipairs { 0.5, 1, 2, 4 } do
      made.route:enter(made)
      made.route:failed(made, failure(529))
      assert.equal(seconds, made.route:delay(made, failure(529)))
    end
    new {}
    for i = 1, 2 do
      made = entered()
      assert.equal(i, made.member)
      made.route:failed(made, failure(529))
    end
    assert.equal(0, made.route:delay(made, failure(529)))
    assert.equal(1, made.route.following)
  end)

  it("goes to the member once more that it is to stay with", function()
    new {}
    local made = entered()
    made.route:stay(made)
    made.route:enter(made)
    assert.equal(1, made.member)
    made.route:enter(made)
    assert.equal(2, made.member)
  end)

  it("sends each attempt with the options of its member", function()
    new {}
    local made = assert(request())
    for _, number in ipairs { 1, 2, 1 } do
      assert.is_true(made.route:enter(made))
      assert.equal(number, made.member)
      assert.equal("key-" .. number, made.option "api_key")
    end
  end)

  it("tries as often as twice for each member, unless it is told otherwise", function()
    for count, retries in pairs { [1] = 1, [2] = 3, [3] = 5 } do
      local list = {}
      for i = 1, count do
        list[i] = member(i, { max_retries = 9 })
      end
      new { members = list }
      assert.equal(retries, request().option "max_retries")
    end
    new { max_retries = 4 }
    assert.equal(4, request().option "max_retries")
    assert.equal(4, request(nil, { timeout = 1 }).option "max_retries")
    assert.equal(2, request(nil, { max_retries = 2 }).option "max_retries")
  end)

  it("makes the body anew for a member that differs", function()
    new { members = { member(1), { client = member(2), models = { m = "there" } }, member(1) } }
    local remade = {}
    local made = request { body = "first", model = "m", remake = function(one)
      remade[#remade + 1] = one:options_for(nil) "model_names"
      return { body = "second", model = "there" }
    end }
    local bodies = {}
    for i = 1, 3 do
      made.route:enter(made)
      bodies[i] = made.spec().body .. " " .. made.spec().model
    end
    assert.same({ "first m", "second there", "first m" }, bodies)
    assert.same({ { m = "there" } }, remade)
    local problem = errors.new { kind = "invalid_request", message = "no" }
    made = request { remake = function() return nil, problem end }
    made.route:enter(made)
    assert.same({ nil, problem }, { made.route:enter(made) })
  end)

  it("makes the body anew for another server, another model and other names of models, and for nothing else", function()
    for _, case in ipairs {
      { member(1), false }, { member(1, { api_key = "other" }), false }, { member(2), true },
      { member(1, { model = "x" }), true }, { { client = member(1), models = { m = "there" } }, true },
    } do
      new { members = { member(1), case[1] } }
      local is_remade = false
      local made = entered { remake = function()
        is_remade = true
        return { body = "second", model = "m" }
      end }
      assert.is_false(is_remade)
      made.route:enter(made)
      assert.equal(2, made.member)
      assert.equal(case[2], is_remade)
    end
  end)

  it("goes on with another member after what is a member's failure", function()
    new {}
    local made = request()
    made.route:enter(made)
    made.route:failed(made, failure(529))
    assert.equal(0, made.route:delay(made, failure(529)))
    assert.equal(2, made.route.following)
    made.route:enter(made)
    assert.equal(2, made.member)
  end)

  it("stays with its member where the request itself is refused, or names what is there", function()
    new {}
    local made = request()
    made.route:enter(made)
    assert.is_nil(made.route:delay(made, failure(400)))
    made.route.only = 1
    local seconds = made.route:delay(made, failure(529))
    assert.is_true(seconds > 0 and seconds <= 8)
    assert.equal(1, made.route.following)
    made.route:stay(made)
    made.route:enter(made)
    assert.equal(1, made.member)
  end)

  it("sends what must not be sent twice to no other, unless it was refused", function()
    new {}
    local made = request { retry = "safe" }
    made.route:enter(made)
    assert.is_nil(made.route:delay(made, errors.new { kind = "timeout", message = "m" }))
    assert.is_truthy(made.route:delay(made, failure(429)))
  end)

  it("waits for five minutes at most", function()
    waiting.stop_clock(1000)
    for _, case in ipairs { { 300, 300 }, { 301, nil } } do
      new { members = { member(1) } }
      local made = entered()
      made.route:failed(made, failure(429, { retry_after = case[1] }))
      assert.equal(case[2], (made.route:delay(made, failure(429))))
    end
  end)

  it("does not wait for long", function()
    new { members = { member(1) } }
    local made = request()
    for _, case in ipairs { { 301, nil }, { 299, 299 } } do
      made.route:enter(made)
      local err = failure(429, { retry_after = case[1] })
      made.route:failed(made, err)
      local seconds = made.route:delay(made, err)
      assert.equal(case[2] ~= nil, seconds ~= nil)
      assert.is_true(not seconds or seconds > 290)
      new { members = { member(1) } }
      made = request()
    end
  end)

  it("goes to a member that is back before the deadline rather than to one that is not", function()
    new {}
    local made = request(nil, { timeout = 10 })
    made.route:enter(made)
    made.route:failed(made, failure(529, { retry_after = 20 }))
    made.route:enter(made)
    made.route:stay(made)
    made.route:enter(made)
    made.route:failed(made, failure(529))
    assert.is_truthy(made.route:delay(made, failure(529)))
    assert.equal(2, made.route.following)
  end)

  it("takes in no failure that is nobody's", function()
    new {}
    local made = request()
    made.route:failed(made, failure(529)) -- of no member yet
    made.route:enter(made)
    made.route:failed(made, errors.cancelled "c")
    local other = request()
    other.route:enter(other)
    assert.equal(2, other.member)
  end)

  it("asks nobody whose platform has no such thing, and nobody where all are closed", function()
    local bedrock = anthropic.new { platform = "bedrock", region = "r", api_key = "k" }
    new { members = { bedrock, member(2) } }
    local made = request { path = "/v1/messages/count_tokens" }
    for _ = 1, 2 do
      made.route:enter(made)
      assert.equal(2, made.member)
    end
    new { members = { bedrock } }
    local none, err = request { path = "/v1/messages/count_tokens" }
    assert.is_nil(none)
    assert.matches("Amazon Bedrock has no POST", err.message, 1, true)
    local closed = member(1)
    new { members = { closed } }
    made = request()
    closed:close()
    assert.equal("the clients of the pool are closed", select(2, made.route:enter(made)).message)
  end)

  it("is closed without its members", function()
    local client = member(1)
    local pool = new { members = { client } }
    pool:close()
    local made, err = pool.messages.create { model = "m", max_tokens = 1, messages = {} }
    assert.is_nil(made)
    assert.equal("the client is closed", err.message)
    assert.is_truthy(client:exchange { method = "GET", path = "/x" })
  end)

  it("counts each message for itself and for its member", function()
    local client = member(1)
    local pool = new { members = { client } }
    local made = request()
    made.route:enter(made)
    made:count { model = "m", usage = { input_tokens = 3 } }
    assert.equal(3, pool.usage:total().input_tokens)
    assert.equal(3, client.usage:total().input_tokens)
  end)
end)
