-- Written by tools/interface.lua: do not edit.
return "d76844652138cd96"
