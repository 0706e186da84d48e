-- Written by tools/interface.lua: do not edit.
return "c4b5b960b1deb83a"
