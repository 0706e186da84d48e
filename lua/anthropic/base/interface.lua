-- Written by tools/interface.lua: do not edit.
return "4395aff6db500547"
