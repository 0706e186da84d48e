-- Written by tools/interface.lua: do not edit.
return "82b15ec020b91ac0"
