-- Written by tools/interface.lua: do not edit.
return "6f7be5122e25db58"
