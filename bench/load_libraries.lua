-- Loads what the library cannot do without: the part of its start that is not its own.
require "cjson"
assert(package.loadlib("libcurl.so.4", "*"))
