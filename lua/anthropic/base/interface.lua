-- Written by tools/interface.lua: do not edit.
return "1af26536f7e6c781"
