-- Written by tools/interface.lua: do not edit.
return "11bdae5a7c1f2645"
