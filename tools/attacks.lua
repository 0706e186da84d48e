-- Plays every attack and writes the table of doc/explanation/reliability.md anew: lua tools/attacks.lua

local attacks = require "spec.support.attacks"
local documentation = require "spec.support.documentation"

local PATH = "doc/explanation/reliability.md"

local file = assert(io.open(PATH))
local page = file:read "*a"
file:close()
page = documentation.with_table(page, "make attacks", attacks.play())
file = assert(io.open(PATH, "w"))
file:write(page)
file:close()
