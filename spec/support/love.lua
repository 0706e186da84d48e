-- LÖVE on a screen of its own that nobody sees.

local background = require "spec.support.background"

local love = {}

--- The command that runs a game with the built library, a minute at most.
---@param game string its directory
---@param ... string its arguments
function love.command(game, ...)
  local words = { game, ... }
  for i, word in ipairs(words) do
    words[i] = background.quote(word)
  end
  -- The software that draws works in the game's own thread, so that its time is not taken for ours.
  return "sh -c " .. background.quote("unset LUA_PATH LUA_CPATH; eval \"$(make -s env LUA=luajit)\"; LP_NUM_THREADS=0"
    .. " exec xvfb-run -a -s '-screen 0 1024x768x24' timeout -k 2 60 love " .. table.concat(words, " "))
end

--- Plays bench/love: what the library takes of a game's frames while it reads ten streams of four
--- seconds. Whatever else the machine does makes a frame slower, so the best of three games counts.
---@param base_url string of love.server()
---@return { frames: number, cpu: number, wall: number, bytes: integer, outcome: string } frames a second, and
--- the slowest update in milliseconds
function love.measure(base_url)
  local best
  for _ = 1, 3 do
    local output = background.output_of(love.command("bench/love", base_url, "10", "20") .. " 2>&1")
    local frames, cpu, wall, bytes, outcome = output:match "([%d.]+) ([%d.]+) ([%d.]+) (%d+) ([^\n]+)"
    if not frames then
      error("bench/love: " .. output)
    end
    local game = { frames = tonumber(frames), cpu = tonumber(cpu), wall = tonumber(wall), bytes = tonumber(bytes),
      outcome = outcome }
    best = best and best.cpu < game.cpu and best or game
  end
  return best
end

--- The server that it reads from: 200 words each, one every 20 ms.
function love.server()
  local testing = require "anthropic.testing"
  return testing.server { script = testing.stream {
    text = ("word "):rep(200), pieces = 200, delay_between = 0.02,
  } }
end

return love
