-- Written by tools/interface.lua: do not edit.
return "e5f623166f478043"
