-- Written by tools/interface.lua: do not edit.
return "de05a9c7981cf4a6"
