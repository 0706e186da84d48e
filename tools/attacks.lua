-- Plays every attack and writes the table of doc/explanation/reliability.md anew: lua tools/attacks.lua

local attacks = require "spec.support.attacks"
local documentation = require "spec.support.documentation"
local files = require "tools.files"

local PATH = "doc/explanation/reliability.md"

files.write(PATH, documentation.with_table(files.read(PATH), "make attacks", attacks.play()))
