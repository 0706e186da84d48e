-- Written by tools/interface.lua: do not edit.
return "9ffd5d131c550c24"
