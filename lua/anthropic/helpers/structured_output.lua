--- Structured output: `client.messages.parse` asks for an answer that fits a JSON schema.
--
--     local message = assert(client.messages.parse {
--       model = "claude-sonnet-5-5", max_tokens = 1024,
--       schema = { type = "object", properties = { city = { type = "string" } }, required = { "city" } },
--       messages = { { role = "user", content = "Which city has the Eiffel Tower?" } },
--     })
--     print(message.parsed and message.parsed.city or message.parse_error)
--
-- The API takes a part of JSON Schema. The rest is put into the description, where the model reads it, and is checked
-- when the answer has come. Optional properties may be absent; nulls are `anthropic.null`.
--
-- With `repair = n` an answer that does not fit is sent back with what is wrong, at most so often.
--
-- The API takes only objects that allow no other properties than those they name. So every object is sent with
-- `additionalProperties = false`. An object that names no property, `{ type = "object" }`, is refused before anything
-- is sent, unless it says its `additionalProperties`.

local answer_text = require "anthropic.message.answer_text"
local check = require "anthropic.base.check"
local string_formats = require "anthropic.helpers.string_formats"
local json = require "anthropic.base.json"
local parts = require "anthropic.helpers.schema_parts"
local paths = require "anthropic.base.path"
local schema = require "anthropic.helpers.schema"
local shape = require "anthropic.helpers.schema_shape"
local tables = require "anthropic.base.tables"

local structured_output = {}

---@class anthropic.ParseParams: anthropic.MessageParams
---@field schema table the JSON schema of the answer; an object at its top
---@field repair? integer how often the model is asked again if its answer does not fit, with `parse_error` as the
---  next user turn. The last answer is returned, whether it fits or not. Not after a refusal, nor if the answer
---  calls a tool. Default: 0

---@class anthropic.StreamParseParams: anthropic.ParseParams
---@field stream true

local join = paths.join

-- --- what is sent --------------------------------------------------------------------------------

-- These keywords mean nothing to the model; `additional_properties` decides what becomes of additionalProperties.
local DROPPED = { ["$schema"] = true, ["$id"] = true, ["$comment"] = true, additionalProperties = true }

local SENT_AS = { oneOf = "anyOf" }

local transform

local function keep(value)
  return value
end

local function transform_each(given, path, context)
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

-- Parts apply to the same value as their schema: they need not name what it names.
local function transform_alternatives(given, path, context, node, others)
  others = context.names:others_of(given, node, others)
  local sent = json.copy(given)
  for i, part in ipairs(given) do
    local message
    sent[i], message = transform(part, join(path, i), context, others)
    if message then
      return nil, message
    end
  end
  return sent
end

-- Each keyword that is sent, as a function of its argument, the argument's path, the context, the schema
-- and what other schemas of the same value name. It returns what is sent; nil and a message if the API
-- would refuse it; nil if the API has no such thing.
local KEYWORDS = {
  title = keep,
  description = keep,
  type = keep,
  enum = keep,
  required = keep,
  properties = transform_each,
  ["$defs"] = transform_each,
  definitions = transform_each,
  prefixItems = transform_each,
  anyOf = transform_alternatives,
  oneOf = transform_alternatives,
}

function KEYWORDS.allOf(given, path, context, node, others)
  local sent = json.copy(given)
  for i, part in ipairs(given) do
    local message
    sent[i], message = transform(part, join(path, i), context, context.names:others_of(part, node, others))
    if message then
      return nil, message
    end
  end
  return sent
end

function KEYWORDS.const(given)
  if type(given) ~= "table" then
    return given
  end
end

function KEYWORDS.items(given, path, context)
  if type(given) == "table" then
    return transform(given, path, context)
  end
end

function KEYWORDS.format(given)
  return string_formats[given] and given
end

function KEYWORDS.minItems(given)
  return (given == 0 or given == 1) and given or nil
end

KEYWORDS["$ref"] = function(given, path, context)
  table.insert(context.references, { path = path, to = given })
  return given
end

local function transform_keywords(node, path, context, others)
  local sent, described = {}, {}
  for _, name in ipairs(tables.sorted_keys(node)) do
    local keyword, message = KEYWORDS[name], nil
    local value
    if keyword then
      value, message = keyword(node[name], join(path, name), context, node, others)
    end
    if message then
      return nil, message
    elseif value ~= nil then
      sent[SENT_AS[name] or name] = value
    elseif not DROPPED[name] then
      described[name] = node[name]
    end
  end
  return sent, nil, described
end

local function add_to_description(sent, described, path)
  local text, message = json.encode(described)
  if not text then
    return nil, paths.problem(path, message)
  end
  sent.description = (sent.description and sent.description .. "\n\n" or "") .. text
  return sent
end

local FREE_FORM = "an object without properties would admit {} alone: name its properties, or say its "
  .. "additionalProperties (false: it is empty)"

