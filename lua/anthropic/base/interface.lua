-- Written by tools/interface.lua: do not edit.
return "d1a308bd5f5ed96d"
