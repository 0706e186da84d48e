-- Written by tools/interface.lua: do not edit.
return "83f23e962ae7391c"
