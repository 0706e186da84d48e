-- Written by tools/interface.lua: do not edit.
return "a47d4bf988113f52"
