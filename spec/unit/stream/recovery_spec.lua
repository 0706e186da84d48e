-- What a failure of a stream leads to.

local recovery = require "anthropic.stream.recovery"

describe("a failure of a stream", function()
  for _, row in ipairs {
    { "asks again while nothing has been handed over", {}, "begin_anew" },
    { "asks again while nothing has been handed over, whatever the option says", { on_interrupt = "continue" },
      "begin_anew" },
    { "ends a stream whose content has come", { is_released = true }, "fail" },
    { "asks again where nobody has seen what has come, if the option says so",
      { is_released = true, on_interrupt = "retry" }, "begin_anew" },
    { "ends a stream that was seen, though the option says to ask again",
      { is_released = true, is_seen = true, on_interrupt = "retry" }, "fail" },
    { "asks for the rest, if the option says so", { is_released = true, is_seen = true, on_interrupt = "continue" },
      "go_on" },
    { "ends what has its reason to stop: there is no rest",
      { is_released = true, is_seen = true, has_stopped = true, on_interrupt = "continue" }, "end" },
    { "ends a stream with its error though it has its reason to stop, where the option says nothing",
      { is_released = true, has_stopped = true }, "fail" },
    { "ends a stream that was closed", { is_closed = true, on_interrupt = "retry" }, "fail" },
  } do
    it(row[1], function()
      assert.equal(row[3], recovery.after(row[2]))
    end)
  end
end)
