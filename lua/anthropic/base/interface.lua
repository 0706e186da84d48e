-- Written by tools/interface.lua: do not edit.
return "5ec220246f033808"
