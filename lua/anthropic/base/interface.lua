-- Written by tools/interface.lua: do not edit.
return "51cd4962d2a594dc"
