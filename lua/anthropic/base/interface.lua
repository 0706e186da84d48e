-- Written by tools/interface.lua: do not edit.
return "5882e235ddd8b513"
