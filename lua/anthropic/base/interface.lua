-- Written by tools/interface.lua: do not edit.
return "54fa08e60872fba4"
