-- Written by tools/interface.lua: do not edit.
return "779cf1ba45846401"
