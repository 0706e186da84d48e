-- Written by tools/interface.lua: do not edit.
return "af437ab87592a1d2"
