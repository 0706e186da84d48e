-- Written by tools/interface.lua: do not edit.
return "f49847e56f213a80"
