-- Written by tools/interface.lua: do not edit.
return "8d8020e4210b40d6"
