-- Written by tools/interface.lua: do not edit.
return "786d639849081e99"
