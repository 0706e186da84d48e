-- Written by tools/interface.lua: do not edit.
return "f816f2ba52210b2a"
