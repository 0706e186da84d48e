-- Written by tools/interface.lua: do not edit.
return "30a97b523d515aae"
