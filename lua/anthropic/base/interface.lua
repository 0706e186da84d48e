-- Written by tools/interface.lua: do not edit.
return "14e3bfa48d0795ba"
