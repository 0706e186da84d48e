-- Written by tools/interface.lua: do not edit.
return "bfd6fcbc5aca9b68"
