-- The example for mpv, which has nothing but a timer: a key asks, and the answer is shown as it comes.

local background = require "spec.support.background"
local testing = require "anthropic.testing"

-- The Lua that mpv was built with, as `make` knows it.
local function lua_of_mpv()
  local libraries, code = background.output_of "ldd $(command -v mpv) 2>/dev/null"
  if code ~= 0 then
    return nil, "mpv is not installed"
  end
  local version = libraries:match "liblua(5%.%d)"
  return libraries:find("libluajit", 1, true) and "luajit" or version and "lua" .. version, "mpv is without Lua"
end

describe("in mpv", function()
  local lua, why_not = lua_of_mpv()
  local upstream, host

  after_each(function()
    if host then
      host:stop()
      upstream:stop()
      host = nil
    end
  end)

  local function start(answer)
    if not lua then
      return pending(why_not)
    end
    local output, code = background.output_of(("make -s LUA=%s 2>&1"):format(lua))
    if code ~= 0 then
      return pending("the library is not built for the Lua of mpv: " .. output)
    end
    upstream = testing.server { script = answer }
    host = background.start(([[sh -c 'eval "$(make -s env LUA=%s)"; export ANTHROPIC_API_KEY=k ANTHROPIC_BASE_URL=%s
      exec mpv --no-config --idle --no-video --no-audio --script=examples/mpv/ask.lua \
        --script=spec/support/mpv_press.lua']]):format(lua, upstream.url), "%[ask%] ([^\n]*)")
    return true
  end

  it("an answer is shown as it comes", function()
    if start(testing.stream { text = "It is a film.", delay_between = 0.06 }) then
      local output = host:output()
      assert.matches("It is a film%.", host.ready)
      assert.matches("It is\n?[^a]*It is a", output)
      assert.matches("nothing yet", upstream:requests()[1].json.messages[1].content)
    end
  end)

  it("an error is shown with what had come", function()
    if start(testing.stream { text = "It is", error = { type = "overloaded_error", message = "Overloaded" } }) then
      assert.matches("Overloaded", host.ready)
      assert.matches("It is", host:output())
    end
  end)
end)
