local anthropic = require "anthropic"
local hosted = require "spec.support.hosted"
local testing = require "anthropic.testing"

local is_stock_51 = _VERSION == "Lua 5.1" and not rawget(_G, "jit")

local function items(...)
  local list = testing.array {}
  for i, id in ipairs { ... } do
    list[i] = { id = id }
  end
  return list
end

describe("a page of a list", function()
  local server, client

  -- Each answer is a page; or a whole answer, where it has a status.
  local function serve(pages)
    local script = {}
    for i, page in ipairs(pages) do
      script[i] = page.status and page or { body = page }
    end
    server = hosted.server { script = script, on_end = "error" }
    client = anthropic.new { base_url = server.url, api_key = "test-key", max_retries = 0 }
  end

  local function collect(page)
    local ids = {}
    for item in page do
      ids[#ids + 1] = item.id
    end
    return table.concat(ids, " ")
  end

  local function queries()
    local list = {}
    for i, request in ipairs(server:requests()) do
      list[i] = request.query
    end
    return list
  end

  after_each(function()
    server:stop()
  end)

  it("has its items, whether there are more, and what HTTP said", function()
    serve { { data = items("a", "b"), has_more = true, first_id = "a", last_id = "b" } }
    local page = assert(client.models.list { limit = 2 })
    assert.same({ { id = "a" }, { id = "b" } }, page.data)
    assert.is_true(page.has_more)
    assert.equal("b", page.last_id)
    assert.equal(200, page.response.status)
    assert.same({ "limit=2" }, queries())
  end)

  it("is followed by IDs", function()
    serve {
      { data = items("a", "b"), has_more = true, first_id = "a", last_id = "b" },
      { data = items("c"), has_more = false, first_id = "c", last_id = "c" },
    }
    assert.equal("a b c", collect(assert(client.models.list { limit = 2 })))
    assert.same({ "limit=2", "after_id=b&limit=2" }, queries())
  end)

  it("is followed by a cursor", function()
    serve {
      { data = items("a"), next_page = "page_2" },
      { data = items("b"), next_page = "page/3" },
      { data = items("c"), next_page = testing.null },
    }
    assert.equal("a b c", collect(assert(client.files.list { limit = 1, workspace_id = "w" })))
    assert.same({ "limit=1", "limit=1&page=page_2", "limit=1&page=page%2F3" }, queries())
  end)

  it("is followed by IDs where a list of cursors has only these", function()
    serve {
      { data = items("a"), has_more = true, first_id = "a", last_id = "a" },
      { data = items("b"), has_more = false, first_id = "b", last_id = "b" },
    }
    assert.equal("a b", collect(assert(client.files.list())))
    assert.same({ "", "after_id=a" }, queries())
  end)

  it("keeps the name of the next page readable", function()
    serve { { data = items("a"), next_page = "page_2" }, { data = items("b") } }
    local page = assert(client.skills.list())
    assert.equal("page_2", page.next_page_token)
    local following = assert(page:next_page())
    assert.equal("b", following.data[1].id)
    assert.is_nil(following.next_page_token)
  end)

  it("can be empty and have a next one", function()
    serve {
      { data = items(), next_page = "page_2" },
      { data = items(), next_page = "page_3" },
      { data = items("a") },
    }
    assert.equal("a", collect(assert(client.files.list())))
    assert.equal(3, #queries())
  end)

  it("can be empty and the last one", function()
    serve { { data = items(), has_more = false, first_id = testing.null, last_id = testing.null } }
    assert.equal("", collect(assert(client.models.list())))
    assert.equal(1, #queries())
  end)

  it("can have no data at all", function()
    serve { {} , {} }
    local page = assert(client.models.list())
    assert.same({}, page.data)
    assert.is_nil(page:next_page())
  end)

  it("is followed by the ID of its last item where it names none and has more", function()
    serve { { data = items("a", "b"), has_more = true }, { data = items("c"), has_more = false } }
    assert.equal("a b c", collect(assert(client.models.list())))
    assert.same({ "", "after_id=b" }, queries())
  end)

  it("is no last one where it says that there are more, and not how to ask for them", function()
    serve { { data = items("a"), has_more = true } }
    local page = assert(client.files.list())
    assert.equal("a", page:next().id)
    local item, err = page:next()
    assert.is_nil(item)
    assert.equal("protocol", err.kind)
  end)

  it("is walked towards the front where before_id is given", function()
    serve {
      { data = items("c", "d"), has_more = true, first_id = "c", last_id = "d" },
      { data = items("a", "b"), has_more = false, first_id = "a", last_id = "b" },
    }
    assert.equal("c d a b", collect(assert(client.messages.batches.list { before_id = "e" })))
    assert.same({ "before_id=e", "before_id=c" }, queries())
  end)

  it("ends where has_more is false though it names a last item", function()
    serve { { data = items("a"), has_more = false, first_id = "a", last_id = "a" } }
    assert.equal("a", collect(assert(client.models.list())))
    assert.equal(1, #queries())
  end)

  it("is an error where it names itself as the next one", function()
    serve {
      { data = items("a"), next_page = "same" },
      { data = items("b"), next_page = "same" },
    }
    local page = assert(client.files.list())
    assert.equal("a", page:next().id)
    assert.equal("b", page:next().id)
    local item, err = page:next()
    assert.is_nil(item)
    assert.equal("protocol", err.kind)
    assert.equal(2, #queries())
  end)

  it("is an error where it names the next one by what no query says", function()
    serve { { data = items("a"), next_page = {} }, { data = items("a"), next_page = true, has_more = true } }
    for _, kind in ipairs { "table", "boolean" } do
      local page = assert(client.files.list())
      assert.equal("a", page:next().id)
      local item, err = page:next()
      assert.is_nil(item)
      assert.equal("protocol", err.kind)
      assert.equal("a page names the next one by a " .. kind .. ", not a text", err.message)
    end
  end)

  it("keeps a filter given as a table on every page, and asks for none where it cannot be said", function()
    serve {
      { data = items("a"), next_page = "p2" },
      { data = items("b") },
    }
    local page = assert(client.beta.agents.list { created_at = { gte = "2026-01-01", lt = "2026-02-01" }, limit = 2 })
    assert.equal("a b", collect(page))
    local filter = "created_at%5Bgte%5D=2026-01-01&created_at%5Blt%5D=2026-02-01&limit=2"
    assert.same({ filter, filter .. "&page=p2" }, queries())
    local value, err = client.beta.agents.list { created_at = { gte = anthropic.null } }
    assert.is_nil(value)
    assert.equal("invalid_request", err.kind)
    assert.equal("query.created_at.gte: null cannot be said in a query", err.message)
    assert.equal(2, #server:requests())
  end)

  it("gives the next page alone", function()
    serve {
      { data = items("a"), has_more = true, last_id = "a" },
      { data = items("b"), has_more = false, last_id = "b" },
    }
    local page = assert(client.models.list())
    local following = assert(page:next_page())
    assert.equal("b", following.data[1].id)
    local none, err = following:next_page()
    assert.is_nil(none)
    assert.is_nil(err)
    assert.equal("a", page.data[1].id)
  end)

  it("fetches nothing before it is needed", function()
    serve {
      { data = items("a", "b"), has_more = true, last_id = "b" },
      { data = items("c"), has_more = false },
    }
    local page = assert(client.models.list())
    assert.equal("a", page:next().id)
    assert.equal("b", page:next().id)
    assert.equal(1, #queries())
    assert.equal("c", page:next().id)
    assert.equal(2, #queries())
  end)

  it("goes on after a break", function()
    serve {
      { data = items("a", "b"), has_more = true, last_id = "b" },
      { data = items("c"), has_more = false },
    }
    local page = assert(client.models.list())
    for item in page do
      if item.id == "a" then
        break
      end
    end
    assert.equal("b c", collect(page))
    assert.equal("", collect(page))
  end)

  it("sends the options and headers of the first request with every later one", function()
    serve {
      { data = items("a"), has_more = true, last_id = "a" },
      { data = items("b"), has_more = false },
    }
    local options = { headers = { ["x-mine"] = "1" }, betas = { "b1" } }
    assert.equal("a b", collect(assert(client.models.list({ workspace_id = "w", limit = 1 }, options))))
    for _, request in ipairs(server:requests()) do
      assert.equal("1", request.headers["x-mine"])
      assert.equal("w", request.headers["anthropic-workspace-id"])
      assert.equal("b1", request.headers["anthropic-beta"])
    end
  end)

  it("sends a resource's beta with every page", function()
    serve { { data = items("a"), next_page = "2" }, { data = items("b") } }
    assert.equal("a b", collect(assert(client.beta.agents.list { betas = { "mine" } })))
    for _, request in ipairs(server:requests()) do
      assert.equal("mine,managed-agents-2026-04-01", request.headers["anthropic-beta"])
    end
  end)

  it("does not change the caller's parameters", function()
    serve { { data = items("a"), has_more = true, last_id = "a" }, { data = items("b"), has_more = false } }
    local params = { limit = 1 }
    collect(assert(client.models.list(params)))
    assert.same({ limit = 1 }, params)
  end)

  it("raises a failure in the middle, and can be asked again", function()
    serve {
      { data = items("a"), has_more = true, last_id = "a" },
      testing.error { status = 500, message = "a bad moment" },
      { data = items("b"), has_more = false },
    }
    local page = assert(client.models.list())
    local seen = {}
    local ok, err = pcall(function()
      for item in page do
        seen[#seen + 1] = item.id
      end
    end)
    assert.is_false(ok)
    assert.equal("a bad moment", err.message)
    assert.equal(500, err.status)
    assert.same({ "a" }, seen)
    assert.equal("b", collect(page))
    assert.same({ "", "after_id=a", "after_id=a" }, queries())
  end)

  it("gives a failure without raising it", function()
    serve {
      { data = items("a"), has_more = true, last_id = "a" },
      testing.error { status = 500 },
      { data = items("b"), has_more = false },
    }
    local page = assert(client.models.list())
    assert.equal("a", page:next().id)
    local item, err = page:next()
    assert.is_nil(item)
    assert.equal("api", err.kind)
    assert.equal("b", page:next().id)
    item, err = page:next()
    assert.is_nil(item)
    assert.is_nil(err)
  end)

  it("is an error where the answer is no object", function()
    serve { { status = 200, body = "[1,2]" }, { status = 200, body = "null" } }
    local _, err = client.models.list()
    assert.equal("protocol", err.kind)
    _, err = client.models.list()
    assert.equal("protocol", err.kind)
  end)

  it("is read under a scheduler by several at once", function()
    local script = { routes = {} }
    for _, prefix in ipairs { "a", "b" } do
      script.routes[#script.routes + 1] = { match = "name=" .. prefix, answers = {
        { body = { data = items(prefix .. 1), has_more = true, last_id = prefix .. 1 }, delay = 0.05 },
        { body = { data = items(prefix .. 2), has_more = false }, delay = 0.05 },
      } }
    end
    server = hosted.server { script = script }
    client = anthropic.new { base_url = server.url, api_key = "test-key" }
    local order = {}
    anthropic.run(function()
      for _, prefix in ipairs { "a", "b" } do
        anthropic.spawn(function()
          local page = assert(client.models.list { name = prefix })
          local item, err = page:next()
          while item do
            order[#order + 1] = item.id
            item, err = page:next()
          end
          assert.is_nil(err)
        end)
      end
    end)
    table.sort(order)
    assert.same({ "a1", "a2", "b1", "b2" }, order)
  end)

  it("is iterated over in a `for` under a scheduler, where Lua can wait there", function()
    serve { { data = items("a"), has_more = true, last_id = "a" }, { data = items("b"), has_more = false } }
    local function work()
      return collect(assert(client.models.list()))
    end
    if is_stock_51 then
      local ok, message = pcall(anthropic.run, work)
      assert.is_false(ok)
      assert.truthy(tostring(message):find("page:next()", 1, true))
      assert.truthy(tostring(message):find("pages_spec.lua", 1, true))
    else
      assert.equal("a b", anthropic.run(work))
    end
  end)

  it("is let go of when nobody holds it, and so is its client", function()
    serve { { data = items("a"), has_more = false } }
    local held = setmetatable({}, { __mode = "v" })
    local function use()
      local own = anthropic.new { base_url = server.url, api_key = "test-key" }
      held.client, held.page = own, assert(own.models.list())
      assert.equal("a", collect(held.page))
    end
    use()
    collectgarbage()
    collectgarbage()
    assert.same({}, held)
  end)
end)
