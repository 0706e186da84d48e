--- The request of a chat completion as the parameters of a message. What has no counterpart is refused, with its path:
-- nothing that a client asks for is dropped.
--
--     local params, problem = completion_request.to_params(body)

local completion_messages = require "anthropic.message.completion_messages"
local completion_reading = require "anthropic.message.completion_reading"
local json = require "anthropic.base.json"
local parts = require "anthropic.message.parts"
local paths = require "anthropic.base.path"

local completion_request = {}

-- Tokens of an answer whose request names no limit: the API wants one, above the budget of the thinking.
local DEFAULT_MAX_TOKENS = 4096

local function default_max_tokens(params)
  local budget = params.thinking and params.thinking.budget_tokens
  local is_large = type(budget) == "number" and budget >= DEFAULT_MAX_TOKENS
  return DEFAULT_MAX_TOKENS + (is_large and budget or 0)
end

-- Fields that the API has under the same name.
local function same(kind)
  return function(self, name, value, params)
    params[name] = self:expect(name, value, kind)
  end
end

-- Fields of which some values ask for what the API does anyway.
local function as_by_default(...)
  local values = {}
  for _, value in ipairs { ... } do
    values[value] = true
  end
  return function(self, name, value)
    if not values[value] then
      self:refuse_value(name, value)
    end
  end
end

local function is_without_members(self, name, known, value)
  self:check_members(name, self:expect(name, value, "table") or {}, known)
end

local function temperature(self, name, value, params)
  params.temperature = self:expect(name, value, "number")
  if params.temperature and params.temperature > 1 then
    self:refuse(name, "at most 1 expected")
  end
end

local function max_tokens(self, name, value, params)
  value = self:expect(name, value, "number")
  if value and params.max_tokens and params.max_tokens ~= value then
    self:refuse(name, "another number than max_completion_tokens")
  end
  params.max_tokens = params.max_tokens or value
end

local function stop(self, name, value, params)
  if value == "" then
    return
  elseif type(value) == "string" then
    params.stop_sequences = json.array { value }
    return
  end
  local list = json.array {}
  for i, sequence in ipairs(self:list(name, value)) do
    list[i] = self:need(paths.join(name, i), sequence, "string")
  end
  params.stop_sequences = list[1] and list
end

local function user(self, name, value, params)
  value = parts.word(self:expect(name, value, "string"))
  if value and params.metadata and params.metadata.user_id ~= value then
    self:refuse(name, "another one than before")
  end
  params.metadata = params.metadata or value and { user_id = value }
end

local function metadata(self, name, value, params)
  is_without_members(self, name, { user_id = true }, value)
  user(self, name .. ".user_id", type(value) == "table" and value.user_id or nil, params)
end

-- --- tools ---------------------------------------------------------------------------------------

local function tool(self, to, value)
  self:check_members(to, value, { type = true, ["function"] = true, cache_control = true })
  if value.type ~= "function" then
    self:refuse_value(to .. ".type", value.type)
    return nil
  end
  local made = self:need(to .. ".function", value["function"], "table") or {}
  to = to .. ".function"
  self:check_members(to, made, { name = true, description = true, parameters = true, strict = true })
  local schema = self:expect(to .. ".parameters", made.parameters, "table")
  if parts.is_empty(schema) then
    schema = { type = "object" }
  end
  return {
    name = self:need(to .. ".name", made.name, "string"),
    description = self:expect(to .. ".description", made.description, "string"),
    input_schema = schema,
    strict = self:expect(to .. ".strict", made.strict, "boolean") or nil,
    cache_control = not parts.is_empty(value.cache_control) and value.cache_control or nil,
  }
end

