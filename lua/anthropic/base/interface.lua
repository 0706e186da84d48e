-- Written by tools/interface.lua: do not edit.
return "4e13e524ba6f033c"
