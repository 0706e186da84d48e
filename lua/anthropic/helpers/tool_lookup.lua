--- Which tool answers a call: the one that fits exactly, as long as it is not withdrawn.
--
--     local find = tool_lookup.new(request.tools, request.messages)
--     local tool = find(block)     -- nil if none fits, or more than one
--
-- A tool answers to its `name`. A toolset of the API's has no name: it answers if `toolset_name` is that of its
-- type, `computer` for `computer_toolset_20260801`, and the block's `name` tells its members apart.
--
-- A tool is withdrawn if a `tool_removal` names it: in a system message of the history, or among the changes that a
-- compaction has kept. Only a `tool_addition` in a system message of the caller's adds a tool again; one that a server
-- sent never does.

local json = require "anthropic.base.json"
local parts = require "anthropic.message.parts"
local tools = require "anthropic.helpers.tools"

local tool_lookup = {}

-- The name of a toolset, in its type.
local TOOLSET = "^(.+)_toolset_%d+$"

-- Blocks that hold changes of tools, and the member that has them.
local HOLDERS = { mid_conv_system = "content", compaction = "tool_changes" }

-- What a change refers to: its member with the name, or with a definition that has one. Tools of MCP servers run there.
local REFERENCES = { tool_reference = "name", tool_definition = "definition" }

local function toolset_of(kind)
  return type(kind) == "string" and kind:match(TOOLSET) or nil
end

local function fits(tool, block)
  local set = toolset_of(tool.type)
  if set then
    return set == block.toolset_name
  end
  return tool.name == block.name
end

-- --- what is withdrawn ---------------------------------------------------------------------------

-- A table that a history may hold as JSON.
local function plain(value)
  if json.is_raw(value) then
    value = json.decode((json.encode(value)))
  end
  return type(value) == "table" and value or {}
end

-- A toolset may be referred to by its name or by its type.
local function key_of(name)
  return toolset_of(name) or parts.word(name)
end

-- What a change refers to, and the definition of a tool that comes with it.
local function referred(change)
  local reference = plain(change.tool)
  local value = reference[REFERENCES[reference.type]]
  if type(value) ~= "table" then
    return key_of(value)
  end
  local definition = plain(value)
  return key_of(definition.name) or key_of(definition.type), value
end

local CHANGES = { tool_removal = true, tool_addition = true }

-- Calls a function with each change that a message tells, and with whether it is the caller's.
local function each_change(message, f)
  message = plain(message)
  local is_system = message.role == "system"
  local is_callers = is_system and message.type ~= "message" -- which an answer has
  local function see(change)
    if CHANGES[change.type] then
      f(change, is_callers)
    end
  end
  for _, value in ipairs(plain(message.content)) do
    local block = plain(value)
    if is_system or block.type == "compaction" then
      see(block)
      for _, held in ipairs(plain(block[HOLDERS[block.type]])) do
        see(plain(held))
      end
    end
  end
end

local function apply(self, change, is_callers)
  local key, definition = referred(change)
  if not key then
    return
  elseif change.type == "tool_removal" then
    self.withdrawn[key] = true
  elseif is_callers then
    self.withdrawn[key] = nil
    self.tools[#self.tools + 1] = tools.is(definition) and definition or nil
  end
end

--- The key of what a change is about: changes of the same thing have the same key. nil if a change names nothing.
---@param change table a `tool_addition` or a `tool_removal`
---@return string?
function tool_lookup.key_of(change)
  local reference = plain(change.tool)
  local server = parts.word(reference.server_name) or parts.word(plain(reference.definition).mcp_server_name)
  if server then
    return ("mcp %s %s"):format(server, parts.word(reference.name) or "")
  end
  return (referred(change))
end

--- The last change of each thing in a history.
---@param messages table[]
---@return table<string, table> changes by their keys
function tool_lookup.last_changes(messages)
  local last = {}
  for _, message in ipairs(messages) do
    each_change(message, function(change)
      local key = tool_lookup.key_of(change)
      if key then
        last[key] = change
      end
    end)
  end
  return last
end

-- --- what fits -----------------------------------------------------------------------------------

local function find(self, block)
  if not parts.word(block.name) or self.withdrawn[key_of(block.name)] then
    return nil
  end
  local found
  for _, tool in ipairs(self.tools) do
    if tools.is(tool) and tool ~= found and fits(tool, block) then
      if found then
        return nil
      end
      found = tool
    end
  end
  local set = found and toolset_of(found.type)
  if set and self.withdrawn[set] then
    return nil
  end
  return found, set
end

--- The tools as they stand after a history.
---@param list? table[] a request's
---@param messages table[]
---@return fun(block: table): anthropic.Tool?, string? find the tool for a tool_use block; the name of a toolset
function tool_lookup.new(list, messages)
  local self = { tools = {}, withdrawn = {} }
  for i, tool in ipairs(list or {}) do
    self.tools[i] = tool
  end
  for _, message in ipairs(messages) do
    each_change(message, function(change, is_callers)
      apply(self, change, is_callers)
    end)
  end
  return function(block)
    return find(self, block)
  end
end

return tool_lookup
