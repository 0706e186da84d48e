-- Plays examples/love by itself, and prints what is seen: a first question by an argument, a second one
-- typed and stopped, and then the game goes on for three seconds.

local anthropic = require "anthropic"

love.filesystem.getSource = function() return "examples/love" end -- luacheck: ignore 122
package.path = "examples/love/?.lua;" .. package.path
dofile "examples/love/main.lua"

local update, draw = love.update, love.draw
local texts = {} -- drawn in this frame

for _, name in ipairs { "print", "printf" } do
  local show = love.graphics[name]
  love.graphics[name] = function(text, ...) -- luacheck: ignore 122
    texts[#texts + 1] = text
    return show(text, ...)
  end
end

local function seen(pattern)
  return table.concat(texts, " "):find(pattern) ~= nil
end

local function type_in(text)
  for character in text:gmatch "[%z\1-\127\194-\244][\128-\191]*" do
    love.textinput(character)
  end
end

local frames, until_time = 0, nil

-- What has to be seen, and what is done then.
local steps = {
  { "They want to know", function() end },
  { "one two", function() assert(not seen "twenty") end },
  { "twenty.*Enter: ask", function() type_in "And thené" end },
  { "> And thené", function() love.keypressed "backspace" end },
  { "> And then_? ", function() love.keypressed "return" end },
  { "slow slow", function() love.keypressed "escape" end },
  { "slow  ?%.%.%.", function() until_time = love.timer.getTime() + 3 end },
}
local step = 1

function love.update(seconds)
  update(seconds)
  frames = frames + 1
  if steps[step] and seen(steps[step][1]) then
    steps[step][2]()
    step = step + 1
  end
  if until_time and not steps[step] then
    print(anthropic.encode { frames = frames, error = seen "error" })
    io.stdout:flush()
    steps = { { "^$" } }
  end
  if until_time and love.timer.getTime() > until_time then
    love.keypressed "escape"
  end
end

function love.draw()
  texts = {}
  draw()
end
