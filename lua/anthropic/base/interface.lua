-- Written by tools/interface.lua: do not edit.
return "6a21d70778915a69"
