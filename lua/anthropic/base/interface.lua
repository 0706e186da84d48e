-- Written by tools/interface.lua: do not edit.
return "ec075c05b79956a7"
