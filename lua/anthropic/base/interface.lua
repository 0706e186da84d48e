-- Written by tools/interface.lua: do not edit.
return "0a47272c5559617c"
