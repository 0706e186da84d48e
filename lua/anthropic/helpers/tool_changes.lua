--- What `on_turn` of a run may return: `{ add_tools =, remove_tools =, stop = true }`.
--
-- If the API takes that (under a beta of BETAS), the model learns of a change by a system message of its own, so that
-- what was cached stays. Otherwise the next request has other `tools`. Which tools run is known here, whatever becomes
-- of the history. If `before_turn` returns a history that has lost these messages, they are sent again.

local check = require "anthropic.base.check"
local json = require "anthropic.base.json"
local paths = require "anthropic.base.path"
local tables = require "anthropic.base.tables"
local tool_lookup = require "anthropic.helpers.tool_lookup"
local tools = require "anthropic.helpers.tools"

local tool_changes = {}

---@class anthropic.TurnDecision what `on_turn` may return
---@field add_tools? (anthropic.Tool|table)[] from the next turn on. One of the same name is replaced, and a
---  toolset of the same MCP server
---@field remove_tools? (anthropic.Tool|string)[] tools or their names
---@field stop? boolean true: no other turn follows

-- The betas by which `tool_addition` and `tool_removal` are taken, and whether with definitions: else they name tools
-- of the request.
local BETAS = {
  { name = "inline-tools-", with_definitions = true },
  { name = "mid-conversation-tool-changes-", with_definitions = false },
}

local ROWS = { add_tools = check.of_type "table", remove_tools = check.of_type "table", stop = check.of_type "boolean" }

-- --- what is wrong -------------------------------------------------------------------------------

--- What is wrong with a list of tools; nil if nothing is.
---@param where string
---@param list any
---@return string?
function tool_changes.problem_of_tools(where, list)
  if type(list) ~= "table" then
    return ("%s: table expected, got %s"):format(where, type(list))
  end
  local problem, names = paths.problem_of_list(where, list), {}
  if problem then
    return problem
  end
  for i, tool in ipairs(list) do
    local place = ("%s[%d]"):format(where, i)
    if type(tool) ~= "table" then
      return ("%s: table expected, got %s"):format(place, type(tool))
    elseif not tools.is(tool) and not json.is_raw(tool) and (tool.type == nil or tool.type == "custom") then
      return place .. ": has no `run` function; make it with anthropic.tool"
    elseif tool.name and names[tool.name] then
      return ("%s.name: %q appears twice"):format(place, tool.name)
    end
    names[tool.name or tool] = true
  end
end

-- The name by which a tool is removed.
local function name_of(value)
  if type(value) == "table" then
    return value.name or value.type
  end
  return value
end

local function problem_of(decision)
  for name, value in pairs(decision) do
    local row = ROWS[name]
    if not row then
      return ("unknown field %q; did you mean %q?"):format(tostring(name), check.nearest(name, ROWS))
    elseif not row.check(value) then
      return ("%s: %s expected, got %s"):format(name, row.expected, type(value))
    end
  end
  local removed = decision.remove_tools or {}
  local problem = paths.problem_of_list("remove_tools", removed)
  if problem then
    return problem
  end
  for i, value in ipairs(removed) do
    if type(name_of(value)) ~= "string" then
      return ("remove_tools[%d]: the name of a tool, or a tool, expected, got %s"):format(i, type(value))
    end
  end
  return decision.add_tools and tool_changes.problem_of_tools("add_tools", decision.add_tools)
end

-- --- changes -------------------------------------------------------------------------------------

-- Whether a name, or another tool, stands for a tool. Toolsets of MCP servers share their type.
local function fits(tool, value)
  local name = name_of(value)
  return name ~= nil and name_of(tool) == name
    and (type(value) ~= "table" or tool.mcp_server_name == value.mcp_server_name)
end