local function tools(self, name, value, params)
  local list = json.array {}
  for i, each in ipairs(self:list(name, value)) do
    local to = paths.join(name, i)
    list[#list + 1] = tool(self, to, self:need(to, each, "table") or {})
  end
  params.tools = list[1] and list
end

local CHOICES = { auto = "auto", none = "none", required = "any" }

local function tool_choice(self, name, value, params)
  if type(value) == "string" and CHOICES[value] then
    params.tool_choice = { type = CHOICES[value] }
  elseif type(value) == "table" and value.type == "function" then
    self:check_members(name, value, { type = true, ["function"] = true })
    local to = name .. ".function"
    local chosen = self:need(to, value["function"], "table") or {}
    self:check_members(to, chosen, { name = true })
    params.tool_choice = { type = "tool", name = self:need(to .. ".name", chosen.name, "string") }
  elseif type(value) == "table" then
    self:refuse_value(name .. ".type", value.type)
  else
    self:refuse_value(name, value)
  end
end

-- Without tools there is nothing to call.
local function parallel_tool_calls(self, name, value, params)
  if self:expect(name, value, "boolean") == false and params.tools then
    params.tool_choice = params.tool_choice or { type = "auto" }
    if params.tool_choice.type ~= "none" then
      params.tool_choice.disable_parallel_tool_use = true
    end
  end
end

-- --- answers -------------------------------------------------------------------------------------

local FORMATS = {
  text = function(self, name, value)
    self:check_members(name, value, { type = true })
  end,
  json_schema = function(self, name, value, params)
    self:check_members(name, value, { type = true, json_schema = true })
    local to = name .. ".json_schema"
    local given = self:need(to, value.json_schema, "table") or {}
    self:check_members(to, given, { name = true, schema = true, strict = true }) -- the name is a label
    params.output_config = params.output_config or {}
    params.output_config.format = { type = "json_schema", schema = self:need(to .. ".schema", given.schema, "table") }
  end,
}

local function response_format(self, name, value, params)
  value = self:expect(name, value, "table") or {}
  local read = FORMATS[value.type]
  if read then
    read(self, name, value, params)
  else
    self:refuse_value(name .. ".type", value.type)
  end
end

local EFFORTS = { minimal = "low", low = "low", medium = "medium", high = "high", xhigh = "xhigh", max = "max" }

local function reasoning_effort(self, name, value, params)
  if value == "none" then
    params.thinking = params.thinking or { type = "disabled" }
  elseif EFFORTS[value] then
    params.output_config = params.output_config or {}
    params.output_config.effort = EFFORTS[value]
  else
    self:refuse_value(name, value)
  end
end

local TIERS = { auto = "auto", default = "standard_only" }

local function service_tier(self, name, value, params)
  params.service_tier = TIERS[value]
  if not TIERS[value] then
    self:refuse_value(name, value)
  end
end

local function modalities(self, name, value)
  for i, each in ipairs(self:list(name, value)) do
    if each ~= "text" then
      self:refuse_value(paths.join(name, i), each)
    end
  end
end

-- In this order: some rows look at what others made. The last two are the API's own, which clients add.
local ROWS = {
  { "model", same "string" },
  { "messages", function(self, name, value, params)
    params.messages, params.system = completion_messages.read(self, name, value)
  end },
  { "max_completion_tokens", max_tokens },
  { "max_tokens", max_tokens },
  { "temperature", temperature },
  { "top_p", same "number" },
  { "top_k", same "number" },
  { "stop", stop },
  { "stream", same "boolean" },
  { "stream_options", function(self, name, value)
    is_without_members(self, name, { include_usage = true }, value)
  end },
  { "tools", tools },
  { "tool_choice", tool_choice },
  { "parallel_tool_calls", parallel_tool_calls },
  { "thinking", same "table" },
  { "reasoning_effort", reasoning_effort },
  { "response_format", response_format },
  { "user", user },
  { "safety_identifier", user },
  { "metadata", metadata },
  { "service_tier", service_tier },
  { "modalities", modalities },
  { "n", as_by_default(1) },
  { "presence_penalty", as_by_default(0) },
  { "frequency_penalty", as_by_default(0) },
  { "top_logprobs", as_by_default(0) },
  { "web_search_options", as_by_default() }, -- an empty object turns the search on
}

local KNOWN = {}
for _, row in ipairs(ROWS) do
  KNOWN[row[1]] = true
end

--- Reads a request.
---@param body table
---@return table|nil params
---@return string? problem
function completion_request.to_params(body)
  local self, params = completion_reading.new(), {}
  for _, row in ipairs(ROWS) do
    local name, read = row[1], row[2]
    local value = body[name]
    if value ~= nil and value ~= json.null then
      read(self, name, value, params)
    end
  end
  if parts.is_empty(body.messages) then
    self:refuse("messages", "missing")
  end
  self:check_members("", body, KNOWN)
  if self.problem then
    return nil, self.problem
  end
  params.max_tokens = params.max_tokens or default_max_tokens(params)
  return params
end

return completion_request
