-- Written by tools/interface.lua: do not edit.
return "9af7254eee09b42f"
