-- A busted output handler: each failure in full, and at the end how many passed, failed and were
-- skipped, also appended to the file that SPEC_COUNTS names. The seconds of each test go to that of SPEC_TIMES.

local child = require "spec.support.child" -- here, so that all spec files have the same

return function()
  local busted = require "busted"
  local handler = require "busted.outputHandlers.base"()
  local started = os.time()

  local function name_of(test)
    return handler.getFullName(test)
  end

  local function show(label, failures)
    for _, failure in ipairs(failures) do
      local message = failure.message
      io.write(label, " ", failure.name or "?", "\n")
      io.write("  ", tostring(failure.trace and failure.trace.short_src or ""), ":")
      io.write(tostring(failure.trace and failure.trace.currentline or ""), "\n")
      if type(message) ~= "string" then
        local ok, text = pcall(require("pl.pretty").write, message)
        message = message == nil and "" or ok and text or tostring(message)
      end
      io.write("  ", (message:gsub("\n", "\n  ")), "\n")
    end
  end

  handler.testEnd = function(element, _, status)
    if os.getenv "SPEC_VERBOSE" then
      io.write(status, " ", name_of(element), "\n")
      io.flush()
    end
    local times = os.getenv "SPEC_TIMES"
    local file = times and io.open(times, "a")
    if file then
      file:write(("%.3f %s\n"):format(element.duration or 0, name_of(element)))
      file:close()
    end
    return nil, true
  end

  handler.suiteEnd = function()
    child.stop_all()
    show("FAILED", handler.failures)
    show("ERROR", handler.errors)
    for _, pending in ipairs(handler.pendings) do
      io.write("skipped: ", pending.name, type(pending.message) == "string" and ": " .. pending.message or "", "\n")
    end
    local failed = handler.failuresCount + handler.errorsCount
    io.write(("%d passed, %d failed, %d skipped in %d s (%s)\n"):format(
      handler.successesCount, failed, handler.pendingsCount, os.time() - started,
      rawget(_G, "jit") and "LuaJIT" or _VERSION))
    local path = os.getenv "SPEC_COUNTS"
    local file = path and io.open(path, "a")
    if file then
      file:write(handler.successesCount, " ", failed, " ", handler.pendingsCount, "\n")
      file:close()
    end
    return nil, true
  end

  busted.subscribe({ "suite", "end" }, handler.suiteEnd)
  busted.subscribe({ "test", "end" }, handler.testEnd, { predicate = handler.cancelOnPending })
  return handler
end
