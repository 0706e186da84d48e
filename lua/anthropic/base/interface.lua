-- Written by tools/interface.lua: do not edit.
return "cae4cc02addd879a"
