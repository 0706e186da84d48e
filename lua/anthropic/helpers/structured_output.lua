--- Structured output: an answer that fits a JSON schema.
--
--     local message = assert(client.messages.parse {
--       model = "claude-sonnet-5-5", max_tokens = 1024,
--       schema = { type = "object", properties = { city = { type = "string" } }, required = { "city" } },
--       messages = { { role = "user", content = "Which city has the Eiffel Tower?" } },
--     })
--     print(message.parsed and message.parsed.city or message.parse_error)
--
-- The API takes a part of JSON Schema. What it does not take is put into the description, where the
-- model reads it, and is checked when the answer has come. Object properties that may be absent are
-- absent, nulls are `anthropic.null`.

local string_formats = require "anthropic.helpers.string_formats"
local json = require "anthropic.base.json"
local schema = require "anthropic.helpers.schema"

local structured_output = {}

---@class anthropic.ParseParams: anthropic.MessageParams
---@field schema table JSON schema of the answer

local join = schema.join

local function fail(path, words, ...)
  return nil, schema.problem(path, words:format(...))
end

-- --- what is sent --------------------------------------------------------------------------------

local TYPES = {
  object = true, array = true, string = true, integer = true, number = true, boolean = true, null = true,
}

-- They mean nothing to the model; of an object's other members the API takes only that there are none.
local DROPPED = { ["$schema"] = true, ["$id"] = true, ["$comment"] = true, additionalProperties = true }

local SENT_AS = { oneOf = "anyOf" }

local transform

local function keep(value)
  return value
end

local function transform_each(given, path, context)
  if type(given) ~= "table" then
    return fail(path, "a table of schemas expected, got %s", type(given))
  end
  local sent = json.copy(given)
  for name, member in pairs(given) do
    local message
    sent[name], message = transform(member, join(path, name), context)
    if message then
      return nil, message
    end
  end
  return sent
end

-- Each keyword that is sent, as a function of its argument, the argument's path and the context. It
-- gives what is sent; nil and a message where the API would refuse it; nil where the API has no
-- such thing.
local KEYWORDS = {
  title = keep,
  const = keep,
  required = keep,
  properties = transform_each,
  ["$defs"] = transform_each,
  definitions = transform_each,
  anyOf = transform_each,
  oneOf = transform_each,
  allOf = transform_each,
  prefixItems = transform_each,
}

function KEYWORDS.description(given, path)
  if type(given) ~= "string" then
    return fail(path, "string expected, got %s", type(given))
  end
  return given
end

function KEYWORDS.type(given, path)
  for _, name in ipairs(type(given) == "table" and given or { given }) do
    if not TYPES[name] then
      return fail(path, "%s is no type", tostring(name))
    end
  end
  return given
end

function KEYWORDS.enum(given, path)
  if type(given) ~= "table" then
    return fail(path, "a list expected, got %s", type(given))
  end
  for i, value in ipairs(given) do
    if type(value) == "table" then
      return fail(join(path, i), "a string, number, boolean or null expected, got table")
    end
  end
  return given
end

function KEYWORDS.items(given, path, context)
  if type(given) ~= "table" then
    return nil
  end
  return transform(given, path, context)
end

function KEYWORDS.format(given)
  return string_formats[given] and given
end

function KEYWORDS.minItems(given)
  return (given == 0 or given == 1) and given or nil
end

KEYWORDS["$ref"] = function(given, path, context)
  local target = schema.resolve(context.root, given)
  if not target then
    return fail(path, "%s leads to nothing within the schema", tostring(given))
  end
  local _, message = transform(target, path, context) -- it must not lead back here
  return not message and given or nil, message
end

local function sorted_names(node)
  local names = {}
  for name in pairs(node) do
    names[#names + 1] = name
  end
  table.sort(names)
  return names
end

local function transform_keywords(node, path, context)
  local sent, others = {}, {}
  for _, name in ipairs(sorted_names(node)) do
    local keyword, message = KEYWORDS[name], nil
    local value
    if keyword then
      value, message = keyword(node[name], join(path, name), context)
    end
    if message then
      return nil, message
    elseif value ~= nil then
      sent[SENT_AS[name] or name] = value
    elseif not DROPPED[name] then
      others[name] = node[name]
    end
  end
  return sent, nil, others
end

local function add_to_description(sent, others, path)
  local text, message = json.encode(others)
  if not text then
    return fail(path, "%s", message)
  end
  sent.description = (sent.description and sent.description .. "\n\n" or "") .. text
  return sent
end

local function transform_open(node, path, context)
  if node.anyOf and node.oneOf then
    return fail(path, "anyOf and oneOf exclude each other")
  end
  local sent, message, others = transform_keywords(node, path, context)
  if message then
    return nil, message
  elseif not (sent.type or sent.anyOf or sent.allOf or sent["$ref"]) then
    return fail(path, "a type, anyOf, allOf or $ref is missing")
  end
  if schema.is_of_objects(node) then
    sent.additionalProperties = false
  end
  if next(others) ~= nil then
    return add_to_description(sent, others, path)
  end
  return sent
end

function transform(node, path, context)
  if type(node) ~= "table" or json.is_raw(node) then
    return fail(path, "a schema expected, got %s", type(node))
  elseif context.open[node] then
    return fail(path, "the schema contains itself")
  end
  for name in pairs(node) do
    if type(name) ~= "string" then
      return fail(path, "a schema expected, got a list")
    end
  end
  context.open[node] = true
  local sent, message = transform_open(node, path, context)
  context.open[node] = nil
  return sent, message
end

--- The schema as the API takes it.
---@param root table
---@return table|nil
---@return string? message what the API would refuse, and its path
function structured_output.transform(root)
  return transform(root, "schema", { root = root, open = {} })
end

-- --- what comes back -----------------------------------------------------------------------------

local UNFINISHED = {
  max_tokens = "the answer was cut off at max_tokens",
  model_context_window_exceeded = "the answer was cut off at the end of the context window",
  refusal = "the model refused",
  pause_turn = "the turn was paused",
}

local function parse(message, root)
  local unfinished = UNFINISHED[message.stop_reason]
  if unfinished then
    return nil, unfinished
  end
  local text = message:text()
  if not text:find "%S" then
    return nil, "the answer has no text"
  end
  local value, problem = json.decode(text)
  if value == nil then
    return nil, "the answer is not JSON: " .. problem
  end
  local fits
  fits, problem = schema.check(value, root)
  if not fits then
    return nil, problem
  end
  return value
end

--- The parameters of messages.create for those of messages.parse.
---@param params table with `schema`
---@return table|nil
---@return string? message
function structured_output.params(params)
  if params.schema == nil then
    return nil, "schema: missing"
  end
  local config = params.output_config
  if config ~= nil and type(config) ~= "table" then
    return nil, "output_config: table expected, got " .. type(config)
  elseif config and config.format ~= nil then
    return nil, "output_config.format: excludes schema"
  end
  local sent, message = structured_output.transform(params.schema)
  if not sent then
    return nil, message
  end
  local whole = json.copy(params)
  whole.schema = nil
  whole.output_config = json.copy(config or {})
  whole.output_config.format = { type = "json_schema", schema = sent }
  return whole
end

--- Sets `parsed` or `parse_error` of a message. Neither is ever sent.
---@param message anthropic.Message
---@param root table the schema
function structured_output.finish(message, root)
  message.parsed, message.parse_error = parse(message, root)
end

return structured_output
