-- Written by tools/interface.lua: do not edit.
return "0ee78ea9138c55e9"
