-- Draws the night, the owl and what it says.

local scene = {}

local graphics = love.graphics
local WIDTH, HEIGHT = 800, 500
local LEFT, TOP, SPACE = 300, 60, 440 -- the bubble's text

local fonts = {}
local stars = {}

local function color(hex, alpha)
  graphics.setColor(tonumber(hex:sub(1, 2), 16) / 255, tonumber(hex:sub(3, 4), 16) / 255,
    tonumber(hex:sub(5, 6), 16) / 255, alpha or 1)
end

local function prepare()
  fonts.small, fonts.text = graphics.newFont(13), graphics.newFont(18)
  local random = love.math.newRandomGenerator(4)
  for i = 1, 90 do
    stars[i] = { x = random:random(WIDTH), y = random:random(HEIGHT - 120), speed = 4 + random:random() * 14,
      size = 0.6 + random:random() * 1.4 }
  end
end

local function draw_night(time)
  color "0c1230"
  graphics.rectangle("fill", 0, 0, WIDTH, HEIGHT)
  for _, star in ipairs(stars) do
    color("fff6d8", 0.55 + 0.45 * math.sin(time * 2 + star.x))
    graphics.circle("fill", (star.x - time * star.speed) % WIDTH, star.y, star.size)
  end
  color "fff3c4"
  graphics.circle("fill", 90, 80, 38, 64)
  color "0c1230"
  graphics.circle("fill", 106, 70, 34, 64)
  color "1a2b2b"
  graphics.ellipse("fill", 200, HEIGHT + 40, 420, 120, 64)
  graphics.ellipse("fill", 650, HEIGHT + 60, 420, 120, 64)
end

local function draw_owl(time, is_talking)
  local x, y = 150, 330 + 3 * math.sin(time * 1.7)
  color "4a3426"
  graphics.rectangle("fill", 30, 402, 250, 14, 7)
  color "7a5a42"
  graphics.polygon("fill", x - 58, y - 95, x - 50, y - 40, x - 20, y - 62)
  graphics.polygon("fill", x + 58, y - 95, x + 50, y - 40, x + 20, y - 62)
  graphics.ellipse("fill", x, y, 64, 78, 64)
  color "a98467"
  graphics.ellipse("fill", x, y + 24, 40, 46, 64)
  color "5c4231"
  graphics.ellipse("fill", x - 58, y + 14, 15, 44, 32)
  graphics.ellipse("fill", x + 58, y + 14, 15, 44, 32)
  local is_blinking = time % 4 < 0.14
  for _, side in ipairs { -1, 1 } do
    color "fdf6e3"
    graphics.circle("fill", x + side * 26, y - 30, 23, 48)
    color "1b1b1b"
    if is_blinking then
      graphics.rectangle("fill", x + side * 26 - 20, y - 32, 40, 4)
    else
      graphics.circle("fill", x + side * 26 + 4, y - 28, 11, 32)
      color "ffffff"
      graphics.circle("fill", x + side * 26 + 8, y - 32, 3.5, 16)
    end
  end
  local open = is_talking and 4 + 4 * math.sin(time * 22) or 0
  color "e8a33d"
  graphics.polygon("fill", x - 10, y - 14, x + 10, y - 14, x, y + 2)
  graphics.polygon("fill", x - 8, y - 4 + open, x + 8, y - 4 + open, x, y + 8 + open)
end

-- The last lines that there is room for.
local function print_lines(font, text, y, room)
  local _, lines = font:getWrap(text, SPACE)
  graphics.setFont(font)
  for i = math.max(1, #lines - room + 1), #lines do
    graphics.print(lines[i], LEFT, y)
    y = y + font:getHeight() * 1.2
  end
  return y
end

--- What is seen: the owl, the line that is being typed, and whether an answer is under way.
function scene.draw(owl, typed, is_answering)
  if not fonts.text then
    prepare()
  end
  local time = love.timer.getTime()
  draw_night(time)
  draw_owl(time, owl.seconds_since_word < 0.25)
  color("fffdf5", 0.94)
  graphics.rectangle("fill", LEFT - 25, TOP - 25, SPACE + 50, 330, 18)
  graphics.polygon("fill", LEFT - 24, TOP + 190, LEFT - 24, TOP + 230, LEFT - 62, TOP + 236)
  color "8a8578"
  local y = print_lines(fonts.small, owl.thinks, TOP - 8, 4)
  color "22252e"
  print_lines(fonts.text, owl.says, y + 6, 10)
  color "0a0d1d"
  graphics.rectangle("fill", 0, HEIGHT - 44, WIDTH, 44)
  color "dfe6ff"
  graphics.setFont(fonts.text)
  graphics.print("> " .. typed .. (time % 1 < 0.5 and "_" or ""), 20, HEIGHT - 34)
  color "8a93b8"
  graphics.setFont(fonts.small)
  graphics.printf(is_answering and "Esc: stop" or "Enter: ask   Esc: leave", WIDTH - 260, HEIGHT - 30, 240, "right")
  graphics.printf(("%d frames/s, the library's slowest %.2f ms"):format(love.timer.getFPS(),
    owl.slowest_update * 1000), WIDTH - 360, 8, 350, "right")
end

return scene
