-- Finds assignments to the first variable of a `for` loop, which Lua 5.5 refuses when it loads the file:
-- `lua5.4 tools/loops.lua`. The loop's body gets a constant of that name, and Lua 5.4 loads that.

-- What has no words of its own: strings and comments.
local SKIPPED = { "^%-%-%[(=*)%[.-%]%1%]", "^%-%-[^\n]*", "^%[(=*)%[.-%]%1%]", '^"[^"\\\n]*"', "^'[^'\\\n]*'" }

local function end_of_string(text, first)
  local quote, position = text:sub(first, first), first + 1
  while text:sub(position, position) ~= quote and position <= #text do
    position = position + (text:sub(position, position) == "\\" and 2 or 1)
  end
  return position
end

local function end_of_skipped(text, first)
  for _, pattern in ipairs(SKIPPED) do
    local _, last = text:find(pattern, first)
    if last then
      return last
    end
  end
  return text:find("^[\"']", first) and end_of_string(text, first)
end

local function with_constants(text)
  local pieces, blocks, position = {}, {}, 1
  local function open(block)
    blocks[#blocks + 1] = block
  end
  while position <= #text do
    local word = text:match("^[%a_][%w_]*", position)
    local others = not word and text:match("^[^%a_%-%[\"']+", position) -- which begin nothing
    local last = not word and not others and end_of_skipped(text, position)
      or position + math.max(#(word or others or ""), 1) - 1
    pieces[#pieces + 1] = text:sub(position, last)
    if word == "for" then
      open { variable = text:match("^%s+([%a_][%w_]*)", last + 1), is_head = true }
    elseif word == "while" then
      open { is_head = true }
    elseif word == "do" and blocks[#blocks] and blocks[#blocks].is_head then
      local head = blocks[#blocks]
      head.is_head = false
      pieces[#pieces + 1] = head.variable and (" local %s <const> = %s; "):format(head.variable, head.variable)
    elseif word == "function" or word == "if" or word == "do" or word == "repeat" then
      open {}
    elseif word == "end" or word == "until" then
      blocks[#blocks] = nil
    end
    position = last + 1
  end
  return table.concat(pieces)
end

local failed = false
for path in io.popen "find lua spec examples tools bench -name '*.lua' | LC_ALL=C sort":lines() do
  local file = assert(io.open(path, "rb"))
  local _, problem = load(with_constants(file:read "a":gsub("^#[^\n]*", "")), "@" .. path)
  file:close()
  if problem and problem:find("const variable", 1, true) then
    failed = true
    print(problem)
  end
end
os.exit(not failed)
