--- Answers changed by their structure, each read in every way that fits it. Nothing may raise but an error of the
--- library's own, and what the ways tell of one answer has to agree:
---
---     lua5.4 spec/fuzz/answers.lua [inputs] [seed]

local anthropic = require "anthropic"
local dialects = require "spec.fixtures.dialects"
local json = require "anthropic.base.json"
local mutate = require "spec.fuzz.mutate"
local played_client = require "spec.support.played_client"
local seeds = require "spec.fuzz.answer_seeds"

local inputs, seed = tonumber(arg[1] or 20000), tonumber(arg[2] or 1)
local MOST_FAULTS = 5
local MOST_ITEMS = 40 -- of lists whose next page is the same again

local random = mutate.random(seed)
local PARAMS = { model = "m", max_tokens = 9, messages = { { role = "user", content = "Hi" } } }

local function chosen(list)
  return list[random(#list)]
end

-- --- what has to hold ----------------------------------------------------------------------------

local function check_error(err)
  assert(getmetatable(err) and type(err.kind) == "string", "no error of the library's: " .. tostring(err))
  assert(type(tostring(err)) == "string" and type(err.message) == "string" and #err.message > 0)
  assert(err.status == nil or type(err.status) == "number")
  assert(err.type == nil or type(err.type) == "string")
  assert(err.retry_after == nil or type(err.retry_after) == "number")
end

-- What a request takes of a message, as the API wants it.
local function check_turn(turn)
  local ids = {}
  assert(json.encode(turn))
  for _, block in ipairs(turn.content) do
    assert(type(block.type) == "string")
    if block.type == "text" then
      assert(block.text:find "%S")
    elseif block.type:find "tool_use$" then
      assert(type(block.input) == "table" and not json.is_array(block.input))
      assert(type(block.id) == "string" and not ids[block.id], "a call has no ID of its own")
      ids[block.id] = true
    end
  end
end

local function check_message(message)
  assert(type(message:text()) == "string" and type(message:thinking()) == "string")
  assert(type(message:tool_uses()) == "table")
  assert(json.encode(message))
  assert(type(message.content) == "table")
  local turn = message:to_param()
  if turn then
    check_turn(turn)
  end
  for _, choice in ipairs(message.choices or {}) do
    assert(type(choice:text()) == "string")
  end
end

local function check(result, err)
  if result == nil or result == false then
    if err ~= nil then
      check_error(err)
      if err.partial then
        check_message(err.partial)
      end
    end
    return nil
  end
  return result
end

local function sorted_bytes(text)
  local bytes = {}
  for i = 1, #text do
    bytes[i] = text:sub(i, i)
  end
  table.sort(bytes)
  return table.concat(bytes)
end

-- --- ways to read a stream -----------------------------------------------------------------------

-- Runs what may raise an error of the library's.
local function iterate(f)
  local ok, err = xpcall(f, function(raised)
    return type(raised) == "table" and raised or debug.traceback(tostring(raised))
  end)
  if not ok then
    check(nil, type(err) == "table" and err or error(err, 0))
  end
  return ok
end

local function read_message(stream)
  local message = check(stream:message())
  if message then
    check_message(message)
  end
end

local function read_events(stream)
  local event, err = stream:next()
  while event do
    assert(json.encode(event))
    event, err = stream:next()
  end
  check(nil, err)
  check_message(stream:snapshot())
  read_message(stream)
end

local function read_texts(stream)
  local pieces = {}
  local is_whole = iterate(function()
    for text in stream:text_deltas() do
      pieces[#pieces + 1] = text
    end
  end)
  local message = is_whole and check(stream:message())
  if message and sorted_bytes(message:text()) ~= sorted_bytes(table.concat(pieces)) then
    error(("text differs: %q, in pieces %q"):format(message:text(), table.concat(pieces)))
  end
end

local function read_inputs(stream)
  iterate(function()
    for _, _, input, _, progress in stream:tool_inputs() do
      assert(input ~= nil)
      assert(type(progress:added()) == "string")
      progress:path()
    end
  end)
  check_message(stream:snapshot())
end

local READINGS = { read_message, read_events, read_texts, read_inputs }

local function read_stream(client, params)
  local stream = check(client.messages.stream(params or PARAMS))
  if stream then
    chosen(READINGS)(stream)
  end
end

-- --- ways to write a chat completion -------------------------------------------------------------

-- What clients rely on: lists are lists, and nothing follows the end of a choice.
local function check_chunks(chunks, ended)
  for _, chunk in ipairs(chunks) do
    assert(json.encode(chunk))
    for _, choice in ipairs(chunk.choices or {}) do
      local calls = choice.delta.tool_calls
      assert(type(calls) ~= "table" or json.is_array(calls), "the calls are no list")
      assert(not ended[choice.index], "something follows the end")
      ended[choice.index] = choice.finish_reason ~= json.null or nil
    end
  end
end

local function check_completion(message)
  local completion = anthropic.chat_completion.from_message(message)
  local said = assert(json.decode(assert(json.encode(completion)))).choices[1].message
  local text = said.content == json.null and "" or said.content
  assert(text == message:text(), "the text is another one")
  assert((said.reasoning_content or "") == message:thinking(), "the thinking is another one")
  local own = said.provider_specific_fields or {}
  if not (json.encode(own.blocks or {}) or ""):find('"fallback"', 1, true) then -- calls before one are nobody's
    assert(#(said.tool_calls or {}) == #message:tool_uses(), "there are more calls, or fewer")
  end
  local request = { model = "m", messages = { PARAMS.messages[1], said } }
  local params = check(anthropic.chat_completion.to_params(request))
  assert(not params or json.encode(params))
end

local function write_chunks(stream)
  local encoder, ended = anthropic.chat_completion.encoder { include_usage = true }, {}
  local event, err = stream:next()
  while event do
    check_chunks(encoder:feed(event), ended)
    event, err = stream:next()
  end
  check(nil, err)
  check_chunks(encoder:finish(), ended)
  local message = check(stream:message())
  if message then
    check_completion(message)
  end
end

-- A host that waits for nothing: all is there.
local HOST = {
  wait = function()
    return true
  end,
  spawn = function(f)
    local thread = coroutine.create(f)
    assert(coroutine.resume(thread))
  end,
  suspends = true,
}

local function read_callbacks(client)
  local calls = 0
  client.messages.stream(PARAMS, {
    loop = HOST,
    on_event = function(event) assert(json.encode(event)) end,
    on_text = function(text) assert(text ~= "") end,
    on_done = function(message, err)
      calls = calls + 1
      if check(message, err) then
        check_message(message)
      end
    end,
  })
  assert(calls == 1, "on_done was called " .. calls .. " times")
end

-- --- answers -------------------------------------------------------------------------------------

-- Payloads as the bytes of an event stream, see spec/fixtures/dialects.lua.
local function stream_of(payloads)
  local lines = {}
  for _, payload in ipairs(payloads) do
    if type(payload) == "string" then
      lines[#lines + 1] = payload
    else
      local is_named = payload[1] ~= nil
      local text = json.encode(is_named and payload[2] or payload)
      local name = is_named and type(payload[1]) == "string" and "event: " .. payload[1] .. "\n" or ""
      lines[#lines + 1] = text and name .. "data: " .. text .. "\n\n" or nil
    end
  end
  return { body = table.concat(lines), headers = { ["content-type"] = "text/event-stream" } }
end

local function whole_of(value)
  return { body = json.encode(value) or "{}", headers = { ["content-type"] = "application/json" } }
end

local streams, wholes = {}, {}
do
  local kinds = {}
  for kind in pairs(dialects) do
    kinds[#kinds + 1] = kind
  end
  table.sort(kinds)
  for _, kind in ipairs(kinds) do
    for _, case in ipairs(dialects[kind]) do
      table.insert(case[2][1] ~= nil and streams or wholes, case[2])
    end
  end
end
for _, answer in ipairs(seeds.messages) do
  wholes[#wholes + 1] = answer
end

local function changed_stream()
  return stream_of(mutate.change_list(mutate.copy(chosen(streams)), random))
end

local function changed_whole(list)
  return whole_of(mutate.change(mutate.copy(chosen(list)), random))
end

-- A stream or a whole answer, whichever was asked for.
local function changed_answer()
  return random(3) == 1 and changed_whole(wholes) or changed_stream()
end

-- A stream that ends early.
local function cut_stream()
  local payloads = mutate.copy(chosen(streams))
  for _ = 1, random(#payloads) do
    table.remove(payloads)
  end
  return stream_of(payloads)
end

-- --- what is done with them ----------------------------------------------------------------------

local echo = anthropic.tool {
  name = "f",
  description = "says it again",
  input_schema = { type = "object", properties = {} },
  run = function(input) return input end,
}

local function items_of(page)
  local count = 0
  local item, err = page:next()
  while item ~= nil and count < MOST_ITEMS do
    count = count + 1
    item, err = page:next()
  end
  check(nil, err)
  local following, problem = page:next_page()
  check(following, problem)
  assert(json.encode(page))
end

local function lines_of(list)
  local lines = {}
  for i, value in ipairs(list) do
    lines[i] = json.encode(value) or "{}"
  end
  return { body = table.concat(lines, "\n") .. "\n" }
end

local WAYS = {
  { "stream", function()
    read_stream(played_client { changed_stream() })
  end },
  { "the same stream in two ways", function()
    local answer = changed_stream()
    read_stream(played_client { answer })
    read_texts(played_client({ answer }, { max_retries = 0 }).messages.stream(PARAMS))
  end },
  { "callbacks", function()
    read_callbacks(played_client({ changed_answer() }, { max_retries = 0 }))
  end },
  { "continue", function()
    read_stream(played_client({ cut_stream(), changed_stream() }, { on_interrupt = "continue" }))
  end },
  { "retry", function()
    read_stream(played_client({ cut_stream(), changed_answer() }, { on_interrupt = "retry" }))
  end },
  { "chat completion", function()
    local stream = check(played_client({ changed_answer() }).messages.stream(PARAMS))
    if stream then
      write_chunks(stream)
    end
  end },
  { "whole", function()
    local client = played_client { changed_answer() }
    local message = check(client.messages.create(PARAMS))
    if message then
      check_message(message)
      client.usage:add(message)
    end
    client.usage:cost { m = { input_tokens = 3, output_tokens = 15 } }
    client.usage:total()
    client.usage:of "m"
  end },
  { "whole as a stream", function()
    read_stream(played_client { changed_whole(wholes) })
  end },
  { "count", function()
    check(played_client({ changed_whole(seeds.counts) }).messages.count_tokens(PARAMS))
  end },
  { "pages", function()
    local client = played_client { changed_whole(seeds.pages), changed_whole(seeds.pages) }
    local page = check((random(2) == 1 and client.models or client.beta.files).list())
    if page then
      items_of(page)
    end
  end },
  { "results", function()
    local client = played_client {
      changed_whole(seeds.batches), lines_of(mutate.change_list(mutate.copy(seeds.results), random)),
    }
    local results = check(client.messages.batches.results "b")
    local result, err
    if results then
      result, err = results:next()
    end
    while result do
      if result.result.type == "succeeded" then
        check_message(result.result.message)
        client.usage:add(result.result.message)
      end
      result, err = results:next()
    end
    check(nil, err)
  end },
  { "batches", function()
    local client = played_client({
      changed_whole(seeds.batches), changed_whole(seeds.batches), whole_of(seeds.batches[1]),
      lines_of(mutate.change_list(mutate.copy(seeds.results), random)),
      whole_of(seeds.batches[1]), lines_of(seeds.results),
    }, { max_retries = 0 })
    local requests = { { custom_id = "a", params = PARAMS }, { custom_id = "b", params = PARAMS } }
    local results, err = client.messages.batches.run(requests, {
      poll_interval = 1e-6, max_poll_interval = 1e-6,
      on_progress = function(progress) assert(json.encode(progress)) end,
    })
    if not check(results, err) then
      assert(type(err.batches) == "table" and type(err.report.failed) == "table")
    end
  end },
  { "tools", function()
    local params = mutate.copy(PARAMS)
    params.tools = { echo }
    params.max_turns = 3
    params.on_event = random(2) == 1 and function() end or nil
    local client = played_client { changed_answer(), changed_answer(), changed_answer() }
    local message, run = client.messages.run(params)
    if check(message, run) then
      check_message(message)
      assert(json.encode(run.messages))
    end
  end },
  { "chat", function()
    local answers = { changed_answer(), changed_answer(), changed_answer() }
    local client = played_client(answers, { on_interrupt = "continue" })
    local chat = client:chat { model = "m", tools = random(3) == 1 and { echo } or nil }
    check(chat:say "Hi")
    iterate(function()
      for _ in chat:stream "Go on" do
        if random(5) == 1 then
          break
        end
      end
    end)
    check(chat:say "And?")
    assert(json.encode(chat.messages))
  end },
  { "parse", function()
    local schema = { type = "object", properties = { a = { type = "integer" } }, required = { "a" } }
    local params = mutate.copy(PARAMS)
    params.schema = schema
    local message = check(played_client({ changed_answer() }).messages.parse(params))
    if message then
      check_message(message)
      assert(message.parsed ~= nil or type(message.parse_error) == "string")
    end
  end },
  { "errors", function()
    local answer = changed_whole(seeds.errors)
    answer.status = chosen { 200, 400, 404, 429, 500, 529 }
    local limited, member = chosen { "requests", "add", "x-y" }, chosen { "reset", "remaining" }
    answer.headers["anthropic-ratelimit-" .. limited .. "-" .. member]
      = chosen { "0", "x", "1e400", "2099-01-01T00:00:00Z" }
    local client = played_client({ answer }, { max_retries = 1 })
    check(client.messages.create(PARAMS))
    read_stream(client)
    check(client.models.retrieve "m")
    check(client:request { path = "/v1/other" })
  end },
  { "error events", function()
    local payloads = mutate.copy(chosen(streams))
    table.insert(payloads, random(#payloads), mutate.change(mutate.copy(chosen(seeds.errors)), random))
    read_stream(played_client({ stream_of(payloads) }, { on_interrupt = "continue" }))
  end },
  { "stored", function()
    local client = played_client { changed_answer() }
    local message = check(client.messages.create(PARAMS))
    if message then
      local params = mutate.copy(PARAMS)
      params.messages = { PARAMS.messages[1], json.decode(json.encode(message)) }
      check(client.messages.create(params))
    end
  end },
}

-- --- all of it -----------------------------------------------------------------------------------

local faults = 0
for i = 1, inputs do
  local way = WAYS[i % #WAYS + 1]
  local ok, problem = xpcall(way[2], function(raised)
    return type(raised) == "table" and tostring(raised) or debug.traceback(tostring(raised))
  end)
  if not ok then
    faults = faults + 1
    print(("FAILED: input %d of seed %d, %s: %s"):format(i, seed, way[1], problem))
    if faults == MOST_FAULTS then
      break
    end
  end
end
print(("%-10s %d inputs, %d faults (seed %d, %s)"):format("answers", inputs, faults, seed, _VERSION))
os.exit(faults == 0)
