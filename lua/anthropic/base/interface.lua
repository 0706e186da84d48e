-- Written by tools/interface.lua: do not edit.
return "58d41c458b5bb664"
