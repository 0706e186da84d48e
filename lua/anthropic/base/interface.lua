-- Written by tools/interface.lua: do not edit.
return "b73d359154cb3710"
