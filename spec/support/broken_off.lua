-- Breaks code off by an error of a debug hook, after each number of its instructions in turn.

local broken_off = {}

local jit = rawget(_G, "jit")

local MOST = 2000 -- instructions; no code here has more

--- Calls `check(break_off)` again and again: in the first call, `break_off(f)` raises after f's first instruction, in
--- the next after its second, and so on until every f comes to its end.
---@param check fun(break_off: fun(f: function))
function broken_off.everywhere(check)
  for count = 1, MOST do
    local is_whole = true
    check(function(f)
      if jit then
        jit.off() -- what is compiled calls no hooks
      end
      local ok = pcall(function()
        debug.sethook(function()
          debug.sethook()
          error("broken off", 0)
        end, "", count)
        f()
        debug.sethook()
      end)
      if jit then
        jit.on()
      end
      is_whole = is_whole and ok
    end)
    if is_whole then
      return
    end
  end
  error "the code is longer than expected"
end

return broken_off
