-- Written by tools/interface.lua: do not edit.
return "6fe645b757bf6102"
