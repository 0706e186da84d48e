-- A program whose standard input is written to and whose standard output is read.
--
--     local program = piped.start "node server.js stdio"
--     program.input:write "...\n"
--     program.output:read "*l"
--     program:stop()

local directories = require "spec.support.directory"

local Program = {}
Program.__index = Program

local piped = {}

local LIFETIME = 60 -- seconds, whatever becomes of the spec

function piped.start(command)
  local directory = directories.new()
  directory:run "mkfifo in out"
  os.execute(("timeout %d %s <'%s' >'%s' 2>'%s' &"):format(LIFETIME, command, directory:path "in",
    directory:path "out", directory:path "errors"))
  local self = setmetatable({ directory = directory }, Program)
  self.input = assert(io.open(directory:path "in", "w"))
  self.output = assert(io.open(directory:path "out", "r"))
  return self
end

--- What it wrote to its standard error.
function Program:errors()
  return self.directory:read "errors"
end

function Program:stop()
  self.input:close()
  self.output:close()
  self.directory:remove()
end

return piped
