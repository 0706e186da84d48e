-- Written by tools/interface.lua: do not edit.
return "9a4373ab5f293263"
