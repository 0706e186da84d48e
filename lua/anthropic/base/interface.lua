-- Written by tools/interface.lua: do not edit.
return "e27a378f2c82dc9c"
