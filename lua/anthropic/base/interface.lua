-- Written by tools/interface.lua: do not edit.
return "b9c00336dbdc4ff9"
