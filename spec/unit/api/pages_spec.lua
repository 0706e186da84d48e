-- How the pages of a list follow each other, and how its items are read.

local errors = require "anthropic.base.error"
local json = require "anthropic.base.json"
local loop = require "anthropic.loop"
local pages = require "anthropic.api.pages"

-- A page of the kind, and the queries that later pages are asked for with. Each answer is the fields of a page, or
-- an error.
local function list(kind, fields, query, answers, host)
  local queries, position = {}, 0
  local function fetch(asked)
    queries[#queries + 1] = asked
    position = position + 1
    local answer = assert(answers and answers[position], "asked for a page too many")
    if errors.is(answer) then
      return nil, answer
    end
    return pages.new(answer, "response " .. position, kind, asked, fetch, host)
  end
  return pages.new(fields, "response", kind, query or {}, fetch, host), queries
end

local function failure()
  return errors.new { kind = "connection", message = "reset" }
end

local function collect(page)
  local items = {}
  for item in page do
    items[#items + 1] = item
  end
  return items
end

describe("a page", function()
  it("has the fields of its answer, and its response", function()
    local page = list("id", { data = { "a" }, has_more = true, first_id = "a", later = 7 })
    assert.same({ "a" }, page.data)
    assert.is_true(page.has_more)
    assert.equal("a", page.first_id)
    assert.equal(7, page.later)
    assert.equal("response", page.response)
    assert.is_nil(page.next_page_token)
    assert.equal("anthropic.Page", getmetatable(page).__name)
  end)

  it("has what names the next one beside the method of that name", function()
    local page = list("cursor", { data = {}, next_page = "token" })
    assert.equal("token", page.next_page_token)
    assert.is_function(page.next_page)
  end)

  it("has a list for its data, whatever the answer has", function()
    for _, data in ipairs { false, "text", 7 } do
      local page = list("id", { data = data or nil })
      assert.same({}, page.data)
    end
  end)

  it("holds nothing but what it says", function()
    local names = {}
    for name in pairs((list("id", { data = {}, next_page = "t" }))) do
      names[#names + 1] = name
    end
    table.sort(names)
    assert.same({ "data", "extra", "next_page_token", "response" }, names)
  end)

  it("keeps its methods, whatever the names in the answer are", function()
    local page = list("cursor", {
      data = { "a" }, next = 5, next_page = "t", next_page_token = {}, response = "mine", extra = { 1 },
    }, {}, { { data = { "b" }, next = "x" } })
    assert.same({ next = 5, next_page = "t", next_page_token = {}, response = "mine", extra = { 1 } }, page.extra)
    assert.equal("response", page.response)
    assert.equal("t", page.next_page_token)
    assert.same({ "a", "b" }, collect(page))
  end)

  it("is encoded as it came", function()
    local text = '{"data":[{"id":"a"}],"first_id":null,"next":5,"next_page":"t","response":"mine"}'
    local page = list("cursor", json.decode_answer(text))
    assert.same(json.decode(text), json.decode(json.encode(page)))
  end)

  it("is encoded with all digits, of a field too whose name is its own", function()
    local text = '{"data":[],"extra":0.1234567890123456789,"response":12345678901234567890}'
    assert.equal(text, json.encode((list("cursor", json.decode_answer(text)))))
  end)

  it("is let go of when nobody has it", function()
    local seen = setmetatable({}, { __mode = "k" })
    do
      local page = list("id", { data = {}, has_more = true, last_id = "a" }, {}, { { data = { "b" } } })
      assert.equal("b", page:next())
      seen[page] = true
    end
    collectgarbage()
    collectgarbage()
    assert.is_nil(next(seen))
  end)
end)

describe("the page after a page", function()
  -- The kind, the page's fields, what it was asked with; what the next is asked with, or nothing: it is the last.
  for _, case in ipairs {
    { "by ID", "id", { last_id = "b" }, { limit = 2 }, { limit = 2, after_id = "b" } },
    { "by ID, where there are more", "id", { last_id = "b", has_more = true }, {}, { after_id = "b" } },
    { "by ID, where there are no more", "id", { last_id = "b", has_more = false }, {} },
    { "by ID, where there is no ID", "id", { first_id = "a" }, {} },
    { "by the ID of the last item, if the page names none", "id",
      { data = { { id = "a" }, { id = "b" } }, has_more = true }, {},
      { after_id = "b" } },
    { "by ID, where its items have some and it says nothing of more", "id", { data = { { id = "a" } } }, {} },
    { "by ID, from an ID on", "id", { first_id = "b", last_id = "c" }, { after_id = "a" }, { after_id = "c" } },
    { "by ID, backwards", "id", { first_id = "b", last_id = "c", has_more = true }, { before_id = "d", limit = 2 },
      { before_id = "b", limit = 2 } },
    { "by ID, backwards, where there are no more", "id", { first_id = "b", has_more = false }, { before_id = "d" } },
    { "by ID, backwards, where there is no ID", "id", { last_id = "c" }, { before_id = "d" } },
    { "by ID, though it names a next page", "id", { next_page = "t" }, {} },
    { "by the ID of the first item backwards, if the page names none", "id",
      { data = { { id = "a" }, { id = "b" } }, has_more = true }, { before_id = "c" }, { before_id = "a" } },
    { "by ID, where the ID is empty", "id", { last_id = "" }, {} },
    { "by ID, backwards, where the ID is empty", "id", { first_id = "", last_id = "c" }, { before_id = "d" } },

    { "by cursor", "cursor", { next_page = "t" }, { limit = 2 }, { limit = 2, page = "t" } },
    { "by cursor, whatever it says of more", "cursor", { next_page = "t", has_more = false }, {}, { page = "t" } },
    { "by cursor, from a page on", "cursor", { next_page = "t" }, { page = "s" }, { page = "t" } },
    { "by cursor, where it names none", "cursor", { has_more = false }, {} },
    { "by cursor, where its name is empty", "cursor", { next_page = "" }, {} },
    { "by cursor, where its name is empty, by an ID", "cursor", { next_page = "", has_more = true, last_id = "b" }, {},
      { after_id = "b" } },
    { "by cursor, where it has an ID instead", "cursor", { has_more = true, last_id = "b" }, {}, { after_id = "b" } },
    { "by cursor, where it has an ID and no more", "cursor", { has_more = false, last_id = "b" }, {} },
    { "by cursor, where it has an ID and says nothing of more", "cursor", { last_id = "b" }, {} },
    { "by cursor, backwards by ID", "cursor", { has_more = true, first_id = "a", last_id = "b" }, { before_id = "c" },
      { before_id = "a" } },
    { "by cursor before ID", "cursor", { next_page = "t", has_more = true, last_id = "b" }, {}, { page = "t" } },
  } do
    it("is asked for " .. case[1], function()
      case[3].data = case[3].data or {}
      local before = {}
      for name, value in pairs(case[4]) do
        before[name] = value
      end
      local page, queries = list(case[2], case[3], case[4], { { data = { "later" } } })
      local following, err = page:next_page()
      assert.is_nil(err)
      if case[5] then
        assert.same({ "later" }, following.data)
        assert.equal("response 1", following.response)
      else
        assert.is_nil(following)
      end
      assert.same({ case[5] }, queries)
      assert.same(before, case[4])
    end)
  end

  for _, case in ipairs {
    { "id", { last_id = "b", has_more = true }, { after_id = "b", limit = 2 } },
    { "id", { first_id = "b", has_more = true }, { before_id = "b" } },
    { "cursor", { next_page = "t" }, { page = "t" } },
  } do
    it("is not the page itself, by " .. case[1], function()
      local page, queries = list(case[1], case[2], case[3])
      local following, err = page:next_page()
      assert.is_nil(following)
      assert.equal("protocol", err.kind)
      assert.equal("a page names itself as the next one", err.message)
      assert.same({}, queries)
    end)
  end

  for _, case in ipairs {
    { "by ID", "id", { has_more = true } },
    { "by an empty ID", "id", { has_more = true, last_id = "" } },
    { "by the ID of an item", "id", { has_more = true, data = { { id = "a" }, { id = 7 } } } },
    { "by the ID of an item that is no table", "id", { has_more = true, data = { "a" } } },
    { "by ID, backwards", "id", { has_more = true, last_id = "a" }, { before_id = "b" } },
    { "by cursor", "cursor", { has_more = true, data = { { id = "a" } } } },
    { "by an empty cursor", "cursor", { has_more = true, next_page = "" } },
  } do
    it("is an error where the page says that there are more, and does not name it " .. case[1], function()
      local page, queries = list(case[2], case[3], case[4])
      local following, err = page:next_page()
      assert.is_nil(following)
      assert.equal("protocol", err.kind)
      assert.equal("a page says that there are more, and names no next one", err.message)
      assert.same({}, queries)
    end)
  end

  for _, length in ipairs { 2, 3, 7 } do
    it(("is an error where pages go in a circle of %d"):format(length), function()
      local answers = {}
      for i = 1, 5 * length do
        answers[i] = { data = { i }, next_page = "t" .. i % length }
      end
      local page, queries = list("cursor", { next_page = "t0" }, {}, answers)
      local item, err
      repeat
        item, err = page:next()
      until not item
      assert.equal("protocol", err.kind)
      assert.equal("the pages of the list go in a circle", err.message)
      assert.is_true(#queries > length and #queries <= 4 * length, #queries)
    end)
  end

  it("may come after hundreds of others", function()
    local answers = {}
    for i = 1, 300 do
      answers[i] = { data = { i }, next_page = i < 300 and "t" .. i or nil }
    end
    local page = list("cursor", { next_page = "t0" }, {}, answers)
    assert.equal(300, #collect(page))
  end)

  it("may fail to come, and is asked for again", function()
    local err = failure()
    local page, queries = list("cursor", { next_page = "t" }, {}, { err, { data = { "a" } } })
    assert.same({ nil, err }, { page:next_page() })
    assert.same({ "a" }, page:next_page().data)
    assert.same({ { page = "t" }, { page = "t" } }, queries)
  end)
end)

describe("the items of a list", function()
  it("are those of this page and of all later ones", function()
    local page, queries = list("cursor", { data = { "a", "b" }, next_page = "1" }, { limit = 2 }, {
      { data = { "c" }, next_page = "2" }, { data = { "d" } },
    })
    assert.same({ "a", "b", "c", "d" }, collect(page))
    assert.same({ { limit = 2, page = "1" }, { limit = 2, page = "2" } }, queries)
    assert.same({ "a", "b" }, page.data)
  end)

  it("are not asked for before they are needed", function()
    local page, queries = list("cursor", { data = { "a", "b" }, next_page = "1" }, {}, { { data = { "c" } } })
    page:next()
    page:next()
    assert.same({}, queries)
    assert.equal("c", page:next())
    assert.equal(1, #queries)
  end)

  it("do not end with an empty page", function()
    local page = list("cursor", { data = {}, next_page = "1" }, {}, {
      { data = {}, next_page = "2" }, { next_page = "3" }, { data = { "a" }, next_page = "4" }, { data = {} },
    })
    assert.same({ "a" }, collect(page))
  end)

  it("are nil alone after the last, for ever", function()
    local page = list("cursor", { data = { "a" } })
    assert.equal("a", page:next())
    for _ = 1, 3 do
      assert.is_nil((page:next()))
      assert.is_nil((page()))
      assert.is_nil((select(2, page:next())))
    end
  end)

  it("may be false", function()
    assert.same({ false, "a" }, collect((list("cursor", { data = { false, "a" } }))))
  end)

  it("start anew at each page, and go on where reading stopped", function()
    local page = list("cursor", { data = { "a", "b" }, next_page = "1" }, {},
      { { data = { "c" } }, { data = { "c" } } })
    assert.equal("a", page:next())
    local other = page:next_page()
    assert.same({ "c" }, collect(other))
    assert.same({ "b", "c" }, collect(page))
  end)

  -- Every fetch waits, so that one is slower than the others.
  local function waiting_list()
    local function fetch(query)
      coroutine.yield()
      local is_second = query.after_id == "b"
      local fields = is_second and { data = { "c", "d" }, has_more = true, last_id = "d" } or { data = { "e" } }
      return pages.new(fields, "response", "id", query, fetch)
    end
    return pages.new({ data = { "a", "b" }, has_more = true, last_id = "b" }, "response", "id", {}, fetch)
  end

  for _, order in ipairs { { 1, 2, 3 }, { 1, 1, 1, 1, 2, 3 }, { 1, 2, 2, 2, 2, 1, 3 }, { 3, 1, 1, 1, 2, 2, 2 } } do
    it("come once each to those who take them from one page, in the order " .. table.concat(order), function()
      local page, items, takers = waiting_list(), {}, {}
      for i = 1, 3 do
        takers[i] = coroutine.create(function()
          local item = page:next()
          while item do
            items[#items + 1] = item
            coroutine.yield()
            item = page:next()
          end
        end)
      end
      local position = 0
      while coroutine.status(takers[1]) ~= "dead" or coroutine.status(takers[2]) ~= "dead"
        or coroutine.status(takers[3]) ~= "dead" do
        position = position % #order + 1
        coroutine.resume(takers[order[position]])
      end
      assert.same({ "a", "b", "c", "d", "e" }, items)
    end)
  end

  it("fail with what the next page failed with, and are asked for again", function()
    local err = failure()
    local page, queries = list("cursor", { data = { "a" }, next_page = "1" }, {},
      { err, err, { data = { "b" }, next_page = "2" }, err, { data = { "c" } } })
    assert.equal("a", page:next())
    assert.same({ nil, err }, { page:next() })
    local ok, raised = pcall(page)
    assert.is_false(ok)
    assert.equal(err, raised)
    assert.equal("b", page:next())
    assert.same({ nil, err }, { page:next() })
    assert.equal("c", page:next())
    assert.equal(5, #queries)
    assert.is_nil((page:next()))
  end)

  it("raise the error itself in a generic for", function()
    local err = failure()
    local ok, raised = pcall(collect, (list("cursor", { data = { "a" }, next_page = "1" }, {}, { err })))
    assert.is_false(ok)
    assert.equal(err, raised)
  end)

  it("do not go round in circles", function()
    local page = list("cursor", { data = { "a" }, next_page = "1" }, {}, { { data = { "b" }, next_page = "1" } })
    assert.equal("a", page:next())
    assert.equal("b", page:next())
    local _, err = page:next()
    assert.equal("a page names itself as the next one", err.message)
  end)

  it("end where the server gives the same page again and does not say that there are more", function()
    local function same_page()
      return { data = { "a", "b" }, first_id = "a", last_id = "b" }
    end
    local page, queries = list("id", same_page(), { limit = 9 }, { same_page() })
    assert.same({ "a", "b" }, collect(page))
    assert.same({ { limit = 9, after_id = "b" } }, queries)
    page = list("id", same_page(), { before_id = "c" }, { same_page() })
    assert.same({ "a", "b" }, collect(page))
  end)

  it("are those of every page where the server names last items and never says whether there are more", function()
    local page, queries = list("id", { data = { "a" }, first_id = "a", last_id = "a" }, {}, {
      { data = { "b" }, first_id = "b", last_id = "b" }, { data = { "c" }, first_id = "c", last_id = "c" },
      { data = {} },
    })
    assert.same({ "a", "b", "c" }, collect(page))
    assert.same({ { after_id = "a" }, { after_id = "b" }, { after_id = "c" } }, queries)
  end)

  it("are those of a page too that names the next one by what no query says", function()
    local page = list("id", { data = { "a" }, last_id = "a" }, {}, { { data = { "b" }, last_id = {} } })
    assert.equal("a", page:next())
    assert.equal("b", page:next())
    local item, err = page:next()
    assert.is_nil(item)
    assert.equal("protocol", err.kind)
  end)

  it("are an error where the server gives the same page again and says that there are more", function()
    local function same_page()
      return { data = { "a" }, first_id = "a", last_id = "a", has_more = true }
    end
    for _, query in ipairs { {}, { before_id = "b" } } do
      local page, queries = list("id", same_page(), query, { same_page() })
      local ok, err = pcall(collect, page)
      assert.is_false(ok)
      assert.equal("protocol", err.kind)
      assert.equal(1, #queries)
    end
  end)

  it("can be iterated over where waiting blocks, or where iterators can wait", function()
    assert.same({ "a" }, collect((list("cursor", { data = { "a" } }, {}, nil, { suspends = false }))))
    local page = list("cursor", { data = { "a" } }, {}, nil, { suspends = true })
    assert.equal(not loop.ITERATORS_CANNOT_WAIT, (pcall(collect, page)))
  end)

  describe("where an iterator cannot be suspended", function()
    local cannot_wait = loop.ITERATORS_CANNOT_WAIT

    before_each(function()
      loop.ITERATORS_CANNOT_WAIT = true
    end)

    after_each(function()
      loop.ITERATORS_CANNOT_WAIT = cannot_wait
    end)

    it("are not iterated over, and who tried is told what to call", function()
      local page = list("cursor", { data = { "a" } }, {}, nil, { suspends = true })
      local ok, problem = pcall(function()
        for _ in page do end -- luacheck: ignore 542
      end)
      assert.is_false(ok)
      assert.matches("^spec/unit/api/pages_spec.lua:%d+: stock Lua 5.1 cannot wait inside", problem)
      assert.matches("use page:next%(%)$", problem)
      assert.equal("a", page:next())
    end)
  end)
end)