-- Closes an object, as the API wants it. If nothing names a member, only {} would fit: then the caller decides.
local function additional_properties(node, path, context, others)
  local given = node.additionalProperties
  local names_one, admits_any = context.names:of(node)
  if not given and (given == false or names_one or admits_any or others or node.enum or node.const ~= nil) then
    return false
  elseif given == nil then
    return nil, paths.problem(path, FREE_FORM)
  elseif names_one or others then
    return false
  elseif given == true then
    return true
  end
  return transform(given, join(path, "additionalProperties"), context)
end

local MAIN = { "type", "anyOf", "allOf", "$ref", "enum", "const" }

local function says_something(sent)
  for _, name in ipairs(MAIN) do
    if sent[name] ~= nil then
      return true
    end
  end
  return false
end

local function transform_whole(node, path, context, others)
  local message
  if node.anyOf and node.oneOf then
    return nil, paths.problem(path, "anyOf and oneOf exclude each other")
  end
  local sent, described
  sent, message, described = transform_keywords(node, path, context, others)
  if message then
    return nil, message
  elseif not says_something(sent) then
    return nil, paths.problem(path, "a type, enum, const, anyOf, allOf or $ref is missing")
  end
  if schema.is_of_objects(node) then
    sent.additionalProperties, message = additional_properties(node, path, context, others)
    if message then
      return nil, message
    end
  end
  if next(described) ~= nil then
    return add_to_description(sent, described, path)
  end
  return sent
end

-- A schema in several places is transformed once.
function transform(node, path, context, others)
  if others then
    return transform_whole(node, path, context, others)
  end
  local sent, message = context.sent[node], nil
  if not sent then
    sent, message = transform_whole(node, path, context)
    context.sent[node] = sent
  end
  return sent, message
end

--- The schema as the API takes it.
---@param root table
---@return table|nil
---@return string? message what the API would refuse, and its path
function structured_output.transform(root)
  local problem = shape.problem(root)
  if problem then
    return nil, problem
  end
  local context = { names = parts.names(root), sent = {}, references = {} }
  local sent, message = transform(root, "schema", context)
  for _, reference in ipairs(sent and context.references or {}) do
    if not parts.resolve(sent, reference.to) then
      return nil, ("%s: %s leads to no schema that is sent; put it into $defs"):format(reference.path, reference.to)
    end
  end
  return sent, message
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
  local text = answer_text.of(message.content)
  if not text:find "%S" then
    text = message:text()
  end
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

local repair_row = check.whole(0)

local function problem_of_repair(params)
  if params.repair ~= nil and not repair_row.check(params.repair) then
    return ("repair: %s expected, got %s"):format(repair_row.expected, tostring(params.repair))
  elseif params.repair and json.is_raw(params.messages) then
    return "repair: needs a list of messages, got raw JSON"
  end
end

--- The parameters of messages.create for those of messages.parse.
---@param params table with `schema`
---@return table|nil
---@return string? message
function structured_output.params(params)
  if params.schema == nil then
    return nil, "schema: missing"
  end
  local problem = problem_of_repair(params)
  if problem then
    return nil, problem
  end
  local config = params.output_config
  if config ~= nil and type(config) ~= "table" or json.is_raw(config) then
    return nil, "output_config: table expected, got " .. (json.is_raw(config) and "raw JSON" or type(config))
  elseif config and config.format ~= nil then
    return nil, "output_config.format: excludes schema"
  end
  local sent, message = structured_output.transform(params.schema)
  if not sent then
    return nil, message
  end
  local whole = json.copy(params)
  whole.schema, whole.repair = nil, nil
  if params.repair and type(params.messages) == "table" then -- the caller's may change before it is sent again
    whole.messages = json.copy(params.messages)
  end
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

-- After these the API takes no turn of the user's, or the model can say nothing more.
local FINAL = { refusal = true, pause_turn = true, model_context_window_exceeded = true }

local function params_of_repair(sent, message)
  local whole = json.merge({}, sent)
  whole.stream = nil
  whole.messages = json.copy(sent.messages)
  table.insert(whole.messages, message)
  table.insert(whole.messages, { role = "user", content = message.parse_error })
  return whole
end

--- Finishes a message, and asks again as often as the parameters say.
---@param message anthropic.Message
---@param params table those of messages.parse
---@param sent table what was sent for them
---@param send fun(params: table): anthropic.Message?, anthropic.Error?
---@return anthropic.Message|nil message the last answer
---@return anthropic.Error? err its `partial` is the answer that did not fit
function structured_output.converge(message, params, sent, send)
  structured_output.finish(message, params.schema)
  for _ = 1, params.repair or 0 do
    local wants_result = message:tool_uses()[1] ~= nil -- of a call, as the next turn
    if not message.parse_error or FINAL[message.stop_reason] or wants_result then
      break
    end
    sent = params_of_repair(sent, message)
    local answer, err = send(sent)
    if not answer then
      err.partial = err.partial or message
      return nil, err
    end
    message = answer
    structured_output.finish(message, params.schema)
  end
  return message
end

return structured_output
