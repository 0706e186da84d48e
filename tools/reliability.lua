-- Tries every fault and writes the table of doc/explanation/reliability.md anew: lua tools/reliability.lua

local fault_matrix = require "spec.support.fault_matrix"

local PATH = "doc/explanation/reliability.md"

local report = fault_matrix.run()
for _, problem in ipairs(report.problems) do
  io.stderr:write(problem, "\n")
end

local file = assert(io.open(PATH))
local page = file:read "*a"
file:close()
file = assert(io.open(PATH, "w"))
file:write(fault_matrix.with_table(page, report))
file:close()
print(("%d tried, %d survived, %d lost, %d hung"):format(
  report.all.tried, report.all.survived, report.all.lost, report.all.hung))
os.exit(#report.problems == 0)
