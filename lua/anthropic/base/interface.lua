-- Written by tools/interface.lua: do not edit.
return "37bbe8d88c6323dc"