-- A list without the tools that a name or a tool stands for, and the list of those tools.
local function without(list, value)
  local rest, found = json.array {}, {}
  for _, tool in ipairs(list) do
    local to = fits(tool, value) and found or rest
    to[#to + 1] = tool
  end
  return rest, found
end

local function with(list, tool)
  local whole = without(list, tool)
  whole[#whole + 1] = tool
  return whole
end

local function reference_to(value)
  local server = type(value) == "table" and value.mcp_server_name
  if server then
    return { type = "mcp_toolset_reference", server_name = server }
  end
  return { type = "tool_reference", name = name_of(value) }
end

-- Notes a change for the next request: as a block, if the API takes it, else among its tools.
local function put(self, kind, reference, change)
  local beta = self.change_beta
  if beta and (beta.with_definitions or reference.type ~= "tool_definition") then
    self.changes[#self.changes + 1] = { type = kind, tool = reference }
  else
    self.request.tools = change(self.request.tools or {})
  end
end

local function remove(self, value)
  local rest, found = without(self.tools, value)
  self.tools = rest
  for _, tool in ipairs(found[1] and found or { value }) do
    put(self, "tool_removal", reference_to(tool), function(list)
      return (without(list, tool))
    end)
  end
end

-- What an addition refers to: a tool that the request names already, or a definition.
local function added(self, tool)
  local beta, _, found = self.change_beta, without(self.request.tools or {}, tool)
  if beta and not beta.with_definitions and found[#found] == tool then
    return reference_to(tool)
  end
  return { type = "tool_definition", definition = json.is_raw(tool) and tool or tables.copy(tool) }
end

-- Whether the history, and what is told next, withdraws a tool.
local function is_withdrawn(self, reference)
  local news = { role = "system", content = {} }
  for i, told in ipairs(self.told) do
    news.content[i] = told.change
  end
  for _, change in ipairs(self.changes) do
    news.content[#news.content + 1] = change
  end
  local history = tables.copy(self.run.messages)
  history[#history + 1] = news
  local key = tool_lookup.key_of { tool = reference }
  local last = key and tool_lookup.last_changes(history)[key]
  return last and last.type == "tool_removal"
end

local function add(self, tool)
  self.tools = with(self.tools, tool)
  local reference = added(self, tool)
  put(self, "tool_addition", reference, function(list)
    return with(list, tool)
  end)
  local is_defined_apart = self.change_beta and not self.change_beta.with_definitions
    and reference.type == "tool_definition"
  if is_defined_apart and is_withdrawn(self, reference_to(tool)) then
    put(self, "tool_addition", reference_to(tool))
  end
end

--- The first beta among some names by which the API takes changes; or nil.
---@param betas string[]
---@return { with_definitions: boolean }?
function tool_changes.beta_among(betas)
  for _, row in ipairs(BETAS) do
    for _, name in ipairs(betas) do
      if name:sub(1, #row.name) == row.name then
        return row
      end
    end
  end
end

--- Makes the changes of tools that `on_turn` returned. A value that is not a table means nothing.
---@param self table of the run: `tools`, `changes`, `told`, `change_beta`, `request`, `run`
---@param decision any
---@return boolean|nil stops whether the run is to end; nil and what is wrong with the decision
---@return string? problem
function tool_changes.apply(self, decision)
  if type(decision) ~= "table" then
    return false
  end
  local problem = problem_of(decision)
  if problem then
    return nil, "on_turn returned a table with a wrong field: " .. problem
  end
  for _, value in ipairs(decision.remove_tools or {}) do
    remove(self, value)
  end
  for _, tool in ipairs(decision.add_tools or {}) do
    add(self, tool)
  end
  return decision.stop or false
end

-- --- telling -------------------------------------------------------------------------------------

-- The changes that were told and that a history no longer tells. It tells a change if it has the change's message or,
-- if that is a copy, if its last change of the same tool is the same.
local function lost(self, messages)
  local present, known, list = {}, {}, {}
  for _, message in ipairs(messages) do
    if type(message) == "table" then
      present[message] = true
    end
  end
  local last = tool_lookup.last_changes(messages)
  for i = #self.told, 1, -1 do
    local told = self.told[i]
    local key = tool_lookup.key_of(told.change) or told
    known[key] = known[key] or present[told.message]
      or last[key] and json.encode(last[key]) == json.encode(told.change)
    if not known[key] then
      table.insert(list, 1, told)
    end
  end
  return list
end

--- Adds to a history the message about the changes, unless it ends with an answer that the server goes on with.
---@param self table of the run
---@param messages table[]
function tool_changes.tell(self, messages)
  local last = messages[#messages]
  if #self.changes + #self.told == 0 or type(last) == "table" and last.role == "assistant" then
    return
  end
  local list, content = lost(self, messages), json.array {}
  for _, change in ipairs(self.changes) do
    list[#list + 1] = { change = change }
    self.told[#self.told + 1] = list[#list]
  end
  self.changes = {}
  local message = { role = "system", content = content }
  for i, told in ipairs(list) do
    content[i], told.message = told.change, message
  end
  messages[#messages + 1] = #list > 0 and message or nil
end

-- --- the runs of a chat --------------------------------------------------------------------------

--- The parameter by which a run gets the changes of earlier runs. It is not a name, so that no caller's is like it.
tool_changes.CARRIER = {}

local function copy_of_told(list)
  local copied = {}
  for i, told in ipairs(list) do
    copied[i] = tables.copy(told) -- a run that fails leaves them as they were
  end
  return copied
end

--- Begins a run with the changes of earlier runs.
---@param self table of the run
---@param carrier? { state: table? } what `state_after` returned for the last one; changed
function tool_changes.take_up(self, carrier)
  local state = carrier and carrier.state
  if state then
    self.tools, self.request.tools = state.tools, state.sent
    self.changes, self.told = tables.copy(state.changes), copy_of_told(state.told)
  end
  if carrier then
    carrier.run, carrier.tools = self, self.tools
  end
end

--- What a run hands on to the next one.
---@param carrier table that the run has taken up
---@param present? table what the next one would take up without it: another run may have handed that on meanwhile
---@return table? state `present` if the run has changed nothing
function tool_changes.state_after(carrier, present)
  local run, before = carrier.run, carrier.state
  local has_told = before and before == present and #run.changes < #before.changes
  if run and (has_told or run.tools ~= carrier.tools) then
    return { tools = run.tools, sent = run.request.tools, changes = run.changes, told = run.told }
  end
  return present
end

return tool_changes
