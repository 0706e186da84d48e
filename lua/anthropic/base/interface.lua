-- Written by tools/interface.lua: do not edit.
return "9d32dfcd1a906bb9"
