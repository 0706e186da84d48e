-- The blocks of the API's own events, whatever a server leaves out, sends twice or mixes up.

local budgets = require "anthropic.message.budget"
local core = require "anthropic.core"
local json = require "anthropic.base.json"
local native_blocks = require "anthropic.message.native_blocks"

-- --- what servers send ---------------------------------------------------------------------------

local function start(index, block)
  return { type = "content_block_start", index = index, content_block = block }
end

local function delta(index, fields)
  return { type = "content_block_delta", index = index, delta = fields }
end

local function text(index, piece)
  return delta(index, { type = "text_delta", text = piece })
end

local function thinking(index, piece)
  return delta(index, { type = "thinking_delta", thinking = piece })
end

local function signature(index, value)
  return delta(index, { type = "signature_delta", signature = value })
end

local function input(index, piece)
  return delta(index, { type = "input_json_delta", partial_json = piece })
end

local function stop(index, block)
  return { type = "content_block_stop", index = index, content_block = block }
end

local function call(id, name, given)
  return { type = "tool_use", id = id, name = name, input = given or json.object {} }
end

local TEXT, THINKING = { type = "text", text = "" }, { type = "thinking", thinking = "" }

local METHODS = { content_block_start = "start", content_block_delta = "delta", content_block_stop = "stop" }

local function copy(value)
  if type(value) ~= "table" or value == json.null then
    return value
  end
  local made = {}
  for name, member in pairs(value) do
    made[name] = copy(member)
  end
  return setmetatable(made, getmetatable(value))
end

-- --- what comes of it, as text -------------------------------------------------------------------

-- What IDs that are made begin with is like no other answer's.
local MADE = "call_" .. ("%x"):rep(16) .. "_"

local function shown(event)
  if event.type == "content_block_start" then
    local content = assert(json.encode(event.content_block)):gsub('"', ""):gsub(MADE, "call_")
    return ("start %s %s"):format(event.index, content)
  elseif event.type == "content_block_delta" then
    return ("delta %s %s"):format(event.index, (assert(json.encode(event.delta)):gsub('"', "")))
  end
  return ("stop %s"):format(event.index)
end

-- The events that come of what was sent, each as text, and the blocks. `"end"` ends all.
local function read(...)
  local blocks = native_blocks.new()
  for _, sent in ipairs { ... } do
    if sent == "end" then
      blocks:stop_all()
    else
      assert.is_nil((blocks[METHODS[sent.type]](blocks, copy(sent))))
    end
  end
  local list = {}
  for i, event in ipairs(blocks.events) do
    assert.is_truthy(METHODS[event.type])
    list[i] = shown(event)
  end
  return list, blocks
end

local function START(index, block)
  return "start " .. index .. " " .. block
end

local START_TEXT, START_THINKING = "{text:,type:text}", "{thinking:,type:thinking}"

local function A_TEXT(index, piece)
  return ("delta %d {text:%s,type:text_delta}"):format(index, piece)
end

local function A_THINKING(index, piece)
  return ("delta %d {thinking:%s,type:thinking_delta}"):format(index, piece)
end

local function A_SIGNATURE(index, piece)
  return ("delta %d {signature:%s,type:signature_delta}"):format(index, piece)
end

local function AN_INPUT(index, piece)
  return ("delta %d {partial_json:%s,type:input_json_delta}"):format(index, piece)
end

local function A_CALL(index, id, name)
  return ("start %d {id:%s,input:{},%stype:tool_use}"):format(index, id, name and "name:" .. name .. "," or "")
end

local function STOP(index)
  return "stop " .. index
end

