-- A client whose requests need no server: each is answered by the next of the answers given, and all that is Lua
-- above the transfer is the real one.
--
--     local client = played_client { { body = "{...}" }, { status = 529, body = "{...}" } }
--
-- An answer's `body` is all there when it is asked for. The last answer is that of all further requests.

local anthropic = require "anthropic"
local loop = require "anthropic.loop"
local core = require "anthropic.core"

local MAX_EVENT_BYTES = 32 * 1024 * 1024

local Transfer = {}
Transfer.__index = Transfer

function Transfer:status()
  return self.answer.status or 200
end

function Transfer:headers()
  local lines = { "HTTP/1.1 200 OK", "retry-after-ms: 0.001" }
  for name, value in pairs(self.answer.headers or {}) do
    lines[#lines + 1] = name .. ": " .. value
  end
  return table.concat(lines, "\r\n") .. "\r\n\r\n"
end

-- As a transfer's, of which all has come.
function Transfer:form()
  local first = self.answer.body:find "%S"
  if not first then
    return nil, "done"
  elseif self.answer.body:find("^[{%[\"]", first) then
    return "json"
  end
  return self.answer.body:find("^%a*:", first) and "events" or "text"
end

function Transfer:event()
  if not self.decoder then
    self.decoder = core.sse(MAX_EVENT_BYTES)
    self.decoder:feed(self.answer.body)
  end
  local data, name = self.decoder:next()
  if data or name ~= "again" then
    return data, name
  end
  return nil, "done"
end

Transfer.next_event, Transfer.next_text, Transfer.skip_deltas = Transfer.event, Transfer.event, Transfer.event

function Transfer:line()
  local body, first = self.answer.body, self.read
  local last = body:find("\n", first, true)
  if last then
    self.read = last + 1
    return body:sub(first, last - 1)
  end
  self.read = #body + 1
  return nil, "done", body:sub(first)
end

function Transfer:body()
  return self.answer.body
end

function Transfer:pieces()
  return { { 0, self.answer.body } }
end

function Transfer.timings()
  return {}
end

for _, name in ipairs { "done", "has_news" } do
  Transfer[name] = function()
    return true
  end
end

for _, name in ipairs { "rest", "follow", "failure", "close", "limit" } do
  Transfer[name] = function() end
end

---@param answers { status?: integer, headers?: table<string, string>, body: string }[]
---@param options? table further ones
---@return anthropic.Client
return function(answers, options)
  local given = { base_url = "http://127.0.0.1:9", api_key = "test-key", proxy = "", max_retries = 2 }
  for name, value in pairs(options or {}) do
    given[name] = value
  end
  local client, position = anthropic.new(given), 0
  local make, core_of = client.exchange, loop.core
  local player = {}

  function player.start()
    position = position + 1
    return setmetatable({ answer = answers[position] or answers[#answers], read = 1 }, Transfer)
  end

  local function play()
    return player
  end

  rawset(client, "exchange", function(self, ...)
    local exchange, err = make(self, ...)
    if exchange then
      local attempt = exchange.attempt
      function exchange.attempt(one)
        loop.core = play
        local ok, result, problem = pcall(attempt, one)
        loop.core = core_of
        if not ok then
          error(result, 0)
        end
        return result, problem
      end
    end
    return exchange, err
  end)
  return client
end
