-- An agent in the terminal: it reads and writes files and runs commands, each after you have said yes.
--
--     ANTHROPIC_API_KEY=... lua examples/agent.lua conversation.json
--
-- Ctrl-C stops an answer, Ctrl-D ends. The conversation is stored after each turn and continued the next time; the
-- model's own notes are beside it.

local anthropic = require "anthropic"

local path = arg[1] or "conversation.json"

-- What a million tokens cost: look up your model's.
local PRICES = {
  input_tokens = 3, output_tokens = 15, cache_read_input_tokens = 0.3, cache_creation_input_tokens = 3.75,
  thinking_tokens = 0,
}

-- --- files ---------------------------------------------------------------------------------------

local function read(name)
  local file, problem = io.open(name, "rb")
  local text = file and file:read "*a"
  if file then
    file:close()
  end
  return text, problem or name .. " cannot be read"
end

local function write(name, text)
  local file, problem = io.open(name .. ".new", "wb")
  if not file then
    return nil, problem
  end
  local ok
  ok, problem = file:write(text)
  local is_closed, other = file:close()
  if not ok or not is_closed then -- the disk may be full: what was there before stays
    os.remove(name .. ".new")
    return nil, problem or other
  end
  return os.rename(name .. ".new", name)
end

-- --- tools ---------------------------------------------------------------------------------------

local function tool(name, description, fields, run)
  local properties = {}
  for _, field in ipairs(fields) do
    properties[field] = { type = "string" }
  end
  return anthropic.tool {
    name = name,
    description = description,
    input_schema = { type = "object", properties = properties, required = fields },
    run = run,
    timeout = 60,
  }
end

local tools = {
  tool("read_file", "Reads a text file.", { "path" }, function(input)
    return read(input.path)
  end),
  tool("write_file", "Writes a text file, in place of what it has.", { "path", "text" }, function(input)
    local ok, problem = write(input.path, input.text)
    return ok and "written" or nil, problem
  end),
  tool("run_command", "Runs a shell command and returns its output.", { "command" }, function(input)
    local pipe = assert(io.popen(input.command .. " 2>&1"))
    local output = pipe:read "*a"
    pipe:close()
    return output
  end),
  assert(anthropic.memory_tool.new { dir = path .. ".memory" }),
}

local ALLOWED = { memory = true } -- without asking

-- Asks before a tool runs.
local function approve(call)
  if ALLOWED[call.name] then
    return true
  end
  io.write(("\n%s %s\nrun it? [y/N/reason] "):format(call.name, anthropic.encode(call.input)))
  io.flush()
  local reply = io.read() or ""
  return reply == "y", reply ~= "" and reply or "the user said no"
end

-- --- the conversation ----------------------------------------------------------------------------

local client = anthropic.new()
local stored = read(path)

local chat = client:chat {
  model = "claude-sonnet-5-5",
  max_tokens = 8000,
  system = { {
    type = "text",
    text = "You help with the files in the present directory. Be brief.",
    cache_control = { type = "ephemeral" }, -- the tools and this
  } },
  cache_control = { type = "ephemeral" }, -- the conversation so far
  messages = stored and assert(anthropic.decode(stored)),
  tools = tools,
  max_turns = 50,
  eager = true,
  on_tool_use = approve,
}

local function say(line)
  for text in chat:stream(line) do
    io.write(text)
    io.flush()
  end
end

-- What the last turn took, and the whole program.
local function cost_line(before)
  local now, prices = client.usage:total(), {}
  for model in pairs(client.usage.by_model) do
    prices[model] = PRICES
  end
  local function since(name)
    return (now[name] or 0) - (before[name] or 0)
  end
  local cost = client.usage:cost(prices)
  return ("[%d tokens in, %d of the cache, %d out; $%s so far]"):format(since "input_tokens",
    since "cache_read_input_tokens", since "output_tokens", cost and ("%.4f"):format(cost) or "?")
end

while true do
  io.write "> "
  io.flush()
  local line = io.read()
  if not line then
    break
  end
  if line:find "%S" then
    local before = client.usage:total()
    local ok, err = pcall(say, line)
    if not ok then
      print(type(err) == "table" and err.kind == "cancelled" and "\n[stopped]" or "\n" .. tostring(err))
    end
    print("\n" .. cost_line(before))
    assert(write(path, assert(anthropic.encode(chat.messages))))
  end
end
print()
