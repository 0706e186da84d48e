-- LÖVE, with a window and graphics, on a screen that nobody sees.

local anthropic = require "anthropic"
local background = require "spec.support.background"
local love = require "spec.support.love"
local socket = require "socket"
local testing = require "anthropic.testing"

describe("in LÖVE", function()
  local server

  after_each(function()
    server:stop()
  end)

  it("ten streams leave a game its 60 frames a second, and take less than 2 ms of the worst one", function()
    server = love.server()
    local game
    local runs = 0
    repeat -- beside other programs a frame may take longer
      game, runs = love.measure(server.url), runs + 1
    until game.cpu < 2 or runs == 3
    assert.equal("ok", game.outcome)
    assert.equal(10 * #("word "):rep(200), game.bytes)
    assert.is_true(game.frames > 55, game.frames .. " frames a second")
    assert.is_true(game.cpu < 2, game.cpu .. " ms")
  end)

  it("the example's character answers, listens, and stops", function()
    local words = "one two three four five six seven eight nine ten eleven twelve twenty"
    server = testing.server { script = {
      testing.stream { thinking = "They want to know.", text = words, delay_between = 0.1 },
      testing.stream { text = ("slow "):rep(400), delay_between = 0.05 },
    } }
    local game = background.start(("ANTHROPIC_API_KEY=test-key ANTHROPIC_BASE_URL=%s %s"):format(server.url,
      love.command("spec/support/love_example", "Why do owls hoot?")), "({.-})\n")
    local deadline = socket.gettime() + 2
    repeat
      socket.sleep(0.02)
    until server:connections().open == 0 or socket.gettime() > deadline
    assert.equal(0, server:connections().open) -- while the game goes on
    assert.is_nil(game.exit_code)
    local output, exit_code = game:wait()
    game:stop()
    assert.equal(0, exit_code or 0, output)
    local seen = anthropic.decode(game.ready)
    assert.is_true(seen.frames > 30, output)
    assert.is_false(seen.error)

    local requests = server:requests()
    assert.equal(2, #requests)
    assert.equal("Why do owls hoot?", requests[1].json.messages[1].content)
    local messages = requests[2].json.messages
    assert.equal("assistant", messages[2].role)
    assert.equal(words, messages[2].content[2].text)
    assert.equal("And then", messages[3].content)
  end)

  it("the example needs no key, no server and no path", function()
    server = testing.server { script = testing.message {} }
    local output = background.output_of(
      "env -u LUA_PATH -u LUA_CPATH -u ANTHROPIC_API_KEY -u ANTHROPIC_AUTH_TOKEN -u ANTHROPIC_BASE_URL "
      .. "xvfb-run -a sh -c 'timeout -s INT 4 love examples/love Hello 2>&1; echo exit $?' 2>/dev/null")
    assert.is_true(output == "exit 0\n" or output == "exit 124\n", output)
  end)
end)
