-- Written by tools/interface.lua: do not edit.
return "29b6e74925d5d18b"
