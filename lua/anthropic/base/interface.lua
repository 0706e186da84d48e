-- Written by tools/interface.lua: do not edit.
return "f5de74c6606ca9e5"
