local child = require "spec.support.child"
local testing = require "anthropic.testing"

describe("file descriptors", function()
  -- What a program writes that may have so few.
  local function run(program)
    local path = os.tmpname()
    local file = assert(io.open(path, "w"))
    file:write(program)
    file:close()
    local pipe = assert(io.popen(("(ulimit -n 32; exec %s %s) 2>&1"):format(child.interpreter(), path)))
    local output = pipe:read "*a"
    pipe:close()
    os.remove(path)
    return output
  end

  local TAKE_ALL = [[
    local files = {}
    local function has_taken_all()
      local before = #files
      files[before + 1] = io.open "/dev/null"
      return #files == before
    end
    local function take()
      while not has_taken_all() do end
    end
  ]]

  it("are out where none is left, and not where one is", function()
    assert.equal("false true false", run([[
      local descriptors = require "anthropic.base.descriptors"
      local before = descriptors.are_out()
    ]] .. TAKE_ALL .. [[
      take()
      local without = descriptors.are_out()
      files[#files]:close()
      io.write(tostring(before), " ", tostring(without), " ", tostring(descriptors.are_out()))
    ]]))
  end)

  it("are taken for left in a host without io", function()
    assert.equal("false", run([[
      local write = io.write
      io = nil
      write(tostring(require("anthropic.base.descriptors").are_out()))
    ]]))
  end)

  it("are named where a module cannot be loaded without one, and it is loaded later", function()
    local output = run([[
      local anthropic = require "anthropic"
      local client = anthropic.new { base_url = "http://127.0.0.1:9", api_key = "k", max_retries = 0 }
    ]] .. TAKE_ALL .. [[
      take()
      local params = { model = "m", max_tokens = 1, messages = { { role = "user", content = "Hello" } } }
      local function ask()
        return client.messages.create(params)
      end
      local _, problem = pcall(ask)
      for i = 1, 10 do
        table.remove(files):close()
      end
      local _, err = ask()
      io.write(tostring(problem), "|", tostring(err and err.kind))
    ]])
    assert.matches("^anthropic: the module anthropic%.[%w._]+ cannot be loaded: no file descriptor is left: ", output)
    assert.matches("; anthropic%.preload%(%) loads all before|connection$", output)
    assert.is_nil(output:find("not found", 1, true))
  end)

  -- Most answers of the API have a null.
  local WHOLE = '{"id":"m","type":"message","role":"assistant","model":"m","content":[{"type":"text","text":"Hello"}],'
    .. '"stop_reason":null,"usage":{"input_tokens":1,"output_tokens":1}}'

  for name, answers in pairs {
    ["whole answers"] = { { headers = { ["content-type"] = "application/json" }, body = WHOLE } },
    streams = { { events = {
      { event = "message_start",
        data = '{"type":"message_start","message":' .. WHOLE:gsub("{[^{}]*Hello[^{}]*}", "") .. "}" },
      { event = "content_block_start",
        data = '{"type":"content_block_start","index":0,"content_block":{"type":"text","text":"Hello","cited":null}}' },
      { event = "content_block_stop", data = '{"type":"content_block_stop","index":0}' },
      { event = "message_stop", data = '{"type":"message_stop"}' },
    } } },
  } do
    it("may all be gone when the first " .. name .. " come", function()
      local server = testing.server { script = answers }
      local output = run(([[
        local anthropic = require "anthropic"
        local client = anthropic.new { base_url = %q, api_key = "k", max_retries = 0 }
      ]]):format(server.url) .. TAKE_ALL .. ([[
        local ok, text = pcall(function()
          local params = { model = "m", max_tokens = 1, messages = { { role = "user", content = "Hello" } } }
          local answer = assert(client.messages.%s(params, { on_log = function(record)
            if record.event == "response" then
              take()
            end
          end }))
          return (answer.message and answer:message() or answer):text()
        end)
        io.write(tostring(text))
      ]]):format(name == "streams" and "stream" or "create"))
      server:stop()
      assert.equal("Hello", output)
    end)
  end
end)
