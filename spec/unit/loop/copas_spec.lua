-- The driver with Copas where it is installed, and with the two functions that it needs played: older ones run a
-- thread at once, newer ones later.

local descriptor = require "spec.support.descriptor"
local loop = require "anthropic.loop"
local socket = require "socket"
local waiting = require "spec.support.waiting"

if not descriptor.is_there then
  describe("the copas driver", function()
    it("waits in threads of Copas", function() pending(descriptor.MISSING) end)
  end)
  return
end

local before = package.loaded.copas
local has_copas, installed = pcall(require, "copas")
package.loaded.copas = before

-- The driver for a Copas.
local function load_driver(copas)
  package.loaded.copas, package.loaded["anthropic.loop.copas"] = copas, nil
  local driver = require "anthropic.loop.copas"
  package.loaded.copas, package.loaded["anthropic.loop.copas"] = before, nil
  return driver
end

local failure

local function told_failure()
  local told = failure
  failure = nil
  return told
end

local function played_copas(begins_later)
  local copas = { begun = 0 }
  local reading = {} -- thread -> the socket that it waits for
  local fresh = {}

  local function resume(thread)
    reading[thread] = nil
    local ok, waits_for = coroutine.resume(thread)
    if not ok then
      failure = failure or waits_for
    elseif coroutine.status(thread) == "suspended" then
      reading[thread] = waits_for
    end
  end

  function copas.addthread(f)
    local thread = coroutine.create(f)
    copas.begun = copas.begun + 1
    if begins_later then
      fresh[#fresh + 1] = thread
    else
      resume(thread)
    end
  end

  function copas.receive(client)
    while true do
      local data, problem = client:receive "*l"
      if data or problem ~= "timeout" then
        return data, problem
      end
      coroutine.yield(client)
    end
  end

  local function read_sockets()
    local list = {}
    for _, client in pairs(reading) do
      list[#list + 1] = client
    end
    return list
  end

  function copas.step(seconds)
    local due = fresh
    fresh = {}
    for _, thread in ipairs(due) do
      resume(thread)
    end
    local readable = {}
    for _, client in ipairs(socket.select(read_sockets(), nil, seconds)) do
      readable[client] = true
    end
    local threads = {}
    for thread, client in pairs(reading) do
      threads[#threads + 1] = readable[client] and thread or nil
    end
    for _, thread in ipairs(threads) do
      resume(thread)
    end
  end

  function copas.cancelall()
    local list = read_sockets()
    reading, fresh = {}, {}
    for _, client in ipairs(list) do
      client:close()
    end
  end

  function copas.count()
    return #read_sockets() + #fresh
  end
  return copas
end

-- Copas prints what a thread raised.
local function installed_step()
  local print = print
  rawset(_G, "print", function(err) failure = failure or err end)
  local ok, err = pcall(installed.step, 0.001)
  rawset(_G, "print", print)
  if not ok then
    error(err, 0)
  end
end

local function describe_promises(copas, step)
  local driver = load_driver(copas)

  after_each(function() assert.is_true(loop.is_idle()) end)

  waiting.describe_driver(it, {
    driver = function() return driver end,
    start = function(f) copas.addthread(f) end,
    turn = step,
    failure = told_failure,
    keeps_threads = copas == installed,
  })
end

describe("the copas driver in Copas", function()
  if has_copas then
    describe_promises(installed, installed_step)
  else
    it("waits", function() pending "Copas is not installed" end)
  end
end)

for words, begins_later in pairs { ["an older"] = false, ["a newer"] = true } do
  describe("the copas driver in " .. words .. " Copas, played", function()
    local shared = played_copas(begins_later)
    describe_promises(shared, function() shared.step(0.001) end)

    local copas, driver

    before_each(function()
      copas = played_copas(begins_later)
      driver = load_driver(copas)
    end)

    local function run()
      assert.is_true(waiting.turn_until(function() copas.step(0.001) end, function() return copas.count() == 0 end))
    end

    it("leaves no thread behind when the last one who waits has gone on", function()
      local ended = 0
      for _, seconds in ipairs { 0.005, 0.01 } do
        copas.addthread(function()
          driver.wait(waiting.subject(), seconds)
          ended = ended + 1
        end)
      end
      run()
      assert.equal(2, ended)
    end)

    it("leaves none behind at once, where news comes from elsewhere", function()
      local subject = waiting.subject()
      copas.addthread(function() driver.wait(subject, 600) end)
      copas.step(0)
      copas.step(0)
      subject.give()
      run()
    end)

    it("goes on once for a wake-up without news, and does not spin", function()
      local subject, asked = waiting.subject(), 0
      local has_news = subject.has_news
      function subject.has_news()
        asked = asked + 1
        return has_news()
      end
      copas.addthread(function() driver.wait(subject) end)
      copas.step(0)
      copas.step(0)
      assert.equal(1, asked)
      loop.wake(subject)
      for _ = 1, 5 do
        copas.step(0)
      end
      assert.equal(2, asked)
      subject.give()
      run()
    end)

    it("has one thread of its own, however many wait, and one again later", function()
      for round = 1, 2 do
        local subjects = {}
        for i = 1, 3 do
          subjects[i] = waiting.subject()
          copas.addthread(function() driver.wait(subjects[i]) end)
        end
        copas.step(0)
        copas.step(0)
        assert.equal(round * 4, copas.begun)
        for i = 1, 3 do
          subjects[i].give()
        end
        run()
      end
    end)

    it("has Copas tell of what a wake-up raises, and goes on", function()
      local ended = false
      copas.addthread(function()
        driver.wait(waiting.subject(), 0.01)
        ended = true
      end)
      loop.after(0, function() error("of a wake-up", 0) end)
      run()
      assert.equal("of a wake-up", told_failure())
      assert.is_true(ended)
    end)

    it("waits on after cancelall where a thread that was forgotten is closed later", function()
    end)

    it("goes on after cancelall, which forgets who waits", function()
      local subject = waiting.subject()
      copas.addthread(function() driver.wait(subject) end)
      copas.step(0)
      copas.step(0)
      copas.cancelall()
      loop.on_news(subject, nil)
      local ended = false
      copas.addthread(function()
        driver.wait(waiting.subject(), 0.005)
        ended = true
      end)
      run()
      assert.is_true(ended)
    end)
  end)
end

describe("the copas driver", function()
  it("cannot wait outside of threads", function()
    assert.same({ false, "Copas cannot wait here: wait in a thread of copas.addthread" },
      { pcall(load_driver(played_copas()).check) })
  end)

  it("never blocks on the core loop's descriptor where there is nothing to hear of", function()
    local copas = played_copas()
    local driver = load_driver(copas)
    local clients = {}
    local receive = copas.receive
    function copas.receive(client)
      clients[#clients + 1] = client
      return receive(client)
    end
    local subject = waiting.subject()
    copas.addthread(function() driver.wait(subject) end)
    assert.equal(2, #clients)
    local descriptors = {}
    for i, client in ipairs(clients) do
      descriptors[i] = client:getfd()
      assert.is_false(client:dirty() or false)
    end
    table.sort(descriptors)
    assert.same({ -1, loop.descriptor() }, descriptors)
    subject.give()
    assert.is_true(waiting.turn_until(function() copas.step(0.001) end, function() return copas.count() == 0 end))
  end)
end)
