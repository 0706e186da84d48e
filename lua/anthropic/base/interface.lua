-- Written by tools/interface.lua: do not edit.
return "67a96d43733a8f41"
