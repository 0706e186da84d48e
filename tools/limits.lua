-- Measures what hostile answers cost a client, each in a process of its own, and writes the table of
-- doc/explanation/limits.md anew: lua tools/limits.lua. With names of answers it prints their rows alone:
--     lua tools/limits.lua text gzip_text

local child = require "spec.support.child"
local documentation = require "spec.support.documentation"
local files = require "tools.files"

local MEBIBYTE = 1024 * 1024
local MOST_SECONDS = 10
local PATH = "doc/explanation/limits.md"

-- How a client asks, by name. Each returns a result or nil and an error.
local ways = {}

local PARAMS = { model = "m", max_tokens = 9, messages = { { role = "user", content = "Hello" } } }

function ways.create(client)
  return client.messages.create(PARAMS)
end

function ways.message(client)
  local stream, err = client.messages.stream(PARAMS)
  if not stream then
    return nil, err
  end
  return stream:message()
end

function ways.events(client)
  local stream, err = client.messages.stream(PARAMS)
  local event = stream
  while event do
    event, err = stream:next()
  end
  return not err or nil, err
end

function ways.tool_inputs(client)
  local ok, err = pcall(function()
    for _ in assert(client.messages.stream(PARAMS)):tool_inputs() do end -- luacheck: ignore 542
  end)
  return ok or nil, err
end

function ways.request(client)
  return client:request { path = "/v1/x" }
end

function ways.models(client)
  return client.models.list()
end

function ways.download(client)
  local path = os.tmpname()
  local result, err = client.files.download("f", { path = path })
  os.remove(path)
  return result, err
end

-- What is answered (see spec/support/hostile_server.lua), how it is asked for, and options of the client.
local ATTACKS = {
  { "a whole answer, then trailers for ever", "trailers", "create" },
  { "a stream, then trailers for ever", "stream_trailers", "message" },
  { "interim answers for ever", "interim", "create" },
  { "a whole answer without an end", "body", "create" },
  { "comments before the first event, for ever", "silence", "message" },
  { "an event without an end", "line", "message" },
  { "a stream of text without an end", "text", "message" },
  { "the same with a limit of 1 MB", "text", "message", { max_response_bytes = 1e6 } },
  { "the same, read as events", "text", "events", { max_response_bytes = 1e6 } },
  { "two texts by turns, with a limit of 0.2 MB", "interleaved", "message", { max_response_bytes = 2e5 } },
  { "the input of a tool without an end", "input", "message" },
  { "the same, read as it comes", "input", "tool_inputs" },
  { "12 MB of tables in a tool's input", "tables/12", "message" },
  { "the same, read as they come", "tables/12", "tool_inputs" },
  { "blocks without an end", "blocks", "message" },
  { "deltas of ever new blocks", "unnamed_blocks", "message" },
  { "unknown deltas without an end", "unknown", "message" },
  { "citations without an end", "citations", "message" },
  { "ever new fields of a message", "fields", "message" },
  { "a chat completion without an end, the same", "chat", "message", { max_response_bytes = 2e5 } },
  { "ever new choices of one", "choices", "message" },
  { "20 pings of 30 MB before the first content", "large_pings/30", "events" },
  { "60 MB of `[],[],...`", "json_arrays/60", "create" },
  { "60 MB of `{},{},...`", "json_objects/60", "request" },
  { "20 MB of objects with a null", "json_nulls/20", "request" },
  { "20 MB of numbers that no number holds", "json_digits/20", "request" },
  { "20 MB of tools' inputs", "json_inputs/20", "request" },
  { "20 MB of short strings", "json_strings/20", "request" },
  { "60 MB that are no JSON", "words/60", "create" },
  { "60 MB of JSON that is not a message", "json_words/60", "create" },
  { "60 MB that refuse the request", "refusal/60", "create" },
  { "256 MB of text in gzip", "gzip_text/256", "message" },
  { "256 MB of text in zstd", "zstd_text/256", "message" },
  { "256 MB of text in br", "br_text/256", "message" },
  { "256 MB of blanks in gzip, a whole answer", "gzip_blanks/256", "create" },
  { "128 MiB of blanks in zstd, a whole answer", "zstd_blanks", "create" },
  { "128 MiB of blanks in br, a whole answer", "br_blanks", "create" },
  { "256 MB of gzip to a file", "gzip_bytes/256", "download" },
  { "bytes to a file without an end, limit 100 MB", "bytes", "download", { max_download_bytes = 1e8 } },
  { "what passes through: 200 MB of pings", "pings/200", "message", { max_response_bytes = 1e6 } },
  { "what passes through: 256 MB of pings in gzip", "gzip_pings/256", "events" },
  { "accepted: 30 MB of text in a stream", "text/30", "message" },
  { "accepted: 60 MB of text in a whole message", "json_text/60", "create" },
  { "accepted: 30 MB of broken escapes in one", "json_escaped/30", "create" },
  { "accepted: 2 MB of blocks in one", "json_blocks/2", "create" },
  { "accepted: 2 MB of small tables", "json_members/2", "request" },
  { "accepted: 6 MB of records", "json_records/6", "models" },
  { "accepted: 5 MB of numbers", "json_numbers/5", "request" },
}

