-- The same answers read by the reference client and by this one.

local anthropic = require "anthropic"
local background = require "spec.support.background"
local hosted = require "spec.support.hosted"
local npm = require "spec.support.npm"
local testing = require "anthropic.testing"

local PARAMS = {
  model = "claude-sonnet-4-20250514",
  system = "你是由一家中转网关提供的助手。",
  messages = { { role = "user", content = "你好" } },
  max_tokens = 8000,
  thinking = { type = "enabled", budget_tokens = 1200 },
  tools = { { name = "look", description = "Looks.", input_schema = { type = "object", properties = {} } } },
  stop_sequences = {},
  temperature = 1,
  metadata = { user_id = "someone" },
}

local CITATION = {
  type = "char_location", cited_text = "Grass is green.", document_index = 0, document_title = testing.null,
  start_char_index = 0, end_char_index = 15,
}

-- Each: a name, and the fields of an answer.
local ANSWERS = {
  { "text", { text = "Hello, world!" } },
  { "no content at all", { content = {} } },
  { "an empty text", { text = "" } },
  { "thinking and text", { thinking = "Let me see. 让我想想。", text = "你好 👋🏽, \"quoted\" \\ back\tslash\n\1 end" } },
  { "one tool", { tool_uses = {
    { name = "look", input_json = '{"at": [1, -2.5e3, "x", true, null], "in": {"deep": {}}}' },
  } } },
  { "tools and text", {
    thinking = "Two at once.", text = "I will look.",
    tool_uses = { { name = "look" }, { name = "look", input = { at = "梅花" } } },
  } },
  { "redacted and interleaved thinking", {
    content = {
      { type = "redacted_thinking", data = "EmwKAhgB" },
      { type = "thinking", thinking = "First.", signature = "Zmlyc3Q=" },
      { type = "text", text = "Between." },
      { type = "thinking", thinking = "Second.", signature = "c2Vjb25k" },
      { type = "tool_use", id = "toolu_1", name = "look", input = { a = 1 } },
    },
  } },
  { "a server's tool and its result", {
    content = {
      { type = "server_tool_use", id = "srvtoolu_1", name = "web_search", input = { query = "lua" } },
      { type = "web_search_tool_result", tool_use_id = "srvtoolu_1", content = testing.array {
        { type = "web_search_result", title = "Lua", url = "https://www.lua.org/", page_age = testing.null },
      } },
      { type = "text", text = "Found it." },
    },
    usage = {
      cache_creation_input_tokens = 5, cache_read_input_tokens = 7,
      server_tool_use = { web_search_requests = 1 }, service_tier = "standard",
    },
  } },
  { "citations", {
    content = { { type = "text", text = "Green.", citations = testing.array { CITATION, CITATION } } },
  } },
  { "a stop sequence", { text = "One, two", stop_reason = "stop_sequence", stop_sequence = "three" } },
  { "a refusal", { text = "I", stop_reason = "refusal" } },
  { "a stop reason and a block that nobody knows yet", {
    content = { { type = "hologram", depth = 3, layers = testing.array { "a" } }, { type = "text", text = "?" } },
    stop_reason = "out_of_paper",
  } },
}

-- Fields that the reference client adds to what came.
local ADDED = { parsed_output = true }

-- A copy, which has forgotten the text that an input came as.
local function without_null(value)
  if type(value) ~= "table" then
    return value
  end
  local copy = setmetatable({}, getmetatable(value))
  for name, item in pairs(value) do
    if type(name) ~= "string" or item ~= anthropic.null and not ADDED[name] then
      copy[name] = without_null(item)
    end
  end
  return copy
end

-- JSON with its keys sorted, without nulls in objects.
local function canonical(value)
  return assert(anthropic.encode(without_null(assert(anthropic.decode(assert(anthropic.encode(value)))))))
end

local function fields_of(message)
  local fields = {}
  for name, value in pairs(message) do
    if name ~= "response" then
      fields[name] = value
    end
  end
  return fields
end

