-- Written by tools/interface.lua: do not edit.
return "e3184454362eafb9"
