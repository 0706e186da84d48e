-- Draws the demo as it looks in a terminal of 80 columns, for the README: make demo-picture
--
--     lua tools/demo_picture.lua > doc/demo.svg
--
-- It runs examples/demo.lua against the local server and plays the terminal. What is drawn is the same each time: the
-- clock advances by the server's pause whenever a piece is written or the time is asked for. The picture shows the text
-- as it comes, once, and stands still where animations are not wanted.

local anthropic = require "anthropic"

local DEMO = "examples/demo.lua"
local COLUMNS = 80
local SECONDS_BETWEEN = 0.03

local FONT_SIZE, LINE_HEIGHT = 14, 20
local CELL = 8.43 -- a column of the font's
local MARGIN, BAR = 18, 34

-- --- the demo, in a terminal of ours ---------------------------------------------------------------

local written = {} -- { text =, at = seconds }
local now = 0

local function write(...)
  for i = 1, select("#", ...) do
    written[#written + 1] = { text = tostring((select(i, ...))), at = now }
  end
end

local function advance()
  now = now + SECONDS_BETWEEN
  return now
end

local function is_terminal(command)
  return command == "test -t 1" or os.execute(command)
end

local function with(library, changed)
  return setmetatable(changed, { __index = library })
end

local function run_demo()
  local environment = with(_G, {
    io = with(io, { write = write, flush = advance }),
    os = with(os, { execute = is_terminal }),
  })
  anthropic.now = advance
  local demo = assert(loadfile(DEMO, "t", environment))
  local set_environment = rawget(_G, "setfenv") -- Lua 5.1
  if set_environment then
    set_environment(demo, environment)
  end
  demo()
end

-- --- characters --------------------------------------------------------------------------------------

local UTF8_CHARACTER = "[%z\1-\127\194-\244][\128-\191]*"

local function code_point(character)
  local first = character:byte()
  if first < 0x80 then
    return first
  end
  local code = first % (first < 0xE0 and 0x20 or first < 0xF0 and 0x10 or 0x08)
  for i = 2, #character do
    code = code * 64 + character:byte(i) % 64
  end
  return code
end

-- East Asian and emoji: those that the demo has.
local function is_wide(character)
  local code = code_point(character)
  return code >= 0x2E80 and code <= 0xFFEF or code >= 0x1F300 and code <= 0x1FAFF or code == 0x2728
end

-- --- the screen ----------------------------------------------------------------------------------------

local lines = { {} } -- of cells: { text =, column =, dim =, at =, wide = }
local column, dim = 0, false

local function put(character, at)
  local wide = is_wide(character)
  if column + (wide and 2 or 1) > COLUMNS then
    lines[#lines + 1], column = {}, 0
  end
  local line = lines[#lines]
  local last = line[#line]
  if last and last.dim == dim and last.at == at and not last.wide and not wide then
    last.text = last.text .. character
  else
    line[#line + 1] = { text = character, column = column, dim = dim, at = at, wide = wide }
  end
  column = column + (wide and 2 or 1)
end

local function show(text, at)
  local position = 1
  while position <= #text do
    local style, last = text:match("^\27%[(%d*)m()", position)
    if style then
      dim = style == "2"
      position = last
    else
      local character = text:match(UTF8_CHARACTER, position)
      if character == "\n" then
        lines[#lines + 1], column = {}, 0
      else
        put(character, at)
      end
      position = position + #character
    end
  end
end

-- --- the picture -----------------------------------------------------------------------------------------

local ESCAPES = { ["&"] = "&amp;", ["<"] = "&lt;", [">"] = "&gt;" }

local function draw_cell(cell, y)
  if not cell.text:find "%S" then
    return ""
  end
  local style = cell.at > 0 and (' style="animation-delay:%.2fs"'):format(cell.at) or ""
  return ('<text x="%.1f" y="%d"%s%s xml:space="preserve">%s</text>\n'):format(
    MARGIN + cell.column * CELL, y, cell.dim and ' class="dim"' or "", style, (cell.text:gsub("[&<>]", ESCAPES)))
end

local HEAD = [[
<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" width="%d" height="%d" role="img">
<title>The demo: the model's thinking, its answer, then tokens and times</title>
<style>
text { font: %dpx ui-monospace, "DejaVu Sans Mono", Menlo, Consolas, "Noto Sans Mono CJK SC", monospace; fill: #e6e6e6;
  animation: appear 0.01s both; }
.dim { fill: #8f98a3; }
.prompt { fill: #7fd18b; }
@keyframes appear { from { visibility: hidden; } to { visibility: visible; } }
@media (prefers-reduced-motion: reduce) { text { animation: none; } }
</style>
<rect width="100%%" height="100%%" rx="8" fill="#1b1f24"/>
<circle cx="20" cy="17" r="5.5" fill="#e0655a"/>
<circle cx="38" cy="17" r="5.5" fill="#e0b04a"/>
<circle cx="56" cy="17" r="5.5" fill="#63b55a"/>
]]

local function draw()
  while #lines[#lines] == 0 do
    lines[#lines] = nil
  end
  local width = math.ceil(2 * MARGIN + COLUMNS * CELL)
  local height = BAR + #lines * LINE_HEIGHT + MARGIN
  local parts = { HEAD:format(width, height, width, height, FONT_SIZE) }
  for number, line in ipairs(lines) do
    for _, cell in ipairs(line) do
      parts[#parts + 1] = draw_cell(cell, BAR + number * LINE_HEIGHT - 4)
    end
  end
  parts[#parts + 1] = "</svg>\n"
  return table.concat(parts)
end

show("$ make demo\n", 0)
run_demo()
for _, piece in ipairs(written) do
  show(piece.text, piece.at)
end
io.write(draw())
