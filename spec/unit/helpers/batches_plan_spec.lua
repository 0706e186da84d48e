-- How requests are cut into batches: what each limit allows, and what is refused.

local batch_plan = require "anthropic.helpers.batches.plan"
local json = require "anthropic.base.json"

local unpack = rawget(table, "unpack") or rawget(_G, "unpack")

local MANY = { max_requests = 1000, max_bytes = 1e6 }

-- A request whose JSON has so many bytes.
local function sized(id, bytes)
  local request = { custom_id = id, params = { x = "" } }
  request.params.x = ("x"):rep(bytes - #json.encode(request))
  assert.equal(bytes, #json.encode(request))
  return request
end

local function sized_all(...)
  local requests = {}
  for i, bytes in ipairs { ... } do
    requests[i] = sized("r" .. i, bytes)
  end
  return requests
end

-- "1-2 3" for a batch of the first two and one of the third.
local function cut(requests, max_requests, max_bytes)
  local chunks, message = batch_plan.make(requests, { max_requests = max_requests, max_bytes = max_bytes })
  assert.is_nil(message)
  local words, expected = {}, 1
  for i, chunk in ipairs(chunks) do
    words[i] = chunk.first == chunk.last and tostring(chunk.first) or chunk.first .. "-" .. chunk.last
    assert.equal(expected, chunk.first)
    expected = chunk.last + 1
    -- what is sent is within the limits
    local slice = {}
    for position = chunk.first, chunk.last do
      slice[#slice + 1] = requests[position]
    end
    assert.is_true(#slice <= max_requests)
    assert.is_true(#json.encode { requests = slice } <= max_bytes)
    -- and the next one would not be
    slice[#slice + 1] = requests[chunk.last + 1]
    assert.is_true(chunk.last == #requests or #slice > max_requests
      or #json.encode { requests = slice } > max_bytes)
  end
  assert.equal(#requests + 1, expected)
  return table.concat(words, " ")
end

-- The bytes of a batch of requests of these sizes.
local function batch_of(...)
  return #json.encode { requests = sized_all(...) }
end

describe("batches of requests", function()
  it("are none for none", function()
    assert.equal("", cut({}, 1, 1))
  end)

  it("have as many requests as they may", function()
    local requests = sized_all(50, 50, 50, 50, 50)
    for _, case in ipairs {
      { 1, "1 2 3 4 5" }, { 2, "1-2 3-4 5" }, { 3, "1-3 4-5" }, { 4, "1-4 5" }, { 5, "1-5" }, { 6, "1-5" },
    } do
      assert.equal(case[2], cut(requests, case[1], 1e6))
    end
  end)

  it("have as many bytes as they may, to the last one", function()
    local requests = sized_all(60, 70, 80)
    local one, two, three = batch_of(80), batch_of(60, 70), batch_of(60, 70, 80)
    assert.equal("1-3", cut(requests, 9, three + 1))
    assert.equal("1-3", cut(requests, 9, three))
    assert.equal("1-2 3", cut(requests, 9, three - 1))
    assert.equal("1-2 3", cut(requests, 9, two))
    assert.equal("1 2 3", cut(requests, 9, two - 1))
    assert.equal("1 2 3", cut(requests, 9, one))
  end)

  it("have room again after a full one, to the last byte", function()
    local requests = sized_all(60, 60, 60, 60, 61, 60, 60)
    local two = batch_of(60, 60)
    assert.equal("1-2 3-4 5 6-7", cut(requests, 9, two))
    assert.equal("1-2 3-4 5-6 7", cut(requests, 9, two + 1))
    assert.equal("1-2 3-4 5-6 7", cut(requests, 2, 1e6))
    assert.equal("1-2 3-4 5 6-7", cut(requests, 2, two))
    assert.equal("1 2 3 4 5 6 7", cut(requests, 1, two))
    assert.equal("1-3 4-6 7", cut(requests, 3, batch_of(60, 61, 60)))
    assert.equal("1-3 4-5 6-7", cut(requests, 3, batch_of(60, 60, 60)))
  end)

  it("are the same every time, however the requests differ", function()
    local sizes = {}
    local seed = 20240607
    for i = 1, 200 do
      seed = (seed * 16807) % 2147483647
      sizes[i] = 50 + seed % 200
    end
    local requests = sized_all(unpack(sizes))
    local first = cut(requests, 7, 900)
    assert.equal(first, cut(requests, 7, 900))
  end)

  it("count bytes as they are sent, not characters", function()
    local requests = { { custom_id = "a", params = { x = "é\n😀" } }, { custom_id = "b", params = { x = "\\\"" } } }
    local bytes = #json.encode { requests = requests }
    assert.equal("1-2", cut(requests, 9, bytes))
    assert.equal("1 2", cut(requests, 9, bytes - 1))
  end)

  it("are not made where one request alone is too large", function()
    local requests = sized_all(60, 80, 60)
    local one = batch_of(80)
    assert.equal("1 2 3", cut(requests, 9, one))
    local chunks, message = batch_plan.make(requests, { max_requests = 9, max_bytes = one - 1 })
    assert.is_nil(chunks)
    assert.equal("requests[2]: 80 bytes, more than a batch may have", message)
  end)
end)

describe("a list of requests", function()
  local function refused(message, ...)
    local requests = { { custom_id = "first", params = {} } }
    for i, request in ipairs { ... } do
      requests[i + 1] = request
    end
    local chunks, found = batch_plan.make(requests, MANY)
    assert.is_nil(chunks)
    assert.equal(message, found)
  end

  it("holds tables", function()
    refused("requests[2]: table expected, got string", "a")
    refused("requests[2]: table expected, got boolean", true)
  end)

  it("has an ID in each", function()
    refused("requests[2].custom_id: missing", { params = {} })
    refused("requests[2].custom_id: string expected, got number", { custom_id = 5, params = {} })
    refused("requests[2].custom_id: string expected, got boolean", { custom_id = false, params = {} })
  end)

  it("has IDs of 1 to 64 letters, digits, _ and -", function()
    for _, id in ipairs { "a", "A-z_09", "-", "_", ("x"):rep(64) } do
      assert.is_table(batch_plan.make({ { custom_id = id, params = {} } }, MANY))
    end
    for _, id in ipairs { "", ("x"):rep(65), "a b", "a.b", "a/b", "é", "a\0", "a\n", "a:b" } do
      refused(("requests[2].custom_id: %q is not 1 to 64 letters, digits, _ and -"):format(id),
        { custom_id = id, params = {} })
    end
  end)

  it("has each ID once", function()
    refused('requests[2].custom_id: "first" is that of requests[1] too', { custom_id = "first", params = {} })
    refused('requests[4].custom_id: "a" is that of requests[2] too', { custom_id = "a", params = {} },
      { custom_id = "A", params = {} }, { custom_id = "a", params = {} })
  end)

  it("has each ID once, also where another batch has it", function()
    local requests = { { custom_id = "a", params = {} }, { custom_id = "b", params = {} },
      { custom_id = "a", params = {} } }
    assert.equal('requests[3].custom_id: "a" is that of requests[1] too',
      (select(2, batch_plan.make(requests, { max_requests = 1, max_bytes = 1000 }))))
  end)

  it("has parameters in each", function()
    refused("requests[2].params: table expected, got nil", { custom_id = "a" })
    refused("requests[2].params: table expected, got string", { custom_id = "a", params = "{}" })
  end)

  it("can be sent", function()
    refused("requests[2].params.x: a function has no JSON form", { custom_id = "a", params = { x = print } })
    refused("requests[2].params.x: invalid UTF-8 at byte 2", { custom_id = "a", params = { x = "x\255" } })
  end)

  it("has no names for keys", function()
    local chunks, message = batch_plan.make({ custom_id = "a", params = {} }, MANY)
    assert.is_nil(chunks)
    assert.matches("^requests: a list expected, got a table with the key %a", message)
    assert.equal("requests: a list expected, got a table with the key x",
      (select(2, batch_plan.make({ { custom_id = "a", params = {} }, x = {} }, MANY))))
  end)

  it("has no holes", function()
    local requests = { [1] = { custom_id = "a", params = {} }, [3] = { custom_id = "c", params = {} } }
    local chunks, message = batch_plan.make(requests, MANY)
    assert.is_nil(chunks)
    assert.equal("requests[2]: missing", message)
    assert.equal("requests[1]: missing", (select(2, batch_plan.make({ nil, requests[1] }, MANY))))
  end)
end)

describe("the IDs of batches that are there already", function()
  local function chunks_of(count)
    local chunks = {}
    for i = 1, count do
      chunks[i] = { first = i, last = i }
    end
    return chunks
  end

  it("belong to the first batches, in order", function()
    for _, case in ipairs {
      { nil, {} }, { {}, {} }, { "x", { "x" } }, { { "x" }, { "x" } }, { { "x", "y" }, { "x", "y" } },
      { { "x", "y", "z" }, { "x", "y", "z" } },
    } do
      local chunks = chunks_of(3)
      assert.is_true(batch_plan.resume(chunks, case[1], false))
      assert.equal(3, #chunks)
      for i, chunk in ipairs(chunks) do
        assert.equal(case[2][i], chunk.id)
        assert.equal(i, chunk.first)
        assert.equal(i, chunk.last)
      end
    end
  end)

  it("are no more than the batches", function()
    for _, case in ipairs { { 2, { "x", "y", "z" } }, { 0, "x" }, { 1, { "x", "y", "z" } } } do
      local ok, message = batch_plan.resume(chunks_of(case[1]), case[2], false)
      assert.is_nil(ok)
      assert.equal(("resume: %d batches, where the requests make up %d"):format(
        type(case[2]) == "table" and #case[2] or 1, case[1]), message)
    end
  end)

  it("are any number where the requests are not known", function()
    local chunks = {}
    assert.is_true(batch_plan.resume(chunks, { "x", "y" }, true))
    assert.same({ { id = "x" }, { id = "y" } }, chunks)
  end)

  it("are of different batches", function()
    for _, is_open in ipairs { true, false } do
      local ok, message = batch_plan.resume(chunks_of(3), { "x", "y", "x" }, is_open)
      assert.is_nil(ok)
      assert.equal('resume[3]: "x" is resume[1] too', message)
    end
  end)

  it("are texts that say something", function()
    for _, is_open in ipairs { true, false } do
      for _, case in ipairs { { "", 1 }, { { "" }, 1 }, { { 5 }, 1 }, { { "x", {} }, 2 }, { { "x", false }, 2 } } do
        local ok, message = batch_plan.resume(chunks_of(2), case[1], is_open)
        assert.is_nil(ok)
        assert.equal(("resume[%d]: the ID of a batch expected"):format(case[2]), message)
      end
      assert.equal("resume[2]: missing", (select(2, batch_plan.resume(chunks_of(3), { "x", nil, "z" }, is_open))))
      assert.equal("resume: a list expected, got a table with the key one",
        (select(2, batch_plan.resume(chunks_of(3), { one = "x" }, is_open))))
    end
  end)
end)
