-- Written by tools/interface.lua: do not edit.
return "960cddb56605c3f5"
