-- Counts the instructions of bench/growth.lua's things at 1, 4 and 16 times their size: what one costs must not grow.
-- Run by `make bench-growth`.
local callgrind = require "bench.callgrind"

local ROUNDS = 3
local lua = arg[1] or "lua5.4"

-- Name, size at 1x, and how much more each may cost from 4x to 16x than from 1x to 4x: where a heap or a sort is
-- right, its depth.
local LINEAR, DEEPER = 1.1, 1.5
local things = {
  { "blanks_of_a_chat", 20000, LINEAR },
  { "blanks_of_an_interrupted_answer", 20000, LINEAR },
  { "blanks_of_a_recorded_header", 20000, LINEAR },
  { "blanks_that_come_again_one_by_one", 100, LINEAR },
  { "empty_blocks_of_an_interrupted_answer", 100, LINEAR },
  { "blocks_in_descending_order", 100, DEEPER },
  { "chunks_of_blocks_in_descending_order", 100, DEEPER },
  { "counts_under_new_names", 100, LINEAR },
  { "counts_of_a_completion_under_new_names", 100, LINEAR },
  { "blocks_that_end_in_half_a_character", 100, LINEAR },
  { "calls", 100, LINEAR },
  { "calls_beside_half_a_character", 100, LINEAR },
  { "pieces_of_a_long_delta", 2000, LINEAR },
  { "pieces_of_a_long_line", 500, LINEAR },
  { "events_of_one_feed", 1000, LINEAR },
  { "pieces_of_one_event", 500, LINEAR },
  { "references_of_a_schema", 50, DEEPER },
  { "tasks_that_sleep", 100, DEEPER },
  { "tasks_that_are_cancelled", 100, DEEPER },
  { "failed_tasks_joined_in_reverse", 100, LINEAR },
  { "joins_of_one_task_that_are_cancelled", 100, LINEAR },
}

-- Their counts at 1x, 4x and 16x, in their order.
local function count(of_things)
  local arguments = {}
  for i, thing in ipairs(of_things) do
    arguments[i] = thing[1] .. " " .. thing[2]
  end
  return callgrind.parts(lua .. " bench/growth.lua " .. table.concat(arguments, " "))
end

print "instructions for each, from 1x to 4x and from 4x to 16x"
local failed, counts = 0, count(things)
for i, thing in ipairs(things) do
  local name, size, most = thing[1], thing[2], thing[3]
  local of_thing = { counts[3 * i - 2], counts[3 * i - 1], counts[3 * i] }
  local first, second
  for round = 1, ROUNDS do
    first, second = (of_thing[2] - of_thing[1]) / (3 * size), (of_thing[3] - of_thing[2]) / (12 * size)
    if second <= first * most or round == ROUNDS then
      break
    end
    of_thing = count { thing }
  end
  local grown = second > first * most
  failed = failed + (grown and 1 or 0)
  print(("%-40s %9.0f %9.0f  %4.2f %s"):format(name, first, second, second / first, grown and "FAILED" or ""))
end
os.exit(failed == 0)
