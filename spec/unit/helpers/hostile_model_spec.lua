-- What a model may do to a run: bounded, in order, and never an error that is raised.

local anthropic = require "anthropic"
local json = require "anthropic.base.json"
local message = require "anthropic.message.message"
local tool_runner = require "anthropic.helpers.tool_runner"

local MANY = 10000

local function tool(name, run, fields)
  local whole = { name = name, run = run }
  for key, value in pairs(fields or {}) do
    whole[key] = value
  end
  return anthropic.tool(whole)
end

local function answer(blocks, stop_reason)
  return message.new {
    id = "msg_1", type = "message", role = "assistant", content = blocks, stop_reason = stop_reason or "tool_use",
  }
end

local function use(name, id, input)
  return { type = "tool_use", id = id, name = name, input = input or {} }
end

-- A stream that has come, whose blocks end one after the other.
local function stream_of(whole)
  local i = 0
  return {
    next_boundary = function()
      i = i + 1
      return whole.content[i] and { type = "content_block_stop", index = i } or nil
    end,
    block_of = function(_, event) return whole.content[event.index], "{}" end,
    message = function() return whole end,
    snapshot = function() return whole end,
  }
end

-- Runs one turn of the answer given, and what was sent then.
local function run(whole, params)
  local sent = {}
  params.messages = { { role = "user", content = "go" } }
  local final, result = tool_runner.run({}, function(request)
    sent[#sent + 1] = request
    if #sent == 1 then
      return params.eager and stream_of(whole) or whole
    end
    assert(json.encode_request(request))
    local done = answer({ { type = "text", text = "Done." } }, "end_turn")
    return params.eager and stream_of(done) or done
  end, params)
  return assert(final, result), result, sent
end

local function check_many(eager)
  local blocks = {}
  for i = 1, MANY do
    blocks[i] = use(i % 3 == 1 and "f" or i % 30 == 0 and "g" or "nobody", "t" .. i, { n = i })
  end
  local most, now, ran = 0, 0, 0
  local _, result = run(answer(blocks), { eager = eager, tools = {
    tool("f", function(input)
      ran, now = ran + 1, now + 1
      most = math.max(most, now)
      if input.n % 100 == 1 then
        anthropic.sleep(0)
      end
      now = now - 1
      return input.n
    end),
    tool("g", function() error "x" end),
  } })
  local results = result.turns[1].results
  assert.equal(MANY, #results)
  local wrong
  for i, block in ipairs(results) do
    wrong = wrong or (block.tool_use_id ~= "t" .. i or block.is_error ~= (i % 3 ~= 1 or nil)) and i
  end
  assert.is_nil(wrong or nil)
  assert.equal(tostring(MANY), results[MANY].content)
  assert.equal(math.floor(MANY / 3) + 1, ran)
end

describe("a hostile model", function()
  for _, eager in ipairs { false, true } do
    local how = eager and ", which start at once" or ""
    it("may call 10,000 tools in one turn" .. how, function()
      if eager then
        anthropic.run(check_many, eager)
      else
        check_many()
      end
    end)

    it("may call a tool that never ends" .. how, function()
      local told, last
      anthropic.run(function()
        local _, result = run(answer { use("never", "t1"), use("deaf", "t2"), use("f", "t3") }, {
          eager = eager, tool_timeout = 0.01, tools = {
            tool("never", function() told = select(2, anthropic.sleep(1e9)).kind end),
            tool("deaf", function()
              while not last do
                anthropic.sleep(1e9)
              end
            end),
            tool("f", function() return "x" end),
          },
        })
        last = result.turns[1].results
      end)
      assert.equal("cancelled", told)
      assert.same({ "the tool did not end within 0.01 seconds", "the tool did not end within 0.01 seconds", "x" },
        { last[1].content, last[2].content, last[3].content })
    end)

    it("may double names and IDs, or leave them out" .. how, function()
      local function check()
        local ids = { "same", "same", "", 5, {}, json.null, "same", false }
        local blocks = {}
        for i, id in ipairs(ids) do
          blocks[i] = use("f", id or nil, { n = i })
        end
        blocks[#blocks + 1] = use({}, "x")
        blocks[#blocks + 1] = { type = "tool_use" }
        local seen = {}
        local whole = message.new { type = "message", role = "assistant", content = blocks, stop_reason = "tool_use" }
        local _, result = run(whole, {
          eager = eager, tools = { tool("f", function(input) seen[#seen + 1] = input.n end) },
        })
        assert.same({ 1, 2, 3, 4, 5, 6, 7, 8 }, seen)
        assert.equal(10, #result.turns[1].results)
      end
      check()
      anthropic.run(check)
    end)
  end

  it("may give an input of 20 MB, which a tool gets and the next request repeats", function()
    local text = ("x"):rep(20 * 1024 * 1024)
    local block = { type = "tool_use", id = "t1", name = "f" }
    json.tool_input(block, '{ "text": "' .. text .. '" }')
    local length
    local _, result, sent = run(answer { block }, { tools = { tool("f", function(input)
      length = #input.text
      return input.text
    end) } })
    assert.equal(#text, length)
    assert.matches("%[cut: the first 262144 of 20971520 bytes%]$", result.turns[1].results[1].content)
    assert.equal(2, #sent)
  end)

  it("may give an input that is deep, and one that is broken", function()
    local deep = { type = "tool_use", id = "t1", name = "f" }
    json.tool_input(deep, '{"a":' .. ("["):rep(900) .. ("]"):rep(900) .. "}")
    local broken = { type = "tool_use", id = "t2", name = "f" }
    json.tool_input(broken, ('{"a":'):rep(100000))
    local ran = 0
    local _, result = run(answer { deep, broken }, { tools = { tool("f", function() ran = ran + 1 end) } })
    assert.equal(deep.input and 1 or 0, ran)
    assert.matches("not valid JSON", result.turns[1].results[2].content)
  end)
end)
