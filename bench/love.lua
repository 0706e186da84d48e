-- What the library takes of a game's frames while ten streams come, in LÖVE on a screen that nobody sees.
-- Run by `make bench-parts`.

local background = require "spec.support.background"
local love = require "spec.support.love"

if background.output_of "command -v love && command -v xvfb-run" == "" then
  print "LÖVE: not measured, for love and xvfb-run are not installed"
  return
end

local server = love.server()
local game = love.measure(server.url)
server:stop()
print(("LÖVE, 10 streams: %.1f frames a second, the library's slowest update %.2f ms of CPU, %.2f ms (%s)"):format(
  game.frames, game.cpu, game.wall, game.outcome))
