-- The wait of a host that resumes a coroutine at its own time alone, and of coroutines that such a host has given up.

local coroutines = require "anthropic.loop.coroutines"
local protected = require "anthropic.loop.protected"
local core = require "anthropic.base.core"

local function new_subject()
  local subject = { is_new = false, closed = 0 }
  function subject:has_news()
    return self.is_new
  end
  function subject:close()
    self.closed = self.closed + 1
    self.is_new = true
  end
  return subject
end

describe("a wait by polling", function()
  local asleep

  before_each(function()
    asleep = {}
  end)

  local function sleep(seconds)
    asleep[coroutine.running()] = core.now() + seconds
    coroutine.yield()
  end

  local function begin(wait, subject, seconds)
    local thread = coroutine.create(function()
      return wait(subject, seconds)
    end)
    assert(coroutine.resume(thread))
    return thread
  end

  -- Resumes those whose time has come, for so long or until all have ended.
  local function run(threads, seconds)
    local deadline = core.now() + seconds
    repeat
      local is_left = false
      for _, thread in ipairs(threads) do
        if coroutine.status(thread) == "suspended" then
          is_left = true
          if core.now() >= asleep[thread] then
            assert(coroutine.resume(thread))
          end
        end
      end
    until not is_left or core.now() > deadline
  end

  it("ends with news, or when its time is over", function()
    local wait = coroutines.poll(sleep)
    local late, never = new_subject(), new_subject()
    local first, second = begin(wait, late), begin(wait, never, 0.02)
    run({ first, second }, 0.01)
    assert.equal("suspended", coroutine.status(first))
    late.is_new = true
    run({ first, second }, 5)
    assert.equal("dead", coroutine.status(first))
    assert.equal("dead", coroutine.status(second))
    assert.equal(0, late.closed + never.closed)
  end)

  it("does not sleep where there is news already", function()
    local subject = new_subject()
    subject.is_new = true
    assert.equal("dead", coroutine.status(begin(coroutines.poll(sleep), subject)))
    assert.is_nil(next(asleep))
  end)

  it("sleeps as long as it was told to", function()
    local slept
    local wait = coroutines.poll(function(seconds)
      slept = seconds
      coroutine.yield()
    end, { interval = 0.25 })
    begin(wait, new_subject())
    assert.equal(0.25, slept)
    begin(wait, new_subject(), 0.125)
    assert.is_true(slept > 0 and slept <= 0.125)
  end)

  it("lets the others go first where there is no time", function()
    for _, seconds in ipairs { 0, -1, -math.huge } do
      local thread = begin(coroutines.poll(sleep), new_subject(), seconds)
      assert.equal("suspended", coroutine.status(thread))
      run({ thread }, 5)
      assert.equal("dead", coroutine.status(thread))
    end
  end)

  it("closes what was waited for by one that the host does not resume, while it resumes others", function()
    local wait = coroutines.poll(sleep, { interval = 0.001, abandoned_after = 2 })
    local lost, kept = new_subject(), new_subject()
    begin(wait, lost)
    local other = begin(wait, kept)
    run({ other }, 0.01)
    assert.equal(0, lost.closed)
    for _ = 1, 50 do
      core.advance(0.1)
      run({ other }, 0.002)
    end
    assert.equal(1, lost.closed)
    assert.equal(0, kept.closed)
  end)

  it("closes nothing after the host stood still", function()
    local wait = coroutines.poll(sleep, { interval = 0.001, abandoned_after = 0.15 })
    local subjects = { new_subject(), new_subject() }
    local threads = { begin(wait, subjects[1]), begin(wait, subjects[2]) }
    local began = core.now()
    while core.now() - began < 0.2 do end -- luacheck: ignore 542
    run(threads, 0.01)
    assert.equal(0, subjects[1].closed + subjects[2].closed)
  end)

  it("closes nothing where that is not asked for", function()
    local wait = coroutines.poll(sleep, { interval = 0.001 })
    local lost = new_subject()
    begin(wait, lost)
    run({ begin(wait, new_subject()) }, 0.1)
    assert.equal(0, lost.closed)
  end)

  it("forgets one that an error broke off", function()
    local wait = coroutines.poll(function(seconds)
      sleep(seconds)
      error "broken off"
    end, { interval = 0.001, abandoned_after = 0.02 })
    local subject = new_subject()
    local thread = begin(wait, subject)
    assert.is_false(coroutine.resume(thread))
    protected.mend(thread)
    local other = coroutines.poll(sleep, { interval = 0.001, abandoned_after = 0.02 })
    run({ begin(other, new_subject()) }, 0.1)
    assert.equal(0, subject.closed)
  end)
end)
