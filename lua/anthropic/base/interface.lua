-- Written by tools/interface.lua: do not edit.
return "faebf055f3430598"
