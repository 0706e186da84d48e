-- Written by tools/interface.lua: do not edit.
return "03a387e57f57bd22"
