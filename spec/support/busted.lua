-- Runs busted with its own command line, wherever it is installed (LuaRocks puts a shell script where Debian has a
-- program in Lua).

require "busted.runner" { standalone = false }
