-- Written by tools/interface.lua: do not edit.
return "a08f410d1f18fcdd"