-- { what, what is sent, what comes of it }
local CASES = {
  ["as the API sends them"] = {
    { "a block in pieces", { start(0, TEXT), text(0, "a"), text(0, "b"), stop(0) },
      { START(0, START_TEXT), A_TEXT(0, "a"), A_TEXT(0, "b"), STOP(0) } },
    { "blocks after each other", { start(0, THINKING), thinking(0, "a"), signature(0, "s"), stop(0), start(1, TEXT),
      text(1, "b"), stop(1), start(2, call("t", "f")), input(2, "{}"), stop(2) },
      { START(0, START_THINKING), A_THINKING(0, "a"), A_SIGNATURE(0, "s"), STOP(0), START(1, START_TEXT),
        A_TEXT(1, "b"), STOP(1), A_CALL(2, "t", "f"), AN_INPUT(2, "{}"), STOP(2) } },
    { "blocks at once", { start(0, TEXT), start(1, TEXT), text(1, "b"), text(0, "a"), stop(1), stop(0) },
      { START(0, START_TEXT), START(1, START_TEXT), A_TEXT(1, "b"), A_TEXT(0, "a"), STOP(1), STOP(0) } },
    { "indexes with gaps, in any order", { start(9, TEXT), start(4, TEXT), stop(4), stop(9) },
      { START(9, START_TEXT), START(4, START_TEXT), STOP(4), STOP(9) } },
    { "empty pieces", { start(0, TEXT), text(0, ""), text(0, "a"), text(0, "") },
      { START(0, START_TEXT), A_TEXT(0, ""), A_TEXT(0, "a"), A_TEXT(0, "") } },
    { "an empty piece of an input", { start(0, call("t", "f")), input(0, ""), input(0, "{}") },
      { A_CALL(0, "t", "f"), AN_INPUT(0, ""), AN_INPUT(0, "{}") } },
    { "a citation", { start(0, TEXT), delta(0, { type = "citations_delta", citation = { n = 1 } }) },
      { START(0, START_TEXT), "delta 0 {citation:{n:1},type:citations_delta}" } },
    { "text in the start", { start(0, { type = "text", text = "a" }), text(0, "b") },
      { START(0, "{text:a,type:text}"), A_TEXT(0, "b") } },
    { "a block of a later API", { start(0, { type = "hologram" }), delta(0, { type = "hologram_delta", layer = 1 }),
      text(0, "a"), stop(0) },
      { START(0, "{type:hologram}"), "delta 0 {layer:1,type:hologram_delta}", START(1, START_TEXT), A_TEXT(1, "a"),
        STOP(1) } },
    { "a delta of a later API", { start(0, TEXT), delta(0, { type = "new_delta", text = 5 }) },
      { START(0, START_TEXT), "delta 0 {text:5,type:new_delta}" } },
    { "redacted thinking", { start(0, { type = "redacted_thinking", data = "x" }), stop(0) },
      { START(0, "{data:x,type:redacted_thinking}"), STOP(0) } },
  },

  ["without indexes"] = {
    { "an index of 0 that is left out", { start(nil, TEXT), text(nil, "a"), start(1, TEXT), text(1, "b"),
      text(nil, "c"), stop(nil), stop(1) },
      { START(0, START_TEXT), A_TEXT(0, "a"), START(1, START_TEXT), A_TEXT(1, "b"), A_TEXT(0, "c"), STOP(0),
        STOP(1) } },
    { "neither an index nor a start", { text(nil, "a"), thinking(nil, "b") },
      { START(0, START_TEXT), A_TEXT(0, "a"), START(1, START_THINKING), A_THINKING(1, "b") } },
    { "an index of 0 that is left out, ended first", { start(nil, TEXT), stop(nil), start(1, call("t", "f")),
      input(1, "{}"), stop(1) }, { START(0, START_TEXT), STOP(0), A_CALL(1, "t", "f"), AN_INPUT(1, "{}"), STOP(1) } },
    { "all indexes left out", { start(nil, THINKING), thinking(nil, "a"), stop(nil), start(nil, TEXT), text(nil, "b"),
      stop(nil), start(nil, call("t", "f")), input(nil, "{}"), stop(nil) },
      { START(0, START_THINKING), A_THINKING(0, "a"), STOP(0), START(1, START_TEXT), A_TEXT(1, "b"), STOP(1),
        A_CALL(2, "t", "f"), AN_INPUT(2, "{}"), STOP(2) } },
    { "all indexes and all ends left out", { start(nil, THINKING), thinking(nil, "a"), start(nil, TEXT), text(nil, "b"),
      start(nil, call("t", "f")), input(nil, "1"), start(nil, call("u", "f")), input(nil, "2"), "end" },
      { START(0, START_THINKING), A_THINKING(0, "a"), STOP(0), START(1, START_TEXT), A_TEXT(1, "b"), STOP(1),
        A_CALL(2, "t", "f"), AN_INPUT(2, "1"), STOP(2), A_CALL(3, "u", "f"), AN_INPUT(3, "2"), STOP(3) } },
    { "all indexes left out, and a start repeated", { start(nil, TEXT), start(nil, TEXT), text(nil, "a"), stop(nil),
      start(nil, call("t", "f")), input(nil, "{"), start(nil, call("t", "f")), input(nil, "}"), stop(nil),
      start(nil, call("u", "f")), "end" },
      { START(0, START_TEXT), A_TEXT(0, "a"), STOP(0), A_CALL(1, "t", "f"), AN_INPUT(1, "{"), AN_INPUT(1, "}"),
        STOP(1), A_CALL(2, "u", "f"), STOP(2) } },
    { "indexes of the starts alone", { start(0, call("t", "f")), input(nil, "{}"), stop(nil), start(1, call("u", "f")),
      input(nil, "[]"), stop(nil), start(2, TEXT), text(nil, "a"), start(3, TEXT), text(nil, "b"), "end" },
      { A_CALL(0, "t", "f"), AN_INPUT(0, "{}"), STOP(0), A_CALL(1, "u", "f"), AN_INPUT(1, "[]"), STOP(1),
        START(2, START_TEXT), A_TEXT(2, "a"), START(3, START_TEXT), A_TEXT(3, "b"), STOP(2), STOP(3) } },
    { "an index of 0 that is left out, and its start", { text(nil, "a"), start(1, TEXT), text(nil, "b"), text(1, "c") },
      { START(0, START_TEXT), A_TEXT(0, "a"), START(1, START_TEXT), A_TEXT(0, "b"), A_TEXT(1, "c") } },
    { "an index of 0 that is left out, and all starts", { text(nil, "a"), text(1, "b"), text(nil, "c") },
      { START(0, START_TEXT), A_TEXT(0, "a"), START(1, START_TEXT), A_TEXT(1, "b"), A_TEXT(0, "c") } },
    { "an index of the deltas alone", { start(nil, TEXT), text(0, "a"), stop(0) },
      { START(0, START_TEXT), A_TEXT(0, "a"), STOP(0) } },
    { "an index of the start alone", { start(3, TEXT), text(nil, "a"), stop(nil) },
      { START(3, START_TEXT), A_TEXT(3, "a"), STOP(3) } },
    { "the index of the block that began last, where there is no 0", { start(3, TEXT), start(4, TEXT), text(nil, "a") },
      { START(3, START_TEXT), START(4, START_TEXT), A_TEXT(4, "a") } },
    { "null and words", { start(json.null, TEXT), text("x", "a"), text({}, "b"), stop(true) },
      { START(0, START_TEXT), A_TEXT(0, "a"), A_TEXT(0, "b"), STOP(0) } },
    { "digits", { start("0", TEXT), text("0", "a"), stop("0"), start("1", TEXT) },
      { START(0, START_TEXT), A_TEXT(0, "a"), STOP(0), START(1, START_TEXT) } },
    { "an index below 0", { start(-1, TEXT), text(-1, "a"), start(-1, THINKING) },
      { START(-1, START_TEXT), A_TEXT(-1, "a"), STOP(-1), START(0, START_THINKING) } },
    { "indexes far below 0", { start(-5, TEXT), stop(-5), start(-5, THINKING) },
      { START(-5, START_TEXT), STOP(-5), START(0, START_THINKING) } },
    { "an index of 0 that is left out, beside one that is not the next", { start(nil, TEXT), start(2, THINKING),
      text(nil, "a"), "end" },
      { START(0, START_TEXT), START(2, START_THINKING), A_TEXT(0, "a"), STOP(0), STOP(2) } },
  },

  ["with one index for several"] = {
    { "blocks that ended", { start(0, THINKING), thinking(0, "a"), stop(0), start(0, TEXT), text(0, "b"), stop(0),
      start(0, TEXT), text(0, "c"), stop(0) },
      { START(0, START_THINKING), A_THINKING(0, "a"), STOP(0), START(1, START_TEXT), A_TEXT(1, "b"), STOP(1),
        START(2, START_TEXT), A_TEXT(2, "c"), STOP(2) } },
    { "blocks of other types", { start(0, THINKING), thinking(0, "a"), start(0, TEXT), text(0, "b"), stop(0) },
      { START(0, START_THINKING), A_THINKING(0, "a"), STOP(0), START(1, START_TEXT), A_TEXT(1, "b"), STOP(1) } },
    { "calls of other IDs", { start(0, call("t", "f")), input(0, "1"), start(0, call("u", "f")), input(0, "2") },
      { A_CALL(0, "t", "f"), AN_INPUT(0, "1"), STOP(0), A_CALL(1, "u", "f"), AN_INPUT(1, "2") } },
    { "calls of other names", { start(0, call("t", "f")), start(0, call("t", "g")) },
      { A_CALL(0, "t", "f"), STOP(0), A_CALL(1, "call_1", "g") } },
    { "a later index that is taken by then", { start(0, TEXT), stop(0), start(0, TEXT), stop(0), start(1, TEXT),
      text(1, "a"), stop(1) },
      { START(0, START_TEXT), STOP(0), START(1, START_TEXT), STOP(1), START(2, START_TEXT), A_TEXT(2, "a"), STOP(2) } },
  },

  ["without a start"] = {
    { "text", { text(0, "a"), text(0, "b"), stop(0) },
      { START(0, START_TEXT), A_TEXT(0, "a"), A_TEXT(0, "b"), STOP(0) } },
    { "thinking", { thinking(2, "a") }, { START(2, START_THINKING), A_THINKING(2, "a") } },
    { "a signature", { signature(0, "s") }, { START(0, START_THINKING), A_SIGNATURE(0, "s") } },
    { "an input", { input(0, "{}") }, { A_CALL(0, "call_1"), AN_INPUT(0, "{}") } },
    { "a citation", { delta(0, { type = "citations_delta", citation = 1 }) },
      { START(0, START_TEXT), "delta 0 {citation:1,type:citations_delta}" } },
    { "a delta of a later API", { delta(0, { type = "hologram_delta", layer = 1 }) },
      { START(0, "{type:hologram}"), "delta 0 {layer:1,type:hologram_delta}" } },
    { "a delta of a later API, and one that is known", { delta(0, { type = "hologram_delta", layer = 1 }), text(0, "a"),
      delta(0, { type = "hologram_delta", layer = 2 }), text(0, "b") },
      { START(0, "{type:hologram}"), "delta 0 {layer:1,type:hologram_delta}", START(1, START_TEXT), A_TEXT(1, "a"),
        "delta 1 {layer:2,type:hologram_delta}", A_TEXT(1, "b") } },
    { "a delta of a later API with another name", { delta(0, { type = "a_delta_b", layer = 1 }) },
      { START(0, "{type:a_delta_b}"), "delta 0 {layer:1,type:a_delta_b}" } },
    { "an end", { stop(0), stop(nil), stop(7, json.null), stop(7, {}) }, {} },
    { "an end that has the block", { stop(1, { type = "text", text = "a" }) },
      { START(1, "{text:a,type:text}"), STOP(1) } },
    { "nothing that says anything", { text(0, ""), input(0, ""), signature(0, ""), delta(0, {}), delta(0, json.null),
      delta(0, ""), delta(0, nil), delta(0, { type = "text_delta" }), stop(0), "end" }, {} },
  },

  ["with a start that says little"] = {
    { "null for the block", { start(0, json.null), text(0, "a"), stop(0) },
      { START(0, "{type:text}"), A_TEXT(0, "a"), STOP(0) } },
    { "an empty block", { start(0, {}), thinking(0, "a"), stop(0) },
      { START(0, "{type:thinking}"), A_THINKING(0, "a"), STOP(0) } },
    { "no block", { start(0, nil), input(0, "{}"), stop(0) },
      { START(0, "{id:call_1,type:tool_use}"), AN_INPUT(0, "{}"), STOP(0) } },
    { "an empty text for the block", { start(0, ""), text(0, "a") }, { START(0, "{type:text}"), A_TEXT(0, "a") } },
    { "no block and no delta", { start(0, {}), stop(0), start(1, nil), "end" }, {} },
    { "a block that is a text", { start(0, "a"), text(0, "b") }, { START(0, "{text:a,type:text}"), A_TEXT(0, "b") } },
    { "a block without a type, told by its text", { start(0, { text = "" }) }, { START(0, START_TEXT) } },
    { "a block without a type, told by its call", { start(0, { id = "t", name = "f" }) },
      { START(0, "{id:t,name:f,type:tool_use}") } },
    { "a block without a type, told by its delta", { start(0, { extra = 1 }), text(0, "a") },
      { START(0, "{extra:1,type:text}"), A_TEXT(0, "a") } },
    { "a block that nothing tells, and text after its end", { start(0, { extra = 1 }), stop(0), text(0, "a"), "end" },
      { START(0, "{extra:1}"), STOP(0), START(1, START_TEXT), A_TEXT(1, "a"), STOP(1) } },
    { "a block that nothing tells", { start(0, { extra = 1 }), stop(0) }, { START(0, "{extra:1}"), STOP(0) } },
    { "the block's members beside it", { { type = "content_block_start", index = 0, text = "a" }, text(0, "b") },
      { START(0, "{text:a,type:text}"), A_TEXT(0, "b") } },
    { "other members beside it", { { type = "content_block_start", index = 0, time = 1 }, text(0, "b") },
      { START(0, "{type:text}"), A_TEXT(0, "b") } },
    { "empty pieces before it is told", { start(0, {}), text(0, ""), thinking(0, "a") },
      { START(0, "{type:thinking}"), A_THINKING(0, "a") } },
    { "text in another form", { start(0, { type = "text", text = { { text = "a" } } }) },
      { START(0, "{text:a,type:text}") } },
  },

  ["with a call that is told late"] = {
    { "the name in a second start", { start(0, call("t", nil)), start(0, call("t", "f")), input(0, "{}") },
      { A_CALL(0, "t", "f"), AN_INPUT(0, "{}") } },
    { "the ID in a second start", { start(0, call(nil, "f")), start(0, call("t", "f")), input(0, "{}") },
      { A_CALL(0, "t", "f"), AN_INPUT(0, "{}") } },
    { "the name in the end", { start(0, call("t", nil)), stop(0, call("t", "f", { a = 1 })) },
      { "start 0 {id:t,input:{a:1},name:f,type:tool_use}", STOP(0) } },
    { "the name after the input", { start(0, call("t", nil)), input(0, "{}"), start(0, call("t", "f")), stop(0) },
      { A_CALL(0, "t"), AN_INPUT(0, "{}"), A_CALL(0, "t", "f"), STOP(0) } },
    { "no name", { start(0, call("t", nil)), stop(0) }, { A_CALL(0, "t"), STOP(0) } },
    { "no ID", { start(0, call(nil, "f")), input(0, "{}"), stop(0) },
      { A_CALL(0, "call_1", "f"), AN_INPUT(0, "{}"), STOP(0) } },
    { "an input that goes on after its end", { start(0, call("t", "f")), input(0, "{"), stop(0),
      input(0, "}"), stop(0), "end" },
      { A_CALL(0, "t", "f"), AN_INPUT(0, "{"), STOP(0), AN_INPUT(0, "}") } },
    { "the ID after the input, in a second start", { start(0, call(nil, "f")), input(0, "{}"), start(0, call("t", "f")),
      input(0, ""), stop(0) }, { A_CALL(0, "call_1", "f"), AN_INPUT(0, "{}"), AN_INPUT(0, ""), STOP(0) } },
    { "the ID and the name after the input, in its end", { start(0, call()), input(0, "[1]"),
      stop(0, call("t", "f", { 1 })) },
      { A_CALL(0, "call_1"), AN_INPUT(0, "[1]"), A_CALL(0, "call_1", "f"), STOP(0) } },
    { "the ID after the input, and then another's", { start(0, call(nil, "f")), input(0, "1"), start(0, call("t", "f")),
      start(0, call("u", "f")), input(0, "2") },
      { A_CALL(0, "call_1", "f"), AN_INPUT(0, "1"), STOP(0), A_CALL(1, "u", "f"), AN_INPUT(1, "2") } },
    { "an ID with another input", { start(0, call(nil, "f")), input(0, "[1]"), start(0, call("t", "f", { a = 2 })) },
      { A_CALL(0, "call_1", "f"), AN_INPUT(0, "[1]"), STOP(0),
        "start 1 {id:t,input:{a:2},name:f,type:tool_use}" } },
    { "an empty ID and name", { start(0, call("", "")), input(0, "{}") },
      { "start 0 {id:call_1,input:{},name:,type:tool_use}", AN_INPUT(0, "{}") } },
    { "an empty piece first", { start(0, call("t", nil)), input(0, ""), start(0, call("t", "f")), input(0, "{}") },
      { A_CALL(0, "t", "f"), AN_INPUT(0, "{}") } },
    { "IDs of others", { start(0, call("t", "f")), stop(0), start(1, call("t", "f")), start(2, call(nil, "g")), "end" },
      { A_CALL(0, "t", "f"), STOP(0), A_CALL(1, "call_1", "f"), STOP(1), A_CALL(2, "call_2", "g"), STOP(2) } },
  },

  ["with a start that is repeated"] = {
    { "as it was", { start(0, TEXT), text(0, "a"), start(0, TEXT), text(0, "b") },
      { START(0, START_TEXT), A_TEXT(0, "a"), A_TEXT(0, "b") } },
    { "of a call", { start(0, call("t", "f")), input(0, "{"), start(0, call("t", "f")), input(0, "}") },
      { A_CALL(0, "t", "f"), AN_INPUT(0, "{"), AN_INPUT(0, "}") } },
    { "without a type", { start(0, TEXT), start(0, {}), text(0, "a") }, { START(0, START_TEXT), A_TEXT(0, "a") } },
    { "with its text", { start(0, TEXT), start(0, { type = "text", text = "a" }), text(0, "b") },
      { START(0, START_TEXT), A_TEXT(0, "a"), A_TEXT(0, "b") } },
    { "with the same text", { start(0, { type = "text", text = "a" }), start(0, { type = "text", text = "a" }) },
      { START(0, "{text:a,type:text}") } },
    { "with more of its text", { start(0, { type = "text", text = "a" }), start(0, { type = "text", text = "ab" }),
      start(0, { type = "text", text = "abc" }) },
      { START(0, "{text:a,type:text}"), A_TEXT(0, "b"), A_TEXT(0, "c") } },
    { "with other text", { start(0, { type = "text", text = "a" }), start(0, { type = "text", text = "b" }) },
      { START(0, "{text:a,type:text}"), A_TEXT(0, "b") } },
    { "with the text that deltas brought", { start(0, TEXT), text(0, "a"), start(0, { type = "text", text = "a" }) },
      { START(0, START_TEXT), A_TEXT(0, "a") } },
    { "with another signature", { start(0, { type = "thinking", thinking = "a", signature = "s" }),
      start(0, { type = "thinking", thinking = "a", signature = "st" }) },
      { START(0, "{signature:s,thinking:a,type:thinking}"), A_SIGNATURE(0, "st") } },
    { "with its input", { start(0, call("t", "f")), start(0, call("t", "f", { a = 1 })) },
      { A_CALL(0, "t", "f"), AN_INPUT(0, "{\\a\\:1}") } },
    { "with another input", { start(0, call("t", "f", { a = 1 })), start(0, call("t", "f", { a = 2 })) },
      { "start 0 {id:t,input:{a:1},name:f,type:tool_use}" } },
    { "with a new member", { start(0, { type = "text", text = "a" }), text(0, "b"),
      start(0, { type = "text", text = "a", extra = 1 }), text(0, "c") },
      { START(0, "{text:a,type:text}"), A_TEXT(0, "b"),
        START(0, "{extra:1,text:,type:text}"), A_TEXT(0, "c") } },
    { "with a new member of a call",
      { start(0, call("t", "f", { a = 1 })), start(0, { type = "tool_use", extra = 1 }) },
      { "start 0 {id:t,input:{a:1},name:f,type:tool_use}", "start 0 {extra:1,id:t,input:{},name:f,type:tool_use}" } },
    { "with an empty new member", { start(0, TEXT), start(0, { type = "text", text = "", citations = {} }) },
      { START(0, START_TEXT) } },
    { "with citations that have come", { start(0, TEXT), delta(0, { type = "citations_delta", citation = { n = 1 } }),
      start(0, { type = "text", text = "", citations = { { n = 1 } } }) },
      { START(0, START_TEXT), "delta 0 {citation:{n:1},type:citations_delta}" } },
    { "with text where that was none", { start(0, { type = "text", text = { a = true } }),
      start(0, { type = "text", text = "a" }) }, { START(0, "{text:{a:true},type:text}"), A_TEXT(0, "a") } },
    { "with text that is none", { start(0, { type = "text", text = "a" }),
      start(0, { type = "text", text = { a = true } }) }, { START(0, "{text:a,type:text}") } },
    { "with thinking in a text", { start(0, TEXT), start(0, { type = "text", thinking = "a", signature = "s" }) },
      { START(0, START_TEXT) } },
  },

  ["with a delta in the wrong block"] = {
    { "thinking in a text", { start(0, TEXT), thinking(0, "a"), text(0, "b"), stop(0) },
      { START(0, START_TEXT), START(1, START_THINKING), A_THINKING(1, "a"), A_TEXT(0, "b"), STOP(1), STOP(0) } },
    { "text in thinking", { start(0, THINKING), thinking(0, "a"), text(0, "b"), signature(0, "s"), text(0, "c") },
      { START(0, START_THINKING), A_THINKING(0, "a"), START(1, START_TEXT), A_TEXT(1, "b"), A_SIGNATURE(0, "s"),
        A_TEXT(1, "c") } },
    { "text in thinking that its delta told", { start(0, {}), thinking(0, "a"), text(0, "b"), thinking(0, "c") },
      { START(0, "{type:thinking}"), A_THINKING(0, "a"), START(1, START_TEXT), A_TEXT(1, "b"), A_THINKING(0, "c") } },
    { "an input in a text", { start(0, TEXT), input(0, "{}"), stop(0) },
      { START(0, START_TEXT), A_CALL(1, "call_1"), AN_INPUT(1, "{}"), STOP(0), STOP(1) } },
    { "text in a call", { start(0, call("t", "f")), text(0, "a"), input(0, "{}"), stop(0) },
      { A_CALL(0, "t", "f"), START(1, START_TEXT), A_TEXT(1, "a"), AN_INPUT(0, "{}"), STOP(1), STOP(0) } },
    { "text in redacted thinking", { start(0, { type = "redacted_thinking", data = "x" }), text(0, "a"), "end" },
      { START(0, "{data:x,type:redacted_thinking}"), START(1, START_TEXT), A_TEXT(1, "a"), STOP(0), STOP(1) } },
    { "an empty text in thinking", { start(0, THINKING), text(0, ""), thinking(0, "a"), "end" },
      { START(0, START_THINKING), A_THINKING(0, "a"), STOP(0) } },
    { "a signature in a text, after its thinking has ended", { start(0, THINKING), thinking(0, "a"), stop(0),
      start(0, TEXT), signature(0, "s") },
      { START(0, START_THINKING), A_THINKING(0, "a"), STOP(0), START(1, START_TEXT), A_SIGNATURE(0, "s") } },
    { "thinking in a text, after other thinking has ended", { start(0, THINKING), thinking(0, "a"), stop(0),
      start(0, TEXT), thinking(0, "b") },
      { START(0, START_THINKING), A_THINKING(0, "a"), STOP(0), START(1, START_TEXT), START(2, START_THINKING),
        A_THINKING(2, "b") } },
    { "two things in one", { delta(0, { thinking = "a", signature = "s", text = "b" }), stop(0) },
      { START(0, START_THINKING), A_THINKING(0, "a"), A_SIGNATURE(0, "s"), START(1, START_TEXT), A_TEXT(1, "b"),
        STOP(0), STOP(1) } },
  },

  ["with a delta in another form"] = {
    { "without a type", { start(0, TEXT), delta(0, { text = "a" }) }, { START(0, START_TEXT), A_TEXT(0, "a") } },
    { "a text", { start(0, TEXT), delta(0, "a"), start(1, THINKING), delta(1, "b"), start(2, call("t", "f")),
      delta(2, "{}") },
      { START(0, START_TEXT), A_TEXT(0, "a"), START(1, START_THINKING), A_THINKING(1, "b"), A_CALL(2, "t", "f"),
        AN_INPUT(2, "{}") } },
    { "a text without a block", { delta(0, "a") }, { START(0, START_TEXT), A_TEXT(0, "a") } },
    { "its members beside it", { { type = "content_block_delta", index = 0, text = "a" } },
      { START(0, START_TEXT), A_TEXT(0, "a") } },
    { "its members beside an empty one", { { type = "content_block_delta", index = 0, delta = {}, thinking = "a" } },
      { START(0, START_THINKING), A_THINKING(0, "a") } },
    { "other members beside an empty one", { start(0, TEXT),
      { type = "content_block_delta", index = 0, delta = {}, obfuscation = "a" } }, { START(0, START_TEXT) } },
    { "an input as an object", { start(0, call("t", "f")), delta(0, { partial_json = { a = 1 } }) },
      { A_CALL(0, "t", "f"), AN_INPUT(0, "{\\a\\:1}") } },
    { "unknown and without a type", { start(0, TEXT), delta(0, { layers = 1 }) },
      { START(0, START_TEXT), "delta 0 {layers:1}" } },
  },

  ["whose parts have each other's names"] = {
    { "a start's block as a delta", { { type = "content_block_start", index = 0, delta = call("t", "f") }, stop(0) },
      { A_CALL(0, "t", "f"), STOP(0) } },
    { "a text, begun as a delta", {
      { type = "content_block_start", index = 1, delta = { type = "text", text = "a" } },
    }, { START(1, "{type:text}"), A_TEXT(1, "a") } },
    { "a start with a block and a delta", {
      { type = "content_block_start", index = 0, content_block = TEXT, delta = { type = "text_delta", text = "a" } },
    }, { START(0, START_TEXT), A_TEXT(0, "a") } },
    { "a start with a block and a delta's text", {
      { type = "content_block_start", content_block = THINKING, delta = "a" },
    }, { START(0, START_THINKING), A_THINKING(0, "a") } },
    { "a delta of a later API that no start was before, and then one of another kind",
      { delta(0, { type = "hologram_delta", x = 1 }), text(0, "a") },
      { START(0, "{type:hologram}"), "delta 0 {type:hologram_delta,x:1}", START(1, START_TEXT), A_TEXT(1, "a") } },
    { "a delta of a later API that no start was before, and then an input, which is not known to be its own",
      { delta(0, { type = "hologram_delta", x = 1 }), input(0, "{}") },
      { START(0, "{type:hologram}"), "delta 0 {type:hologram_delta,x:1}", A_CALL(1, "call_1"), AN_INPUT(1, "{}") } },
    { "deltas as blocks", { start(0, TEXT), { type = "content_block_delta", index = 0, content_block = TEXT },
      { type = "content_block_delta", index = 0, content_block = { type = "text", text = "a" }, delta = {} },
      { type = "content_block_delta", index = 0, content_block = { text = "b" } } },
      { START(0, START_TEXT), A_TEXT(0, ""), A_TEXT(0, "a"), A_TEXT(0, "b") } },
    { "a call as a delta", { delta(0, call("t", "f", { a = 1 })), stop(0) },
      { "start 0 {id:t,input:{a:1},name:f,type:tool_use}", STOP(0) } },
    { "a call that begins as a delta", { { type = "content_block_delta", index = 0, content_block = call("t", "f") },
      input(0, "{}") }, { A_CALL(0, "t", "f"), AN_INPUT(0, "{}") } },
  },
  ["with ends that are odd"] = {
    { "twice", { start(0, TEXT), stop(0), stop(0) }, { START(0, START_TEXT), STOP(0) } },
    { "none", { start(0, TEXT), start(1, THINKING), "end", "end" },
      { START(0, START_TEXT), START(1, START_THINKING), STOP(0), STOP(1) } },
    { "with the signature", { start(0, THINKING), thinking(0, "a"),
      stop(0, { type = "thinking", thinking = "a", signature = "s" }) },
      { START(0, START_THINKING), A_THINKING(0, "a"), A_SIGNATURE(0, "s"), STOP(0) } },
    { "twice, the second with the signature", { start(0, THINKING), thinking(0, "a"), stop(0),
      stop(0, { type = "thinking", thinking = "a", signature = "s", extra = 1 }) },
      { START(0, START_THINKING), A_THINKING(0, "a"), STOP(0), A_SIGNATURE(0, "s") } },
    { "with all of the text", { start(0, TEXT), stop(0, { type = "text", text = "a" }) },
      { START(0, START_TEXT), A_TEXT(0, "a"), STOP(0) } },
    { "with all of the input", { start(0, call("t", "f")), stop(0, { type = "tool_use", input = { a = 1 } }) },
      { A_CALL(0, "t", "f"), AN_INPUT(0, "{\\a\\:1}"), STOP(0) } },
    { "with a block of another type", { start(0, TEXT), stop(0, { type = "thinking", thinking = "a" }) },
      { START(0, START_TEXT), STOP(0), START(1, "{thinking:a,type:thinking}"), STOP(1) } },
    { "with a delta", { start(0, TEXT), { type = "content_block_stop", index = 0, delta = { text = "a" } } },
      { START(0, START_TEXT), A_TEXT(0, "a"), STOP(0) } },
    { "with what is no block", { start(0, TEXT), stop(0, 5), stop(0, { {} }) }, { START(0, START_TEXT), STOP(0) } },
    { "before the last delta", { start(0, TEXT), stop(0), text(0, "a") },
      { START(0, START_TEXT), STOP(0), A_TEXT(0, "a") } },
  },
}

