-- Written by tools/interface.lua: do not edit.
return "f94b98597481811b"