describe("the reference client and this one", function()
  local entry, reason = npm.find "@anthropic-ai/sdk/index.mjs"
  if not entry then
    it("read the same answers", function()
      pending(reason)
    end)
    return
  end

  local function read_there(server, params, requests)
    local file = os.tmpname()
    background.write_file(file, assert(anthropic.encode(params)))
    local output = background.output_of(("timeout 60 node spec/support/sdk_client.mjs %s %s %d %s 2>&1"):format(
      entry, server.url, requests, file))
    os.remove(file)
    local results = {}
    for line in output:gmatch "[^\n]+" do
      local result, err = anthropic.decode(line)
      results[#results + 1] = result or error(tostring(err) .. ": " .. output)
    end
    return results
  end

  local function read_here(server, params, requests)
    local client = anthropic.new { base_url = server.url, auth_token = "test" }
    local results = {}
    for i = 1, requests do
      local message, err = client.messages.create(params)
      if message and params.stream then
        message, err = message:message()
      end
      results[i] = { message = message and fields_of(message), error = err }
    end
    client:close()
    return results
  end

  -- What both make of the same script, and what they sent.
  local function compare(script, params, requests)
    local sent, results = {}, {}
    for i, read in ipairs { read_there, read_here } do
      local server = hosted.server { script = script, on_end = "error" }
      local ok, result = pcall(read, server, params, requests)
      sent[i] = server:requests()
      server:stop()
      results[i] = ok and result or error(result, 0)
    end
    assert.equal(requests, #results[1])
    return results[1], results[2], sent[1], sent[2]
  end

  local function with_stream(streamed)
    local params = {}
    for name, value in pairs(PARAMS) do
      params[name] = value
    end
    params.stream = streamed or nil
    return params
  end

  local VARIANTS = {
    { "whole", testing.message, false },
    { "streamed", testing.stream, true },
    { "streamed in chunks of 7 bytes", testing.stream, true, 7 },
  }

  for _, variant in ipairs(VARIANTS) do
    local how, build, streamed, chunk_bytes = variant[1], variant[2], variant[3], variant[4]
    it("make the same message of every answer, " .. how, function()
      local script = {}
      for i, answer in ipairs(ANSWERS) do
        script[i] = build(answer[2])
        script[i].chunk_bytes = chunk_bytes
      end
      local theirs, ours = compare(script, with_stream(streamed), #script)
      for i, answer in ipairs(ANSWERS) do
        assert.is_nil(ours[i].error)
        assert.equal(canonical(theirs[i].message), canonical(ours[i].message), answer[1])
      end
    end)
  end

  it("send the same body and the same headers of the API", function()
    for _, streamed in ipairs { false, true } do
      local script = { (streamed and testing.stream or testing.message) { text = "Hello" } }
      local _, _, theirs, ours = compare(script, with_stream(streamed), 1)
      assert.equal(canonical(anthropic.decode(theirs[1].body)), canonical(anthropic.decode(ours[1].body)))
      for _, name in ipairs { "content-type", "accept", "authorization", "x-api-key" } do
        assert.equal(theirs[1].headers[name], ours[1].headers[name], name)
      end
      assert.truthy(theirs[1].headers["anthropic-version"])
      assert.equal("2023-06-01", ours[1].headers["anthropic-version"]) -- what gateways speak
      assert.same({ theirs[1].method, theirs[1].target }, { ours[1].method, ours[1].target })
    end
  end)

  it("see the same errors, after as many attempts", function()
    local script = {
      testing.error { status = 400, message = "max_tokens: too many" },
      testing.error { status = 529, retry_after = 0.01 },
      testing.stream { text = "The second attempt." },
      testing.error { status = 401 },
      testing.stream { text = "So far so", error = { type = "overloaded_error", message = "Overloaded" } },
    }
    local there, here, sent_there, sent_here = compare(script, with_stream(true), 4)
    assert.same({ 5, 5 }, { #sent_there, #sent_here })
    for i, ours in ipairs(here) do
      local theirs = there[i]
      assert.equal(theirs.message and canonical(theirs.message), ours.message and canonical(ours.message))
      assert.equal(theirs.error and theirs.error.type, ours.error and ours.error.type)
      assert.is_true(not theirs.error or theirs.error.status == nil or theirs.error.status == ours.error.status)
    end
  end)
end)
