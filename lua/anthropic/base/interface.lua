-- Written by tools/interface.lua: do not edit.
return "cc70b7e48ed3465e"
