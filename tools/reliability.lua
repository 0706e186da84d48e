-- Tries every fault and writes the table of doc/explanation/reliability.md anew: lua tools/reliability.lua

local fault_matrix = require "spec.support.fault_matrix"
local files = require "tools.files"

local PATH = "doc/explanation/reliability.md"

local report = fault_matrix.run()
for _, problem in ipairs(report.problems) do
  io.stderr:write(problem, "\n")
end

files.write(PATH, fault_matrix.with_table(files.read(PATH), report))
print(("%d tried, %d survived, %d lost, %d hung"):format(
  report.all.tried, report.all.survived, report.all.lost, report.all.hung))
os.exit(#report.problems == 0)
