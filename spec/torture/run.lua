-- make torture: every scenario with every allocation failing, and what came of it, as a table. Given
-- names (Lua patterns), only those.

local torture = require "spec.torture.torture"

local names = { ... }

local function is_wanted(name)
  for _, pattern in ipairs(names) do
    if name:find(pattern) then
      return true
    end
  end
  return #names == 0
end

local failures = 0
print "| scenario | allocator | allocations | made to fail | right result | clear error | wrong |"
print "|---|---|--:|--:|--:|--:|--:|"
torture.each(nil, is_wanted, function(scenario, source, tally)
  failures = failures + #tally.wrong
  print(("| %s | %s | %d | %d | %d | %d | %d |"):format(
    scenario.name, source, tally.allocations, tally.failed, tally.right, tally.errors, #tally.wrong))
  for _, problem in ipairs(tally.wrong) do
    print("wrong: " .. problem)
  end
  io.stdout:flush()
end)
os.exit(failures == 0)
