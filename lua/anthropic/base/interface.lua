-- Written by tools/interface.lua: do not edit.
return "ab4e1b031ac005cf"
