-- Written by tools/interface.lua: do not edit.
return "c0e150a1c0149520"
