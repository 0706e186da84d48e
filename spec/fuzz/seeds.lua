--- Writes the inputs that the fuzz targets start from, made of the recorded streams:
---
---     lua5.4 spec/fuzz/seeds.lua build/fuzz/seeds

local json = require "anthropic.base.json"
local response = require "spec.fuzz.response_seeds"
local values = require "spec.fuzz.values"

local root = assert(arg[1], "a folder is missing")

local function lines_of(command)
  local lines = {}
  local pipe = assert(io.popen(command))
  for line in pipe:lines() do
    lines[#lines + 1] = line
  end
  pipe:close()
  return lines
end

local counts = {}

local function write(target, bytes)
  if not counts[target] then
    os.execute(("mkdir -p %s/%s"):format(root, target))
  end
  counts[target] = (counts[target] or 0) + 1
  local file = assert(io.open(("%s/%s/%03d"):format(root, target, counts[target]), "wb"))
  assert(file:write(bytes))
  assert(file:close())
end

local EDGES = {
  "[1,-0,0.1,1e300,-9223372036854775808,9223372036854775807,18446744073709551615,1e-7,123456789012345678]",
  [[{"input":{"a":[],"b":{},"c":null},"type":"tool_use"}]],
  [[{"content":[{"type":"tool_use","input":[1.50,"\ud83d\ude00"]}]}]],
  [=[["\u0000\u001f\"\\\/\b\f\n\r\t","\ud800","\udc00\ud800",[[[[]]]],"é你😀"]]=],
  '{"type":"content_block_delta","index":12,"delta":{"type":"thinking_delta",'
    .. [["thinking":"\ud83d\ude00\u00e9 \"x\""}}]],
}

for _, path in ipairs(lines_of "ls spec/fixtures/aws/*.bin") do
  local file = assert(io.open(path, "rb"))
  local frames = file:read "*a"
  file:close()
  write("aws_event_stream", "\255" .. frames)
  write("aws_event_stream", "\40" .. frames)
end
for _, path in ipairs(lines_of "ls spec/fixtures/*.sse") do
  local file = assert(io.open(path, "rb"))
  local stream = file:read "*a"
  file:close()
  write("sse", "\255" .. stream)
  write("delta_run", "\255" .. stream)
  write("sse", "\40" .. stream:gsub("\n", "\r\n"))
  response.of_stream(stream, function(bytes) write("response", bytes) end)
  for data in stream:gmatch "data: ([^\n]+)" do
    write("delta", data)
    EDGES[#EDGES + 1] = data
  end
end
write("delta", '{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"cut \203')
for _, text in ipairs(EDGES) do
  write("json", text)
  local value = json.decode(text)
  if value ~= nil then
    write("json_encode", values.write(value))
  end
end
response.others(function(bytes) write("response", bytes) end)
