-- Written by tools/interface.lua: do not edit.
return "7175b3a09968c392"
