-- The public module: what it loads, whom it blames, and what becomes of what its folders return.

local anthropic = require "anthropic"
local errors = require "anthropic.base.error"
local json = require "anthropic.base.json"
local loop = require "anthropic.loop"
local service = require "spec.support.service"
local waiting = require "anthropic.loop.waiting"

local function count_and_pack(...)
  return { n = select("#", ...), ... }
end

-- What a function raises, which blames this file.
local function blamed(f)
  local ok, message = pcall(f)
  assert.is_false(ok)
  assert.matches("^spec/unit/anthropic/anthropic_spec%.lua:%d+: ", message)
  return (message:gsub("^[^:]*:%d+: ", ""))
end

local function with_file(text, f)
  local path = os.tmpname()
  local file = assert(io.open(path, "wb"))
  file:write(text)
  file:close()
  f(path)
  os.remove(path)
end

describe("require \"anthropic\"", function()
  it("loads nothing else until it is needed", function()
    local output = service.run [[
      local function loaded()
        local names = {}
        for name in pairs(package.loaded) do
          names[#names + 1] = name:match "^anthropic.*"
        end
        table.sort(names)
        return table.concat(names, " ")
      end
      local anthropic = require "anthropic"
      print(loaded())
      print(anthropic.version == require "anthropic.version", anthropic.nothing)
      print(loaded())
      print(type(anthropic.now()))
      print(loaded())
      anthropic.encode {}
      print(loaded())
    ]]
    local lines = {}
    for line in output:gmatch "[^\n]+" do
      lines[#lines + 1] = line
    end
    assert.equal("anthropic", lines[1])
    assert.equal("true\tnil", lines[2])
    assert.equal("anthropic anthropic.version", lines[3])
    assert.equal("number", lines[4])
    local core = " anthropic.base.core anthropic.base.descriptors anthropic.base.interface"
    local rest = " anthropic.core anthropic.version"
    assert.equal("anthropic" .. core .. " anthropic.base.lazy" .. rest, lines[5])
    local of_json = " anthropic.base.json anthropic.base.json_fields anthropic.base.json_kinds anthropic.base.lazy"
      .. " anthropic.base.memory"
    assert.equal("anthropic" .. core .. of_json .. rest, lines[6])
  end)

  it("has these functions", function()
    for _, name in ipairs { "new", "array", "object", "raw", "tool", "encode", "decode", "image", "document", "run",
      "spawn", "sleep", "now" } do
      assert.is_function(anthropic[name])
    end
  end)

  it("has null and version, looked up once, and nothing else", function()
    assert.equal(json.null, anthropic.null)
    assert.equal(json.null, rawget(anthropic, "null"))
    assert.equal(require "anthropic.version", anthropic.version)
    assert.equal(anthropic.version, rawget(anthropic, "version"))
    assert.is_nil(anthropic.nothing)
    assert.is_nil(rawget(anthropic, "nothing"))
    assert.is_nil(anthropic[1])
  end)
end)

describe("anthropic.new", function()
  after_each(service.clear)

  it("makes a client", function()
    service.environment {}
    local results = count_and_pack(anthropic.new { api_key = "k" })
    assert.equal(1, results.n)
    assert.is_table(results[1].messages)
    results[1]:close()
    anthropic.new():close()
  end)

  it("blames its caller for a wrong option", function()
    assert.matches("max_retries", blamed(function() anthropic.new { max_retries = "x" } end))
    assert.matches("misspelt", blamed(function() anthropic.new { misspelt = 1 } end))
  end)
end)

describe("anthropic.tool", function()
  it("makes a tool", function()
    local tool = anthropic.tool { name = "n", description = "d", input_schema = { type = "object" },
      run = function() end }
    assert.equal("n", tool.name)
  end)

  it("blames its caller for a wrong field", function()
    assert.matches("run", blamed(function()
      local _ = anthropic.tool { name = "n", run = 5 }
    end))
  end)
end)

describe("anthropic.array, object and raw", function()
  it("are those of the JSON that is sent", function()
    local t = {}
    assert.equal(t, anthropic.array(t))
    assert.equal("[]", json.encode(t))
    t = { "a" }
    assert.equal(t, anthropic.object(t))
    assert.equal('{"1":"a"}', json.encode(t))
    assert.equal("[1.0]", json.encode(anthropic.raw "[1.0]"))
    assert.has_error(function() anthropic.array(5) end)
    assert.has_error(function() anthropic.object(5) end)
    assert.has_error(function() anthropic.raw "[" end)
  end)
end)

describe("anthropic.encode and decode", function()
  it("give a value and nothing else", function()
    assert.same({ n = 1, '{"a":[],"b":1}' }, count_and_pack(anthropic.encode { b = 1, a = anthropic.array {} }))
    assert.same({ n = 1, { 1, 2 } }, count_and_pack(anthropic.decode "[1,2]"))
    assert.same({ n = 1, false }, count_and_pack(anthropic.decode "false"))
    assert.equal(anthropic.null, (anthropic.decode "null"))
  end)

  it("give nil and an error that names the place", function()
    local results = count_and_pack(anthropic.encode { a = { print } })
    assert.equal(2, results.n)
    assert.is_nil(results[1])
    assert.is_true(errors.is(results[2]))
    assert.equal("invalid_request", results[2].kind)
    assert.equal("a[1]: a function has no JSON form", results[2].message)
    local value, err = anthropic.decode "[1,"
    assert.is_nil(value)
    assert.equal("invalid_request", err.kind)
    assert.equal("unexpected end of the text at byte 4", err.message)
  end)

  it("raise for what is no text", function()
    assert.has_error(function() anthropic.decode() end)
  end)
end)

describe("anthropic.image and document", function()
  it("make blocks, with further fields in them", function()
    with_file("GIF89a", function(path)
      local block = assert(anthropic.image(path, { cache_control = { type = "ephemeral" } }))
      assert.equal("image", block.type)
      assert.equal("image/gif", block.source.media_type)
      assert.same({ type = "ephemeral" }, block.cache_control)
      assert.equal("image", (assert(anthropic.image { path = path })).type)
    end)
    with_file("text", function(path)
      local block = assert(anthropic.document(path, { title = "T" }))
      assert.equal("document", block.type)
      assert.equal("T", block.title)
    end)
  end)

  it("give nil and an error where the file cannot be read", function()
    for _, name in ipairs { "image", "document" } do
      local block, err = anthropic[name] "/nowhere"
      assert.is_nil(block)
      assert.equal("invalid_request", err.kind)
      assert.matches("/nowhere", err.message, 1, true)
    end
  end)

  it("blame their caller for a source or fields of a wrong type", function()
    for _, name in ipairs { "image", "document" } do
      for _, wrong in ipairs { 5, true, print } do
        assert.equal(("anthropic.%s: source: string or table expected, got %s"):format(name, type(wrong)),
          blamed(function()
            local _ = anthropic[name](wrong)
          end))
        assert.equal(("anthropic.%s: fields: table expected, got %s"):format(name, type(wrong)), blamed(function()
          local _ = anthropic[name]("/nowhere", wrong)
        end))
      end
      assert.equal(("anthropic.%s: source: string or table expected, got nil"):format(name), blamed(function()
        local _ = anthropic[name]()
      end))
      assert.equal(("anthropic.%s: fields: table expected, got string"):format(name), blamed(function()
        local _ = anthropic[name]({}, "x")
      end))
      assert.equal(("anthropic.%s: fields: table expected, got boolean"):format(name), blamed(function()
        local _ = anthropic[name]({}, false)
      end))
    end
  end)
end)

describe("anthropic.run and spawn", function()
  it("pass arguments and results on", function()
    assert.same({ n = 3, nil, 2, nil }, count_and_pack(anthropic.run(function(...)
      local task = anthropic.spawn(function(...) return select("#", ...), ... end, "a", nil)
      assert.same({ n = 3, 2, "a", nil }, count_and_pack(task:join()))
      return ...
    end, nil, 2, nil)))
  end)
end)

describe("anthropic.sleep", function()
  local sleep = waiting.sleep

  after_each(function()
    waiting.sleep = sleep
  end)

  it("waits, and returns true and nothing else", function()
    local began = anthropic.now()
    assert.same({ n = 1, true }, count_and_pack(anthropic.sleep(0.02)))
    assert.is_true(anthropic.now() - began >= 0.019)
    assert.is_true(anthropic.sleep(0))
    assert.is_true(anthropic.sleep(-1))
  end)

  it("blames its caller for what is no number", function()
    for _, wrong in ipairs { "1", true, {}, 0 / 0, "nil" } do
      local seconds = wrong
      if wrong == "nil" then
        seconds = nil
      end
      assert.equal("anthropic.sleep: number of seconds expected", blamed(function() anthropic.sleep(seconds) end))
    end
  end)

  it("returns nil and an error in a task that is cancelled", function()
    local value, err
    anthropic.run(function()
      local task = anthropic.spawn(function() value, err = anthropic.sleep(600) end)
      anthropic.sleep(0)
      task:cancel()
    end)
    assert.is_nil(value)
    assert.is_true(errors.is(err))
    assert.equal("cancelled", err.kind)
    assert.equal("the task was cancelled", err.message)
  end)

  it("gives the reason on where the calling code cannot wait", function()
    local refusal = errors.new { kind = "invalid_request", type = "cannot_wait", message = "not here" }
    waiting.sleep = function() return nil, refusal end
    assert.same({ n = 2, nil, refusal }, count_and_pack(anthropic.sleep(1)))
    waiting.sleep = function() return nil, "cancelled" end
    assert.equal("cancelled", select(2, anthropic.sleep(1)).kind)
  end)
end)

describe("anthropic.now", function()
  it("is the clock of the loop, and goes forward", function()
    local first = anthropic.now()
    loop.core():wait(0.005)
    assert.is_true(anthropic.now() > first)
    assert.is_true(math.abs(anthropic.now() - require("anthropic.core").now()) < 1)
  end)
end)
