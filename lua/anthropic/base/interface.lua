-- Written by tools/interface.lua: do not edit.
return "9fc50d2e3809e642"
