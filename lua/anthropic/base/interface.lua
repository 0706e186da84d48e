-- Written by tools/interface.lua: do not edit.
return "99dfa61db12ec225"
