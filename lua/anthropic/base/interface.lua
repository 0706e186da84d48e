-- Written by tools/interface.lua: do not edit.
return "b11a608014f88c6c"
