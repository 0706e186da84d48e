-- Written by tools/interface.lua: do not edit.
return "a9b26cc23959b691"
