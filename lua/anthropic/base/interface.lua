-- Written by tools/interface.lua: do not edit.
return "6635c365cf4a4553"