local function peak()
  local file = assert(io.open "/proc/self/status")
  local text = file:read "*a"
  file:close()
  return tonumber(text:match "VmHWM:%s*(%d+)") * 1024
end

-- In the process of its own: prints bytes, seconds, and what came of it.
local function attack(row, port)
  local anthropic = require "anthropic"
  local options = { base_url = ("http://127.0.0.1:%d/%s"):format(port, row[2]), api_key = "k", max_retries = 1,
                    timeout = MOST_SECONDS }
  for name, value in pairs(row[4] or {}) do
    options[name] = value
  end
  local client = anthropic.new(options)
  collectgarbage()
  local before, began = peak(), anthropic.now()
  local result, err = ways[row[3]](client)
  local ending = result and "accepted" or ("`%s`: %s"):format(err.kind or "?", err.message or tostring(err))
  ending = (err and (err.attempts or 1) > 1) and ending .. " (sent again)" or ending
  print(("%d %.1f %s"):format(peak() - before, anthropic.now() - began, ending))
end

local function measure(row, number)
  local server = child.start "spec/support/hostile_server.lua"
  local command = ("timeout %d %s tools/limits.lua --attack %d %d 2>&1"):format(
    MOST_SECONDS * 2, child.interpreter(), number, server.port)
  local pipe = assert(io.popen(command))
  local output = pipe:read "*a"
  pipe:close()
  server:stop()
  local bytes, seconds, ending = output:match "^(%d+) (%S+) ([^\n]*)\n$"
  if not bytes then
    return ("| %s | | | nothing came of it: %s |"):format(row[1], output:sub(1, 200))
  end
  return ("| %s | %.0f MiB | %s s | %s |"):format(row[1], bytes / MEBIBYTE, seconds, ending:sub(1, 80))
end

if arg[1] == "--attack" then
  return attack(ATTACKS[tonumber(arg[2])], tonumber(arg[3]))
end

-- The rows of the answers with these names, or all.
local function table_of(names)
  local chosen = {}
  for _, name in ipairs(names) do
    chosen[name] = true
  end
  local lines = { "| answer | peak memory | time | what came of it |", "|---|---|---|---|" }
  for number, row in ipairs(ATTACKS) do
    if #names == 0 or chosen[row[2]:match "^[^/]+"] then
      lines[#lines + 1] = measure(row, number)
      print(lines[#lines])
      io.stdout:flush()
    end
  end
  return table.concat(lines, "\n")
end

local rows = table_of(arg)
if #arg == 0 then
  files.write(PATH, documentation.with_table(files.read(PATH), "make limits", rows))
end
