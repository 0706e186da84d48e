-- Written by tools/interface.lua: do not edit.
return "e194563ef4a44d44"
