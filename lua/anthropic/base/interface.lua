-- Written by tools/interface.lua: do not edit.
return "f778233bc6f4baae"
