-- Written by tools/interface.lua: do not edit.
return "b0d2f926bb4eb22c"
