-- Many requests at once: how many are under way, in which order, and what becomes of failures.

local anthropic = require "anthropic"
local concurrent = require "anthropic.helpers.concurrent"
local errors = require "anthropic.base.error"
local options = require "anthropic.http.options"

local function numbered(count)
  local list = {}
  for i = 1, count do
    list[i] = { number = i }
  end
  return list
end

local function failure(words)
  return errors.new { kind = "api", message = words }
end

-- A client whose `loop` option is the one given.
local function client_of(driver)
  return { options_for = function()
    return function(name)
      assert.equal("loop", name)
      return driver
    end
  end }
end

local function map(list, settings, send, driver)
  return concurrent.run(client_of(driver), list, settings or {}, nil, send)
end

-- Waits until it is so, at least a little.
local function wait_for(is_so)
  repeat
    anthropic.sleep(0.001)
  until is_so()
end

-- A host that waits by yielding but cannot run several coroutines.
local function single_host()
  return { suspends = true, wait = function() return true end }
end

describe("a map", function()
  it("gives the answers at the places of their requests", function()
    local messages, errs = map(numbered(3), nil, function(params)
      anthropic.sleep((4 - params.number) / 1000)
      return "answer " .. params.number
    end)
    assert.same({ n = 3, "answer 1", "answer 2", "answer 3" }, messages)
    assert.same({}, errs)
  end)

  it("of nothing is nothing", function()
    local messages, errs = map({}, { on_progress = error }, error)
    assert.same({ n = 0 }, messages)
    assert.same({}, errs)
  end)

  it("keeps failures at their places, and goes on", function()
    local second, last = failure "second", failure "last"
    local messages, errs = map(numbered(4), { concurrency = 1 }, function(params)
      local err = ({ [2] = second, [4] = last })[params.number]
      if err then
        return nil, err
      end
      return params.number
    end)
    assert.same({ 1, nil, 3, n = 4 }, messages)
    assert.equal(second, errs[2])
    assert.equal(last, errs[4])
    assert.is_nil(errs[1])
    assert.is_nil(errs[3])
  end)

  it("joins the common parameters with a request's own, and changes neither", function()
    local shared = { model = "m", max_tokens = 9, stream = true }
    local list = { { max_tokens = 1, messages = "a" }, { stream = true, messages = "b" }, {} }
    local sent = {}
    map(list, { params = shared, concurrency = 1 }, function(params)
      sent[#sent + 1] = params
      return true
    end)
    assert.same({
      { model = "m", max_tokens = 1, messages = "a" },
      { model = "m", max_tokens = 9, messages = "b" },
      { model = "m", max_tokens = 9 },
    }, sent)
    assert.same({ model = "m", max_tokens = 9, stream = true }, shared)
    assert.same({ { max_tokens = 1, messages = "a" }, { stream = true, messages = "b" }, {} }, list)
    map({ { a = 1, stream = false } }, {}, function(params)
      assert.same({ a = 1 }, params)
      return true
    end)
  end)

  it("sends the requests as they were given, whatever becomes of their list", function()
    local list = numbered(4)
    local messages = map(list, { concurrency = 1, on_progress = function() table.remove(list, 1) end }, function(params)
      return params.number
    end)
    assert.same({ n = 4, 1, 2, 3, 4 }, messages)
    assert.same({}, list)
  end)

  it("refuses what is no list of parameters, before it sends", function()
    for _, case in ipairs {
      { { { }, "x" }, "list[2]: parameters of messages.create expected, got string" },
      { { true }, "list[1]: parameters of messages.create expected, got boolean" },
      { { anthropic.raw "{}" }, "list[1]: parameters of messages.create expected, got anthropic.raw" },
      { { messages = {} }, "list[messages]: parameters of messages.create expected, got table" },
      { { {}, model = "m" }, "list[model]: parameters of messages.create expected, got string" },
    } do
      local messages, err = map(case[1], nil, error)
      assert.is_nil(messages)
      assert.equal("invalid_request", err.kind)
      assert.equal(case[2], err.message)
    end
  end)

  it("refuses a list with holes", function()
    for path, list in pairs {
      ["list[2]"] = { [1] = {}, [3] = {} }, ["list[1]"] = { nil, {} }, ["list[3]"] = { {}, {}, nil, {} },
    } do
      local messages, err = map(list, { params = { a = 1 } }, error)
      assert.is_nil(messages)
      assert.equal("invalid_request", err.kind)
      assert.equal(path .. ": missing", err.message)
    end
  end)
end)

describe("the requests of a map", function()
  -- The most that were under way at the same time, and the order in which they began.
  local function most(count, settings)
    local under_way, highest, order = 0, 0, {}
    map(numbered(count), settings, function(params)
      order[#order + 1] = params.number
      under_way = under_way + 1
      highest = math.max(highest, under_way)
      anthropic.sleep(0.001)
      under_way = under_way - 1
      return true
    end)
    for i = 1, count do
      assert.equal(i, order[i])
    end
    assert.equal(count, #order)
    return highest
  end

  it("are under way as many at a time as they may, eight where nothing is said", function()
    assert.equal(1, most(4, { concurrency = 1 }))
    assert.equal(2, most(5, { concurrency = 2 }))
    assert.equal(5, most(5, { concurrency = 5 }))
    assert.equal(3, most(3, { concurrency = 9 }))
    assert.equal(8, most(10))
    assert.equal(7, most(7))
  end)

  it("begin as soon as there is room", function()
    local order = {}
    map(numbered(3), { concurrency = 2 }, function(params)
      order[#order + 1] = "begin " .. params.number
      wait_for(function() return params.number ~= 1 or order[#order] == "end 3" end)
      order[#order + 1] = "end " .. params.number
      return true
    end)
    assert.same({ "begin 1", "begin 2", "end 2", "begin 3", "end 3", "end 1" }, order)
  end)

  it("run inside of a task, beside others", function()
    local order = {}
    anthropic.run(function()
      anthropic.spawn(function()
        anthropic.sleep(0.001)
        order[#order + 1] = "other"
      end)
      local messages = map(numbered(2), nil, function(params)
        anthropic.sleep(0.01)
        return params.number
      end)
      assert.same({ 1, 2, n = 2 }, messages)
      order[#order + 1] = "map"
    end)
    assert.same({ "other", "map" }, order)
  end)

  it("follow one another in a host that cannot run several", function()
    local order = {}
    local messages, errs = map(numbered(3), { concurrency = 3, on_progress = function(told)
      order[#order + 1] = "told " .. told.index
    end }, function(params)
      order[#order + 1] = "sent " .. params.number
      return params.number
    end, single_host())
    assert.same({ 1, 2, 3, n = 3 }, messages)
    assert.same({}, errs)
    assert.same({ "sent 1", "told 1", "sent 2", "told 2", "sent 3", "told 3" }, order)
  end)

  it("are tasks where the host of the client runs several", function()
    local highest, under_way = 0, 0
    local messages = map(numbered(2), nil, function(params)
      under_way = under_way + 1
      highest = math.max(highest, under_way)
      anthropic.sleep(0.001)
      under_way = under_way - 1
      return params.number
    end, { spawn = error, suspends = true, wait = error })
    assert.same({ 1, 2, n = 2 }, messages)
    assert.equal(2, highest)
  end)
end)

describe("the progress of a map", function()
  it("is told after each answer", function()
    local told = {}
    local problem = failure "no"
    map(numbered(3), { concurrency = 3, on_progress = function(progress) told[#told + 1] = progress end },
      function(params)
        wait_for(function() return #told == ({ 1, 0, 2 })[params.number] end)
        if params.number == 1 then
          return nil, problem
        end
        return "answer " .. params.number
      end)
    assert.same({
      { total = 3, done = 1, failed = 0, index = 2, message = "answer 2" },
      { total = 3, done = 2, failed = 1, index = 1, error = problem },
      { total = 3, done = 3, failed = 1, index = 3, message = "answer 3" },
    }, told)
  end)
end)

describe("a map that is broken off", function()
  -- The requests that were answered to the end before a callback raised for the one at `index`.
  local function answered(index, concurrency)
    local object, count = {}, 0
    local ok, raised = pcall(map, numbered(9), {
      concurrency = concurrency,
      on_progress = function(progress)
        if progress.index == index then
          error(object)
        end
      end,
    }, function(params)
      if not anthropic.sleep(params.number <= index and 0 or 2) then
        return nil, errors.new { kind = "cancelled", message = "the request was cancelled" }
      end
      count = count + 1
      return true
    end)
    assert.is_false(ok)
    assert.equal(object, raised)
    return count
  end

  it("raises what a callback raises, and ends the rest", function()
    assert.equal(1, answered(1, 1))
    assert.equal(2, answered(2, 1))
    assert.equal(1, answered(1, 3))
    assert.equal(1, answered(1, 9))
  end)

  it("ends the rest whichever request it was", function()
    assert.equal(2, answered(2, 3))
  end)

  it("raises a text without a place of its own", function()
    local ok, raised = pcall(map, numbered(2), nil, function() error("words", 0) end)
    assert.is_false(ok)
    assert.equal("words", raised)
  end)

  it("is cancelled before it has begun", function()
    local messages, err
    anthropic.run(function()
      local task = anthropic.spawn(function()
        messages, err = map(numbered(3), nil, error)
      end)
      anthropic.spawn(function() task:cancel() end)
    end)
    assert.is_nil(messages)
    assert.equal("cancelled", err.kind)
    assert.same({ n = 3 }, err.messages)
    assert.same({}, err.errors)
  end)

  it("is cancelled with its task, and has what came", function()
    local sent, begun, err = {}, nil, nil
    local problem = failure "no"
    anthropic.run(function()
      local task = anthropic.spawn(function()
        local messages
        messages, err = map(numbered(9), { concurrency = 3 }, function(params)
          sent[#sent + 1] = params.number
          if params.number == 2 then
            return nil, problem
          elseif params.number > 2 and not anthropic.sleep(60) then
            return nil, errors.new { kind = "cancelled", message = "the request was cancelled" }
          end
          return "answer " .. params.number
        end)
        assert.is_nil(messages)
      end)
      wait_for(function() return #sent == 5 end)
      begun = table.concat(sent, " ")
      task:cancel()
      task:join()
    end)
    assert.equal("1 2 3 4 5", begun)
    assert.equal("cancelled", err.kind)
    assert.equal("answer 1", err.messages[1])
    assert.equal(9, err.messages.n)
    assert.equal(problem, err.errors[2])
  end)
end)

describe("the settings of a map", function()
  for _, case in ipairs {
    { "concurrency", { 1, 8, 1000 }, { 0, -1, 1.5, "2", true }, "a whole number, 1 or more" },
    { "params", { {} }, { "x", 1, true }, "table" },
    { "on_progress", { print }, { "x", {}, true }, "function" },
  } do
    it("check " .. case[1], function()
      for _, value in ipairs(case[2]) do
        options.check({ [case[1]] = value, max_retries = 0 }, 1, concurrent.settings)
      end
      for _, value in ipairs(case[3]) do
        local ok, message = pcall(options.check, { [case[1]] = value }, 1, concurrent.settings)
        assert.is_false(ok)
        assert.truthy(message:find(('option "%s": %s expected'):format(case[1], case[4]), 1, true), message)
      end
    end)
  end
end)
