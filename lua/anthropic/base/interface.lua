-- Written by tools/interface.lua: do not edit.
return "3751b6522ae513ae"
