-- Written by tools/interface.lua: do not edit.
return "c705b7ef3cc818c0"
