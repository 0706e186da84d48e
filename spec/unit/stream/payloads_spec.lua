-- What payloads mean, as a source takes them in.

local json = require "anthropic.base.json"
local payloads = require "anthropic.stream.payloads"
local sources = require "spec.support.event_sources"

local chunk, new, pull, taken = sources.chunk, sources.new, sources.pull, sources.taken

describe("a payload", function()
  it("is an end mark by its letters alone, with blanks around them", function()
    for data, is_end in pairs {
      ["[DONE]"] = true, [" [DONE]\n"] = true, ['"[DONE]"'] = false, ["[DONE] x"] = false, [""] = false,
    } do
      assert.equal(is_end, payloads.is_end_mark(data))
    end
  end)

  describe("refuses as no event", function()
    for _, case in ipairs {
      { "what is not JSON", "nonsense", "invalid value at byte" },
      { "a number", "7", "not an object" },
      { "a string", '"text"', "not an object" },
      { "false", "false", "not an object" },
      { "a list", "[]", "not an object" },
      { "a list of objects", '[{"type":"ping"}]', "not an object" },
    } do
      it(case[1], function()
        local source = new()
        local ok, err = pull(source, case[2])
        assert.is_nil(ok)
        assert.equal("protocol", err.kind)
        local prefix = "the stream holds something that is not an event: "
        assert.equal(prefix, err.message:sub(1, #prefix))
        assert.truthy(err.message:find(case[3], #prefix + 1, true), err.message)
        assert.is_true(#err.message > #prefix)
        assert.equal(200, err.status)
        assert.equal("redacted " .. case[2], err.body)
        assert.is_true(err.is_described)
        assert.is_nil(source:take(true))
      end)
    end
  end)

  describe("has nothing in a heartbeat", function()
    for _, data in ipairs { "", " ", "\t \n", "null", " null ", "{}", "{ }" } do
      it(("of the data %q"):format(data), function()
        for _, name in ipairs { "", "message" } do
          local source = new()
          assert.is_true(pull(source, data, name))
          assert.is_nil(source:take(true))
          assert.is_true(pull(source, chunk { delta = { content = "a" } }))
          assert.equal("message_start", source:take().type)
          assert.is_true(pull(source, data, name))
          assert.same({ "content_block_start", "content_block_delta" }, taken(source))
        end
      end)
    end

    it("but an event in one that is called so, whatever its data", function()
      for _, name in ipairs { "ping", "heartbeat", "keepalive", "keep-alive", "keep_alive" } do
        for _, data in ipairs { "5", '"x"', "true", "pong", "[]", "{", "{}" } do
          local source = new()
          pull(source, chunk { delta = { content = "a" } })
          assert.is_true(pull(source, data, name))
          assert.same({ "message_start", "content_block_start", "content_block_delta", name }, taken(source))
        end
      end
    end)
  end)

  describe("takes for an error", function()
    for _, case in ipairs {
      { "an event of that type", { type = "error", error = { type = "overloaded_error", message = "no" } }, "",
        "overloaded_error" },
      { "an error without a type", { error = { type = "api_error" } }, "", "api_error" },
      { "an error that is a text", { error = "no" }, "" },
      { "an object that the event's name calls one", { message = "no" }, "error" },
      { "an error in the middle of a chat completion",
        { choices = json.array {}, error = { type = "api_error" } }, "", "api_error" },
    } do
      it(case[1], function()
        local source = new()
        local ok, err = pull(source, case[2], case[3])
        assert.is_nil(ok)
        assert.equal("api", err.kind)
        assert.equal(case[4], err.type)
        assert.is_true(err.in_stream)
        assert.equal(json.encode(case[2]), err.body)
        assert.is_nil(source:take(true))
      end)
    end

    it("whatever its name calls one, of any type, JSON or not", function()
      for _, data in ipairs { '{"type":"later"}', "not JSON", "", "null", '"text"', "[]" } do
        local source = new()
        local ok, err = source:pull(data, "error")
        assert.is_nil(ok)
        assert.equal("api", err.kind)
        assert.equal(data, err.body)
      end
    end)

    it("no event of another type, whatever its fields are", function()
      local source = new()
      assert.is_true(pull(source, { type = "later", error = { type = "api_error" } }))
      assert.same({ "later" }, taken(source))
    end)

    it("a bare one only where it knows what else there would be", function()
      assert.is_nil((pull(new(), { code = 500, message = "no" })))
      assert.is_true(pull(new({}, true), { code = 500, message = "no" }))
    end)
  end)

  describe("gives an event", function()
    it("its name for its type where it has none", function()
      local source = new()
      assert.is_true(pull(source, { a = 1 }, "later"))
      assert.same({ a = 1, type = "later" }, source:take())
    end)

    it("its name for its type where that is empty, else the type that its members tell", function()
      local source = new()
      assert.is_true(pull(source, { type = "", a = 1 }, "later"))
      assert.same({ a = 1, type = "later" }, source:take())
      assert.is_true(pull(source, { type = "", index = 0, delta = { type = "text_delta", text = "a" } }))
      assert.same({ "message_start", "content_block_start", "content_block_delta" }, taken(source))
      assert.is_nil((pull(source, { type = "", error = { message = "no" } })))
    end)

    it("its own type before its name", function()
      local source = new()
      assert.is_true(pull(source, { type = "one" }, "other"))
      assert.same({ "one" }, taken(source))
    end)

    it("no type of a name that is empty or no UTF-8", function()
      for _, name in ipairs { "", "\255" } do
        local source = new()
        assert.is_true(pull(source, { a = 1 }, name))
        assert.same({ a = 1 }, source:take())
      end
    end)
  end)
end)
