-- Written by tools/interface.lua: do not edit.
return "a020f15e869f7eef"
