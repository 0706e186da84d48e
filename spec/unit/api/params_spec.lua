-- How parameters are completed: the model of the options, and answers as a request takes them; in what tables.

local json = require "anthropic.base.json"
local params_of = require "anthropic.api.params"

-- A client whose option `model` is the name given, or that of the request's options.
local function client_with(name)
  return { options_for = function(_, given)
    return function(option)
      if option == "base_url" then
        return "http://127.0.0.1"
      elseif option == "model_names" then
        return nil
      end
      assert.equal("model", option)
      return given and given.model or name
    end
  end }
end

local HOW = "model: missing; name one in the request (model = ...), in the options of the client or of the request "
  .. "(model = ...), or in ANTHROPIC_MODEL"

describe("parameters", function()
  it("that name a model are left as they are", function()
    for _, name in ipairs { "mine", "", 5, false } do
      local params = { model = name, messages = {} }
      assert.equal(params, params_of.complete(client_with "other", params))
      assert.equal(params, params_of.complete_any(client_with "other", params))
      assert.equal(name, params.model)
    end
  end)

  it("have the name that a pool's member knows the model by, in copies", function()
    local member = { options_for = function()
      return function(option)
        return option == "model_names" and { mine = "there", usual = "usual there" } or option == "model" and "usual"
      end
    end }
    local params = { model = "mine", messages = {} }
    assert.equal("there", params_of.complete(member, params).model)
    assert.equal("mine", params.model)
    assert.equal("usual there", params_of.complete(member, { messages = {} }).model)
    assert.equal("other", params_of.complete(member, { model = "other", messages = {} }).model)
    local requests = params_of.complete_requests(member, { { custom_id = "x", params = params } })
    assert.equal("there", requests[1].params.model)
  end)

  it("that name none are copied with that of the options", function()
    for _, fill in ipairs { params_of.complete, params_of.complete_any } do
      local params = { messages = { { role = "user", content = "Hello" } }, max_tokens = 5 }
      local whole = fill(client_with "m", params)
      assert.same({ messages = params.messages, max_tokens = 5, model = "m" }, whole)
      assert.equal(params.messages, whole.messages)
      assert.is_nil(params.model)
      assert.equal("n", fill(client_with "m", params, { model = "n" }).model)
    end
  end)

  it("with messages are refused where no model is named, and told how to name one", function()
    for _, fill in ipairs { params_of.complete, params_of.complete_any } do
      local whole, err = fill(client_with(nil), { messages = {} })
      assert.is_nil(whole)
      assert.equal("invalid_request", err.kind)
      assert.equal(HOW, err.message)
    end
  end)

  it("without messages are nobody's who needs a model", function()
    local params = { name = "agent" }
    assert.equal(params, params_of.complete(client_with(nil), params))
    assert.equal(params, params_of.complete_any(client_with "m", params))
    assert.is_nil(params.model)
    assert.is_nil((params_of.complete_any(client_with "m", nil)))
  end)
end)

describe("the requests of a batch", function()
  it("have the model of the options where they name none, in copies", function()
    local requests = {
      { custom_id = "a", params = { messages = {}, model = "mine" } }, { custom_id = "b", params = { messages = {} } },
      { custom_id = "c", params = {} }, { custom_id = "d" }, { custom_id = "e", params = json.raw '{"messages":[]}' },
      json.raw "{}", "text", 5,
    }
    local params = { requests = requests, user_profile_id = "u" }
    local whole = params_of.complete_any(client_with "m", params)
    assert.equal(requests, params.requests)
    assert.equal("u", whole.user_profile_id)
    assert.equal(#requests, #whole.requests)
    for i, request in ipairs(requests) do
      if i ~= 2 then
        assert.equal(request, whole.requests[i])
      end
    end
    assert.same({ custom_id = "b", params = { messages = {}, model = "m" } }, whole.requests[2])
    assert.same({ custom_id = "b", params = { messages = {} } }, requests[2])
  end)

  it("are left as they are where each has one", function()
    for _, requests in ipairs { { { custom_id = "a", params = { messages = {}, model = "m" } } }, {}, "text", 5,
                                json.raw "[]", { { params = "text" } } } do
      local params = { requests = requests }
      assert.equal(params, params_of.complete_any(client_with(nil), params))
      assert.equal(requests, params_of.complete_requests(client_with(nil), requests))
    end
  end)

  it("are refused where one has none, with its place", function()
    local requests = { { params = { messages = {}, model = "m" } }, { params = { messages = {} } } }
    for _, answers in ipairs { { params_of.complete_any(client_with(nil), { requests = requests }) },
                               { params_of.complete_requests(client_with(nil), requests) } } do
      assert.is_nil(answers[1])
      assert.equal("requests[2].params." .. HOW, answers[2].message)
    end
  end)

  it("keep what is wrong about their list, for others to refuse", function()
    local requests = { { params = { messages = {} } }, wrong = 1 }
    assert.equal(1, params_of.complete_requests(client_with "m", requests).wrong)
  end)
end)

describe("an answer among the messages", function()
  local function answer(text)
    return {
      type = "message", id = "msg_1", role = "assistant", usage = {}, content = { { type = "text", text = text } },
    }
  end

  local user = { role = "user", content = "Hi" }
  local turn = { role = "assistant", content = { { type = "text", text = "Hello" } } }

  it("is sent as a request takes it, in every method", function()
    local fields = { model = "m", messages = { user, answer "Hello", user } }
    for _, complete in ipairs { params_of.complete, params_of.complete_any } do
      assert.same({ user, turn, user }, complete(client_with(nil), fields).messages)
    end
    local plain = { model = "m", messages = { user } }
    local requests = { { custom_id = "a", params = fields }, { custom_id = "b", params = plain } }
    local whole = params_of.complete_any(client_with(nil), { requests = requests }).requests
    assert.same({ user, turn, user }, whole[1].params.messages)
    assert.equal(requests[2], whole[2])
    assert.same(answer "Hello", fields.messages[2])
  end)

  it("is left out where nothing of it is left", function()
    assert.same({ user, user }, params_of.complete(client_with(nil), { model = "m",
      messages = { user, answer " ", user } }).messages)
  end)

  it("is refused where a block is missing among its content", function()
    local params = { model = "m", messages = { { type = "message", role = "assistant", content = { [2] = "a" } } } }
    for _, complete in ipairs { params_of.complete, params_of.complete_any } do
      local whole, err = complete(client_with "m", params)
      assert.is_nil(whole)
      assert.same({ "invalid_request", "messages[1].content[1]: missing" }, { err.kind, err.message })
    end
  end)

  it("is left where the messages are no list, for others to refuse", function()
    local messages = { user, answer "Hello", more = 1 }
    assert.equal(messages, params_of.complete(client_with(nil), { model = "m", messages = messages }).messages)
  end)
end)
