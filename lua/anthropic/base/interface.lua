-- Written by tools/interface.lua: do not edit.
return "0def69b3e1d493bb"
