-- Written by tools/interface.lua: do not edit.
return "e4f629547b54f819"
