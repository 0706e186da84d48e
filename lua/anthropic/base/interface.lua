-- Written by tools/interface.lua: do not edit.
return "2711d7f26b256a5f"
