-- Written by tools/interface.lua: do not edit.
return "576434a5eddccedb"
