-- Draws three rows of the benchmark's table: lua bench/plot.lua < doc/explanation/benchmark.tsv > benchmark.svg
--
-- Bars begin at 0 on a linear scale. A client has the colour of its group in every panel.

local PANELS = {
  { row = "stream-events", title = "One stream of 100,000 text deltas, each decoded to an event", unit = "event" },
  { row = "paced-1000", title = "1,000 streams at once, each with an event every 50 ms", unit = "event" },
  { row = "requests", title = "1,000 short requests, one after another, over one connection", unit = "request" },
}

-- The first that fits has the client.
local GROUPS = {
  { words = { "anthropic" }, name = "this library", colour = "#2a78d6" },
  { words = { "SDK" }, name = "official SDKs", colour = "#8e63ce" },
  { words = { "discarding" }, name = "throws away what it receives: the floor", colour = "#a3a8ae" },
  { words = { "" }, name = "other Lua clients, without errors or retries", colour = "#e08a3c" },
}

local WIDTH = 860
local LABELS, VALUES = 250, 74 -- columns for the clients' names and the figures
local BAR, GAP = 14, 22        -- height of a bar, and from one to the next
local HEAD, TITLE, FOOT = 92, 44, 26

local ESCAPES = { ["&"] = "&amp;", ["<"] = "&lt;", [">"] = "&gt;" }

local function escape(text)
  return (text:gsub("[&<>]", ESCAPES))
end

local function group_of(client)
  for _, group in ipairs(GROUPS) do
    for _, word in ipairs(group.words) do
      if client:find(word, 1, true) then
        return group
      end
    end
  end
end

-- row -> list of { client, median, least, most }, the cheapest first
local function read_rows(lines)
  local rows = {}
  for line in lines do
    local row, client, figures = line:match "^([^#\t]+)\t([^\t]+)\t[^\t]+\t(.*)$"
    local median, least, most = (figures or ""):match "^([^\t]+)\t([^\t]+)\t([^\t]+)"
    if tonumber(median) then
      rows[row] = rows[row] or {}
      table.insert(rows[row], {
        client = client, median = tonumber(median), least = tonumber(least), most = tonumber(most),
      })
    end
  end
  for _, list in pairs(rows) do
    table.sort(list, function(a, b)
      return a.median < b.median or a.median == b.median and a.client < b.client
    end)
  end
  return rows
end

-- With as many digits as count.
local function show(number)
  return (number < 0.1 and "%.3f" or number < 10 and "%.2f" or number < 100 and "%.1f" or "%.0f"):format(number)
end

-- A step of 1, 2 or 5 times a power of ten: about five to the end of the axis.
local function step_of(most)
  local power = 10 ^ math.floor(math.log(most / 5) / math.log(10))
  for _, factor in ipairs { 1, 2, 5 } do
    if factor * power >= most / 5 then
      return factor * power
    end
  end
  return 10 * power
end

local parts = {}

local function add(form, ...)
  parts[#parts + 1] = form:format(...) .. "\n"
end

local function text(x, y, class, words)
  add('<text x="%.1f" y="%.1f" class="%s">%s</text>', x, y, class, escape(words))
end

local function draw_axis(y, height, most, x_of)
  local step = step_of(most)
  local value = 0
  while value <= most do
    add('<line x1="%.1f" y1="%.1f" x2="%.1f" y2="%.1f" stroke="#e3e6ea"/>', x_of(value), y, x_of(value), y + height)
    text(x_of(value), y + height + 15, "tick", ("%g"):format(value))
    value = value + step
  end
end

local function draw_bar(entry, y, x_of)
  local colour = group_of(entry.client).colour
  local is_ours = entry.client:find "^anthropic" ~= nil
  text(LABELS - 10, y + BAR - 3, is_ours and "client ours" or "client", entry.client)
  add('<rect x="%d" y="%.1f" width="%.2f" height="%d" fill="%s"/>', LABELS, y,
    math.max(x_of(entry.median) - LABELS, 1), BAR, colour)
  local middle = y + BAR / 2
  add('<line x1="%.2f" y1="%.1f" x2="%.2f" y2="%.1f" stroke="#2b2f35"/>', x_of(entry.least), middle,
    x_of(entry.most), middle)
  text(x_of(math.max(entry.most, entry.median)) + 6, y + BAR - 3, is_ours and "value ours" or "value",
    show(entry.median) .. " µs")
end

local function draw_panel(panel, list, top)
  local most = 0
  for _, entry in ipairs(list) do
    most = math.max(most, entry.most)
  end
  local function x_of(value)
    return LABELS + value / most * (WIDTH - LABELS - VALUES)
  end
  text(16, top + 18, "title", panel.title)
  text(16, top + 35, "note", ("µs of CPU for each %s"):format(panel.unit))
  local first = top + TITLE
  draw_axis(first, #list * GAP, most, x_of)
  for i, entry in ipairs(list) do
    draw_bar(entry, first + (i - 1) * GAP + (GAP - BAR) / 2, x_of)
  end
  return first + #list * GAP + FOOT
end

local function draw_head()
  text(16, 28, "heading", "CPU time of the client: shorter is better")
  text(16, 47, "note", "Linear scale from 0, in microseconds (µs). "
    .. "Thin line: from the smallest to the largest of three rounds.")
  local x = 16
  for _, group in ipairs(GROUPS) do
    add('<rect x="%d" y="60" width="12" height="12" fill="%s"/>', x, group.colour)
    text(x + 17, 70, "note", group.name)
    x = x + 36 + math.ceil(6.3 * #group.name)
  end
end

local rows = read_rows(io.lines())
draw_head()
local height = HEAD
for _, panel in ipairs(PANELS) do
  height = draw_panel(panel, assert(rows[panel.row], panel.row), height)
end

io.write(([[
<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" width="%d" height="%d" role="img">
<title>CPU time of this library and of other clients: a stream, 1,000 streams, short requests</title>
<style>
text { font: 12px sans-serif; fill: #3b4048; }
.heading { font-size: 16px; font-weight: bold; fill: #14171a; }
.title { font-size: 14px; font-weight: bold; fill: #14171a; }
.note { fill: #5a616a; }
.tick { fill: #5a616a; text-anchor: middle; font-size: 11px; }
.client { text-anchor: end; }
.ours { font-weight: bold; fill: #14171a; }
</style>
<rect width="100%%" height="100%%" fill="#ffffff"/>
]]):format(WIDTH, height, WIDTH, height), table.concat(parts), "</svg>\n")
