-- Written by tools/interface.lua: do not edit.
return "a58b016037f74e40"
