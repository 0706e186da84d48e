-- Presses a key in mpv, once, when another script has bound it.
local mp = require "mp"

local KEY = "ctrl+a"

local timer
timer = mp.add_periodic_timer(0.05, function()
  for _, binding in ipairs(mp.get_property_native "input-bindings") do
    if binding.key:lower() == KEY and binding.priority >= 0 then
      timer:kill()
      mp.commandv("keypress", KEY)
      return
    end
  end
end)
