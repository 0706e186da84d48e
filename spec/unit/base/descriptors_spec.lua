local child = require "spec.support.child"

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
end)
