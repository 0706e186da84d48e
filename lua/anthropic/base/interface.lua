-- Written by tools/interface.lua: do not edit.
return "2b62127f59736850"
