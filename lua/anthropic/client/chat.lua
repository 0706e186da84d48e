--- Asking a question and holding a conversation, on the public API alone.
--
--     print(client:ask("Why is the sky blue?"))
--
--     local chat = client:chat { model = "claude-sonnet-5-5", system = "Be brief." }
--     print(chat:say("My name is Ada."))
--     for text in chat:stream("What is my name?") do io.write(text) end
--
-- A conversation keeps the whole answers, thinking and signatures included. A turn that fails
-- leaves the history as it was.

local chat = {}

local DEFAULT_MAX_TOKENS = 4096

local function complete(params)
  if params ~= nil and type(params) ~= "table" then
    error("params: table expected, got " .. type(params), 3)
  end
  local whole = { max_tokens = DEFAULT_MAX_TOKENS }
  for name, value in pairs(params or {}) do
    whole[name] = value
  end
  whole.stream = nil -- say and stream differ in that
  return whole
end

local function check_prompt(prompt)
  if type(prompt) ~= "string" and type(prompt) ~= "table" then
    error("a string or a list of content blocks expected, got " .. type(prompt), 3)
  end
end

--- See Client:ask.
function chat.ask(client, prompt, params)
  check_prompt(prompt)
  params = complete(params)
  params.messages = { { role = "user", content = prompt } }
  local message, err = client.messages.create(params)
  if not message then
    return nil, err
  end
  return message:text(), message
end

---@class anthropic.Chat
---@field messages table[] the history, yours to read and to change between turns
local Chat = {}
Chat.__index = Chat

--- See Client:chat.
function chat.new(client, params)
  params = complete(params)
  local history = params.messages or {}
  params.messages = nil
  return setmetatable({ client = client, params = params, messages = history }, Chat)
end

-- The history with one more turn of the user's.
local function with_turn(self, prompt)
  local turns = {}
  for i, message in ipairs(self.messages) do
    turns[i] = message
  end
  turns[#turns + 1] = { role = "user", content = prompt }
  local params = {}
  for name, value in pairs(self.params) do
    params[name] = value
  end
  params.messages = turns
  return params
end

-- The API refuses messages without content.
local function remember(self, params, message)
  if #message.content > 0 then
    params.messages[#params.messages + 1] = message
  end
  self.messages = params.messages
end

-- An answer that was left before its end: its text counts as said.
local function settle(self)
  local open = self.open
  self.open = nil
  if not open then
    return
  end
  local text = open.stream:snapshot():text()
  open.stream:close()
  if text:match("%S") then
    remember(self, open.params, { role = "assistant", content = text:gsub("%s+$", "") .. "" })
  end
end

--- Says something and waits for the whole answer.
---@param prompt string|table text, or a list of content blocks
---@param options? anthropic.Options
---@return string|nil text of the answer
---@return anthropic.Message|anthropic.Error
function Chat:say(prompt, options)
  check_prompt(prompt)
  settle(self)
  local params = with_turn(self, prompt)
  local message, err = self.client.messages.create(params, options)
  if not message then
    return nil, err
  end
  remember(self, params, message)
  return message:text(), message
end

-- An answer that comes, as the iterator over its text: no closure, as stream/init.lua's are.
local Answer = {}

function Answer:__call()
  local owner = self.chat
  local is_open = owner.open == self
  if is_open then
    owner.open = nil -- stays so when the next line raises
  end
  local text = self.next_text()
  if is_open and text then
    owner.open = self
  elseif is_open then
    remember(owner, self.params, self.stream:message())
  end
  return text
end

--- Says something and iterates over the text of the answer as it comes. Raises the error on
--- failure. An answer that is left early is remembered as far as it came.
---@param prompt string|table
---@param options? anthropic.Options
---@return fun(): string?
function Chat:stream(prompt, options)
  check_prompt(prompt)
  settle(self)
  local params = with_turn(self, prompt)
  local stream, err = self.client.messages.stream(params, options)
  if not stream then
    error(err, 0)
  end
  self.open = setmetatable({
    chat = self,
    stream = stream,
    params = params,
    next_text = stream:text_deltas(),
  }, Answer)
  return self.open
end

return chat