local names = {}
for name in pairs(CASES) do
  names[#names + 1] = name
end
table.sort(names)

for _, name in ipairs(names) do
  describe("blocks " .. name, function()
    for _, case in ipairs(CASES[name]) do
      it("are the API's: " .. case[1], function()
        assert.same(case[3], (read((rawget(table, "unpack") or rawget(_G, "unpack"))(case[2]))))
      end)
    end
  end)
end

describe("a block's event that cannot be read", function()
  for _, case in ipairs {
    { start(0, 5), "content_block_start: the block is a number" },
    { start(0, { {} }), "content_block_start: the block is a table" },
    { delta(0, 5), "content_block_delta: the delta is a number" },
    { delta(0, true), "content_block_delta: the delta is a boolean" },
    { delta(0, { type = "text_delta", text = true }), "text_delta: text is a boolean" },
    { delta(0, { type = "text_delta", words = "a" }), "text_delta: text is missing" },
  } do
    it("says why: " .. case[2], function()
      local blocks = native_blocks.new()
      assert.equal(case[2], blocks[METHODS[case[1].type]](blocks, case[1]))
      assert.same({}, blocks.events)
      assert.is_false(blocks:have_begun())
    end)
  end
end)

describe("blocks", function()
  it("pass on an event that needs nothing, with all that is in it", function()
    local blocks = native_blocks.new()
    for _, event in ipairs { start(0, copy(TEXT)), text(0, "a"), input(0, "x") } do
      event.later = 1
      blocks[METHODS[event.type]](blocks, event)
    end
    assert.equal(1, blocks.events[1].later)
    assert.equal("a", blocks.events[2].delta.text)
    assert.equal(1, blocks.events[2].later)
    assert.equal(1, blocks.events[4].later)
  end)

  it("are plain while each has the index that the server gave it, and calls have their IDs", function()
    for _, case in ipairs {
      { true, start(0, TEXT), text(0, "a"), stop(0), start(5, TEXT), start(1, TEXT) },
      { true, text(0, "a"), stop(0), start(nil, TEXT) },
      { true, start(0, call("t", "f")), input(0, "{}") },
      { false, start(0, call(nil, "f")), input(0, "{}") },
      { false, start(0, TEXT), thinking(0, "a") },
      { false, start(0, TEXT), stop(0), start(0, TEXT) },
    } do
      local _, blocks = read((rawget(table, "unpack") or rawget(_G, "unpack"))(case, 2))
      assert.equal(case[1], blocks.is_plain)
    end
  end)

  it("have begun with the first", function()
    local blocks = native_blocks.new()
    assert.is_false(blocks:have_begun())
    blocks:stop { index = 0 }
    blocks:delta { index = 0, delta = { text = "" } }
    assert.is_false(blocks:have_begun())
    blocks:delta { index = 0, delta = { text = "a" } }
    assert.is_true(blocks:have_begun())
  end)

  it("tell of calls for the caller to answer", function()
    local blocks = native_blocks.new()
    blocks:start(start(0, copy(TEXT)))
    blocks:start(start(1, { type = "server_tool_use", id = "s", name = "web_search" }))
    assert.is_false(blocks.has_calls)
    blocks:start(start(2, call("t", "f")))
    blocks:start(start(3, copy(TEXT)))
    assert.is_true(blocks.has_calls)
  end)

  it("make IDs of calls with the message's", function()
    local blocks = native_blocks.new()
    blocks.message_id = "msg_1"
    blocks:start(start(0, { type = "tool_use", name = "f" }))
    blocks:stop(stop(0))
    assert.equal("call_msg_1_1", blocks.events[1].content_block.id)
  end)

  it("can be begun with whole", function()
    local blocks = native_blocks.new()
    assert.is_nil(blocks:begin_with { { type = "text", text = "a" }, call("t", "f", { a = 1 }), { type = "hologram" } })
    blocks:stop_all()
    local list = {}
    for i, event in ipairs(blocks.events) do
      list[i] = shown(event)
    end
    assert.same({
      START(0, "{text:a,type:text}"), "start 1 {id:t,input:{a:1},name:f,type:tool_use}", START(2, "{type:hologram}"),
      STOP(0), STOP(1), STOP(2),
    }, list)
    assert.equal("content_block_start: the block is a number", native_blocks.new():begin_with { 5 })
  end)

  it("weigh what waits, as long as it waits", function()
    local budget = budgets.new()
    local blocks = native_blocks.new(budget)
    budget:take(1000) -- what others hold
    blocks:start(start(0, copy(TEXT)))
    assert.equal(1000, budget.held)
    local waiting = { type = "tool_use", id = "t", note = ("x"):rep(5000) }
    blocks:start(start(1, copy(waiting)))
    local held = budget.held
    assert.is_true(held > 1000 + core.weigh(waiting))
    local more = ("y"):rep(5000)
    blocks:start(start(1, { type = "tool_use", id = "t", word = more }))
    assert.is_true(budget.held > held + core.weigh(more) + 100)
    blocks:start(start(1, { type = "tool_use", id = "t", name = "f" }))
    assert.equal(1000, budget.held)
  end)

  it("have in a start nothing of a delta that it came as", function()
    local blocks = native_blocks.new()
    blocks:delta { type = "content_block_delta", index = 0, content_block = call("t", "f"), delta = {} }
    assert.equal("content_block_start", blocks.events[1].type)
    assert.is_nil(blocks.events[1].delta)
  end)

  -- The events that a whole content adds after others.
  local function completed(content, ...)
    local before, blocks = read(...)
    local problem = blocks:complete(content)
    local list = {}
    for i = #before + 1, #blocks.events do
      list[#list + 1] = shown(blocks.events[i])
    end
    return list, problem
  end

  it("are completed by what a whole content has more than them", function()
    local came = { start(0, TEXT), text(0, "a"), text(0, "b"), stop(0), start(1, call("t", "f")),
      start(2, call("u", "f")) }
    local unpack = rawget(table, "unpack") or rawget(_G, "unpack")
    assert.same({ AN_INPUT(2, "{\\x\\:1}"), AN_INPUT(1, "{\\y\\:2}") }, completed({
      { type = "text", text = "a" }, { type = "text", text = "b" },
      call("u", "f", { x = 1 }), call("t", "f", { y = 2 }),
    }, unpack(came)))
    assert.same({ START(3, "{type:hologram}"), START(4, "{text:c,type:text}") }, completed({
      { type = "text", text = "ab" }, { type = "hologram" }, { type = "text", text = "c" },
    }, unpack(came)))
    assert.same({ {}, "content_block_start: the block is a table" },
      { completed({ { type = "text", text = "ab" }, { {} }, { type = "hologram" } }, unpack(came)) })
  end)

  it("do not change what a start had when more of it is said", function()
    local blocks, block = native_blocks.new(), { type = "text", text = "" }
    blocks:start(start(0, block))
    local first = blocks.events[1].content_block
    blocks:start(start(0, { type = "text", text = "a", extra = 1 }))
    assert.same({ type = "text", text = "" }, first)
    assert.same({ type = "text", text = "" }, block)
  end)

  it("take time in proportion to the events, also where all have one index", function()
    local blocks, count = native_blocks.new(), 20000
    blocks:start(start(0, copy(THINKING)))
    for _ = 1, count do
      blocks:start(start(0, copy(TEXT)))
      blocks:delta(text(0, "a"))
      blocks:stop(stop(0))
      blocks:delta(signature(0, "s"))
    end
    assert.equal(count * 4 + 2, #blocks.events)
  end)
end)
