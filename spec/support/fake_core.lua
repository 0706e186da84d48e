-- A core loop whose transfers have news when a spec says so. `wait` does what `during` says.

local core = require "anthropic.core"

local function fake_core()
  local fake = { ready = {}, waits = {}, alarms = {} }
  function fake:wait(seconds, takes_interrupt, budget)
    self.waits[#self.waits + 1] = seconds
    local began = core.now()
    if self.during then
      self.during()
    end
    self.limit = (seconds == 0 and began or core.now()) + budget
    return self.has_worked or false, takes_interrupt and self.interrupts and table.remove(self.interrupts, 1) or false,
      (self.time or math.huge) <= core.now(), self:next_ready()
  end
  function fake:is_late()
    return core.now() > self.limit
  end
  function fake:next_ready()
    if self.ready[1] and self:is_late() then
      return nil, true
    end
    local entry = table.remove(self.ready, 1)
    return entry, self.ready[1] ~= nil
  end
  function fake:alarm(time)
    self.time = time
    self.alarms[#self.alarms + 1] = time or "none"
  end
  function fake:fd()
    return self.descriptor
  end
  return fake
end

return fake_core
