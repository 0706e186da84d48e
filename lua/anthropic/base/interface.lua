-- Written by tools/interface.lua: do not edit.
return "e8a196e51e2e0976"
