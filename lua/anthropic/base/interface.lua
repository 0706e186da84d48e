-- Written by tools/interface.lua: do not edit.
return "094a06112cf2d49a"
