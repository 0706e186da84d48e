-- A character that answers while the game keeps its frame rate: type, Enter asks, Escape stops.
--
--     make LUA=luajit && ANTHROPIC_API_KEY=... love examples/love "Why do owls hoot?"
--
-- Without a key it talks to the local server that comes with the library.

-- A clone's own build. A game of yours has lua/anthropic beside its main.lua, and core.so (core.dll)
-- and cjson.so where package.cpath finds them.
local source = love.filesystem.getSource()
package.path = ("%s/../../lua/?.lua;%s/../../lua/?/init.lua;%s"):format(source, source, package.path)
package.cpath = ("%s/../../build/luajit/?.so;%s"):format(source, package.cpath)

local anthropic = require "anthropic"
local frame = require "anthropic.loop.frame"
local scene = require "scene"
local utf8 = require "utf8"

local client
local server -- the local one, where it is used
local messages = {} -- the conversation, as far as it was answered
local handle -- of the answer under way
local typed = ""
local owl = { says = "Hoo! Ask me something.", thinks = "", seconds_since_word = 9, slowest_update = 0 }

local function connect()
  if os.getenv "ANTHROPIC_API_KEY" or os.getenv "ANTHROPIC_AUTH_TOKEN" or os.getenv "ANTHROPIC_BASE_URL" then
    return anthropic.new()
  end
  local testing = require "anthropic.testing"
  server = testing.server { script = testing.stream {
    thinking = "A visitor, and no key. The stars will have to do.",
    text = "Without a key I only know one song, but watch the stars: they do not wait for me. "
      .. ("Hoo, "):rep(40) .. "hoo!",
    delay_between = 0.1,
  } }
  return anthropic.new { base_url = server.url, api_key = "none needed" }
end

local function ask(question)
  if handle then
    handle:cancel()
  end
  local turns = { unpack(messages) }
  table.insert(turns, { role = "user", content = question })
  owl.says, owl.thinks = "", ""
  local this
  this = client.messages.stream({
    model = "claude-sonnet-5-5",
    max_tokens = 4000,
    thinking = { type = "adaptive", display = "summarized" },
    system = "You are an old owl in a game. Answer in two or three sentences.",
    messages = turns,
  }, {
    on_event = function(event)
      if event.delta and event.delta.thinking then
        owl.thinks = owl.thinks .. event.delta.thinking
      end
    end,
    on_text = function(text)
      owl.says, owl.seconds_since_word = owl.says .. text, 0
    end,
    on_done = function(message, err)
      if message then
        table.insert(turns, message)
        messages = turns
      else
        owl.says = owl.says .. (err.kind == "cancelled" and " ..." or " (" .. tostring(err) .. ")")
      end
      if handle == this then
        handle = nil
      end
    end,
  })
  handle = this
end

function love.load(arguments)
  love.keyboard.setKeyRepeat(true)
  anthropic.preload() -- now, and not in the frame of the first question
  client = connect()
  if arguments[1] then
    ask(arguments[1])
  end
end

function love.quit()
  if handle then
    handle:cancel()
  end
  if server then
    server:stop()
  end
end

function love.update(seconds)
  local began = love.timer.getTime()
  frame.update() -- everything that the library does
  owl.slowest_update = math.max(owl.slowest_update * 0.995, love.timer.getTime() - began)
  owl.seconds_since_word = owl.seconds_since_word + seconds
end

function love.draw()
  scene.draw(owl, typed, handle ~= nil)
end

function love.textinput(text)
  typed = typed .. text
end

function love.keypressed(key)
  if key == "escape" and handle then
    handle:cancel()
  elseif key == "escape" then
    love.event.quit()
  elseif key == "backspace" then
    typed = typed:sub(1, (utf8.offset(typed, -1) or 1) - 1)
  elseif (key == "return" or key == "kpenter") and typed:find "%S" then
    ask(typed)
    typed = ""
  end
end
