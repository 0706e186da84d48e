-- Written by tools/interface.lua: do not edit.
return "520331871d2eb526"
