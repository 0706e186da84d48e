-- Written by tools/interface.lua: do not edit.
return "cbc4afd119463d05"
