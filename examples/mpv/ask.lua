--- Asks about what is playing, and shows the answer as it comes: the key ctrl+a in mpv.
--
--     make LUA=lua5.2 && eval "$(make -s env LUA=lua5.2)"      # Debian's; elsewhere mostly luajit
--     ANTHROPIC_API_KEY=... mpv --script=examples/mpv/ask.lua film.mkv
--
-- mpv has nothing but a timer: it steps the loop, and a step resumes whoever has news.

local mp = require "mp"
local anthropic = require "anthropic"
local coroutines = require "anthropic.loop.coroutines"
local loop = require "anthropic.loop"

loop.use { suspends = true, spawn = coroutines.spawn, wait = coroutines.park, check = coroutines.check }
local timer = mp.add_periodic_timer(0.02, function() loop.step(0) end)
timer:stop() -- until something is asked

local client = anthropic.new()
local SHOWN = 20 -- seconds

local function ask()
  local title = mp.get_property "media-title" or "nothing yet"
  local stream, err = client.messages.stream {
    model = "claude-sonnet-5-5",
    max_tokens = 300,
    messages = { { role = "user", content = ("I am watching %s. What should I know about it?"):format(title) } },
  }
  local shown = ""
  while stream and not err do
    local event
    event, err = stream:next()
    if not event then
      break
    elseif event.delta and event.delta.text then
      shown = shown .. event.delta.text
      mp.osd_message(shown, SHOWN)
    end
  end
  mp.msg.info(err and tostring(err) or shown)
  if err then
    mp.osd_message(shown .. "\n" .. err.message, SHOWN)
  end
end

local asking = false

mp.add_key_binding("ctrl+a", "ask", function()
  if asking then
    return
  end
  asking = true
  timer:resume()
  anthropic.spawn(function()
    ask()
    asking = false
    timer:stop()
  end)
end)
