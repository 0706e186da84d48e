-- Written by tools/interface.lua: do not edit.
return "730bfcb8055a7c98"
