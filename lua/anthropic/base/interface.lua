-- Written by tools/interface.lua: do not edit.
return "af5ba7d64b499b68"
