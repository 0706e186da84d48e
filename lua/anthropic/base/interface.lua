-- Written by tools/interface.lua: do not edit.
return "d599eac79537ac80"
