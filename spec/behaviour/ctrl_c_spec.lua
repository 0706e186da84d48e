-- Ctrl-C in a plain program: a process of its own is interrupted where it waits.

local background = require "spec.support.background"
local child = require "spec.support.child"
local core = require "anthropic.core"
local socket = require "socket"
local testing = require "anthropic.testing"

local PROGRAM = [[
  local anthropic = require "anthropic"
  local client = anthropic.new { base_url = "%s", api_key = "k", max_retries = 0 }
  local params = { model = "m", max_tokens = 9, messages = { { role = "user", content = "Hello" } } }
  local function say(...)
    io.write(...)
    io.write "\n"
    io.flush()
  end
  say "begins"
  %s
]]

describe("Ctrl-C in a plain program", function()
  local server, program

  local function serve(...)
    server = testing.server { script = { ... } }
  end

  local function start(code)
    local path = os.tmpname()
    background.write_file(path, PROGRAM:format(server.url, code))
    program = child.command(child.quote(child.interpreter()) .. " " .. path)
    assert.equal("begins", program.first_line)
  end

  -- Waits until so many requests have come, and a little, so that the program waits by then.
  local function until_requests(count)
    local deadline = core.now() + 10
    while #server:requests() < count and core.now() < deadline do
      socket.sleep(0.01)
    end
    socket.sleep(0.05)
  end

  local function interrupt()
    os.execute("kill -INT " .. program.pid)
  end

  local function output()
    return program.pipe:read "*a" .. background.read_file(program.errors)
  end

  after_each(function()
    program:stop()
    server:stop()
  end)

  it("ends a request with an error of kind cancelled, and the program goes on", function()
    serve({ hang = true }, testing.message { text = "fine" })
    start [[
      local message, err = client.messages.create(params)
      say(tostring(message), " ", err.kind, " ", err.attempts)
      say(client.messages.create(params):text())
    ]]
    until_requests(1)
    interrupt()
    assert.equal("nil cancelled 1\nfine\n", output())
    assert.equal(2, #server:requests())
  end)

  it("ends a stream with what had arrived", function()
    serve(testing.stream { text = "one two three", pieces = 3, hang_after = 700 })
    start [[
      local stream = client.messages.stream(params)
      local message, err = stream:message()
      say(tostring(message), " ", err.kind, " ", err.partial:text())
      say(tostring(select(2, stream:next()) == err))
    ]]
    until_requests(1)
    socket.sleep(0.1)
    interrupt()
    local text = output()
    assert.matches("^nil cancelled one[ %a]*\ntrue\n$", text)
  end)

  it("ends a sleep, and the wait before a retry", function()
    serve(testing.error { status = 529, retry_after = 30 })
    start [[
      local err = select(2, client.messages.create(params, { max_retries = 1 }))
      say(err.kind, " ", err.attempts)
    ]]
    until_requests(1)
    interrupt()
    assert.equal("cancelled 1\n", output())
    program:stop()
    start [[say(select(2, anthropic.sleep(60)).kind)]]
    socket.sleep(0.3)
    interrupt()
    assert.equal("cancelled\n", output())
  end)

  it("is the host's within a second of the one before, and elsewhere", function()
    serve({ hang = true }, { hang = true })
    start [[
      say(select(2, client.messages.create(params)).kind)
      client.messages.create(params)
      say "goes on"
    ]]
    until_requests(1)
    interrupt()
    until_requests(2)
    interrupt()
    local text = output()
    assert.matches("^cancelled\n.*interrupted!", text)
    assert.is_nil(text:find "goes on")
    program:stop()
    start [[
      if rawget(_G, "jit") then
        jit.off() -- compiled code looks for no interrupt
      end
      repeat until false
    ]]
    socket.sleep(0.1)
    interrupt()
    assert.matches("interrupted!", output())
  end)
end)
