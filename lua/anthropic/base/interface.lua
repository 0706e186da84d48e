-- Written by tools/interface.lua: do not edit.
return "b6610a4649efb1af"
