-- Prints the reference of the public modules, from their annotations: lua tools/reference.lua > doc/reference.md

-- Module, file, and what its tables are called by a user.
local MODULES = {
  { "anthropic", "init.lua", { anthropic = "anthropic." } },
  { "Client", "client/init.lua", { Client = "client:" } },
  { "Message", "message/message.lua", { Message = "message:" } },
  { "Stream", "stream/init.lua", { Stream = "stream:" } },
  { "Tool inputs", "stream/tool_inputs.lua", { Progress = "progress:" } },
  { "Page", "api/pages.lua", { Page = "page:" } },
  { "Tools", "helpers/tools.lua", {} },
  { "Runs of tools", "helpers/tool_runner.lua", {} },
  { "Batches", "helpers/batches/init.lua", {} },
  { "Runs of batches", "helpers/batches/run.lua", {} },
  { "Batch results", "helpers/batches/results.lua", { Results = "results:" } },
  { "Many requests at once", "helpers/concurrent.lua", {} },
  { "Usage", "message/usage.lua", { Usage = "client.usage:" } },
  { "Chat", "client/chat.lua", { Chat = "chat:" } },
  { "Error", "base/error.lua", { Error = "err:" } },
  { "Callbacks", "stream/callbacks.lua", {} },
  { "Task", "loop/task.lua", { Task = "task:" } },
  { "anthropic.http", "http.lua", { http = "http." } },
  { "Reader", "http/body_reader.lua", { Reader = "reader:" } },
  { "anthropic.sse", "sse.lua", { sse = "sse.", Decoder = "decoder:" } },
  { "anthropic.health", "health.lua", { health = "health." } },
  { "anthropic.testing", "testing/init.lua", { testing = "testing.", Server = "server:" } },
}

local function read_lines(path)
  local lines = {}
  for line in io.lines("lua/anthropic/" .. path) do
    lines[#lines + 1] = line
  end
  return lines
end

local function cell(text)
  return (text:gsub("|", "\\|"))
end

-- The words of a LuaCATS type end at the first space outside of brackets, or after a "|" or ",".
local function split_type(text)
  local depth, quoted = 0, false
  for i = 1, #text do
    local char = text:sub(i, i)
    if char == '"' then
      quoted = not quoted
    elseif char:find "[<({%[]" then
      depth = depth + 1
    elseif char:find "[>)}%]]" then
      depth = depth - 1
    elseif char == " " and depth == 0 and not quoted and not text:sub(i - 1, i - 1):find "[:|,]"
      and not text:sub(i + 1, i + 1):find "[:|]" then
      return text:sub(1, i - 1), text:sub(i + 1)
    end
  end
  return text, ""
end

local function print_rows(head, rows)
  if #rows == 0 then
    return
  end
  print("| " .. head .. " | type | |\n|---|---|---|")
  for _, row in ipairs(rows) do
    local name, rest = row:match "^(%S+)%s*(.*)$"
    local kind, words = split_type(rest)
    print(("| `%s` | `%s` | %s |"):format(name, cell(kind), cell(words)))
  end
  print ""
end

local function print_returns(returns)
  for i, text in ipairs(returns) do
    local kind, words = split_type(text)
    print(("%s `%s`%s  "):format(i == 1 and "Returns" or "and", kind, words ~= "" and ": " .. words or ""))
  end
  if #returns > 0 then
    print ""
  end
end

local function print_function(call, block)
  local names = {}
  for _, parameter in ipairs(block.params) do
    names[#names + 1] = parameter:match "^%S+"
  end
  print(("### `%s(%s)`\n"):format(call, table.concat(names, ", ")))
  print(table.concat(block.words, "\n") .. "\n")
  print_rows("parameter", block.params)
  print_returns(block.returns)
end

local function new_block()
  return { words = {}, params = {}, returns = {}, fields = {} }
end

local function add(block, line)
  local tag, rest = line:match "^%-%-%-@(%w+)%s*(.*)$"
  if tag == "param" then
    block.params[#block.params + 1] = rest
  elseif tag == "return" then
    block.returns[#block.returns + 1] = rest
  elseif tag == "field" then
    block.fields[#block.fields + 1] = rest
  elseif tag == "class" then
    block.class, block.about = rest:gsub("^([%w_.]+):%s*[%w_.]+", "%1"):match "^([%w_.]+)%s*(.*)$"
  elseif not tag then
    block.words[#block.words + 1] = (line:gsub("^%-%-%-? ?", ""))
  end
end

-- The call of a function line that is public, as a user writes it.
local function public_call(line, tables)
  local owner, method = line:match "^function ([%w_]+)[.:]([%w_]+)%("
  if owner and tables[owner] and not method:find "^_" then
    return tables[owner] .. method
  end
end

local function print_module(title, path, tables)
  print("## " .. title .. "\n")
  local block, first = new_block(), true
  for _, line in ipairs(read_lines(path)) do
    if line:find "^%-%-" then
      add(block, line)
    else
      local call = public_call(line, tables)
      if first and #block.words > 0 then
        print(table.concat(block.words, "\n") .. "\n")
        first = false
      elseif call then
        print_function(call, block)
      elseif block.class and #block.fields > 0 then
        print(("### %s\n"):format(block.class))
        if block.about ~= "" then
          print(block.about .. "\n")
        end
        print_rows("field", block.fields)
      end
      block = new_block()
    end
  end
end

print "# Reference\n"
print "Written from the sources by `make doc`. The methods of the API, and the fields of requests, blocks and events,"
print "are in `types/anthropic.lua` for editors to complete; [waiting.md](waiting.md) says what may block.\n"
for _, module in ipairs(MODULES) do
  print_module(module[1], module[2], module[3])
end
