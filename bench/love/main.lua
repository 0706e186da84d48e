-- A game of 60 frames a second that reads streams meanwhile, and prints how much of a frame that takes:
-- "frames a second, slowest update in ms of CPU, in ms, bytes of text".
--
--     love bench/love BASE_URL STREAMS SECONDS

local anthropic = require "anthropic"
local frame = require "anthropic.loop.frame"

local FRAME = 1 / 60

local client, seconds, began, next_frame
local frames, slowest_cpu, slowest, bytes, running, failure = 0, 0, 0, 0, 0, nil

function love.load(arguments)
  anthropic.preload()
  client = anthropic.new { base_url = arguments[1], api_key = "a key of the bench", max_retries = 0 }
  seconds = tonumber(arguments[3])
  for _ = 1, tonumber(arguments[2]) do
    running = running + 1
    client.messages.stream({ model = "m", max_tokens = 9, messages = { { role = "user", content = "Hello" } } }, {
      on_text = function(text) bytes = bytes + #text end,
      on_done = function(message, err)
        running = running - 1
        failure = failure or not message and tostring(err) or nil
      end,
    })
  end
  began = love.timer.getTime()
  next_frame = began
end

function love.update()
  local now = love.timer.getTime()
  next_frame = math.max(next_frame + FRAME, now - FRAME)
  love.timer.sleep(math.max(0, next_frame - now))
  local start, cpu = love.timer.getTime(), os.clock()
  frame.update()
  cpu, now = os.clock() - cpu, love.timer.getTime()
  slowest_cpu, slowest = math.max(slowest_cpu, cpu), math.max(slowest, now - start)
  frames = frames + 1
  if running == 0 or now - began > seconds then
    print(("%.1f %.3f %.3f %d %s"):format(frames / (now - began), slowest_cpu * 1000, slowest * 1000, bytes,
      failure or (running > 0 and "not ended" or "ok")))
    love.event.quit()
  end
end

function love.draw()
  love.graphics.circle("fill", 160 + 100 * math.cos(frames / 20), 100, 20)
end
