-- Written by tools/interface.lua: do not edit.
return "1b086ad05d6605c9"
