-- A mod of a Luanti server, whose mod security keeps `require` and `package` from mods.

local background = require "spec.support.background"
local child = require "spec.support.child"
local directory = require "spec.support.directory"
local socket = require "socket"
local testing = require "anthropic.testing"

local function program()
  local pipe = assert(io.popen "PATH=$PATH:/usr/games; command -v luantiserver || command -v minetestserver")
  local path = pipe:read "*l"
  pipe:close()
  return path
end

local function free_port()
  local bound = assert(socket.udp())
  assert(bound:setsockname("127.0.0.1", 0))
  local _, port = bound:getsockname()
  bound:close()
  return port
end

local SETTINGS = [[
secure.enable_security = true
secure.trusted_mods = npc
server_announce = false
bind_address = 127.0.0.1
port = %d
]]

local WORLD = [[
gameid = empty
backend = dummy
auth_backend = files
player_backend = dummy
mod_storage_backend = files
]]

describe("in Luanti", function()
  local server, folder

  before_each(function()
    folder = directory.new()
  end)

  after_each(function()
    server:stop()
    folder:remove()
  end)

  it("the example's villager answers while the server goes on, and other mods get no `require`", function()
    local luanti = program()
    if not luanti then
      pending "Luanti's server is not installed"
      return
    end
    server = testing.server { script = {
      testing.stream { text = "Good day. It rains.", delay_between = 0.05 },
    } }
    os.execute(("mkdir -p %s/games/empty/mods %s/world/worldmods"):format(folder.root, folder.root))
    os.execute(("cp -r examples/luanti %s/world/worldmods/npc"):format(folder.root))
    os.execute(("cp -r spec/support/luanti_player %s/world/worldmods/player"):format(folder.root))
    folder:write("games/empty/game.conf", "title = empty\n")
    folder:write("world/world.mt", WORLD)
    folder:write("settings", SETTINGS:format(free_port()))
    local output = background.output_of(([[
      eval "$(make -s env LUA=luajit)"
      HOME=%s ANTHROPIC_API_KEY=k ANTHROPIC_MODEL=m ANTHROPIC_BASE_URL=%s MINETEST_SUBGAME_PATH=%s/games \
        timeout -s INT 30 %s --world %s/world --gameid empty --config %s/settings 2>&1]]):format(
      folder.root, server.url, folder.root, child.quote(luanti), folder.root, folder.root))
    assert.matches("SAID singleplayer: <Villager> Good day%.\n", output)
    assert.matches("SAID singleplayer: <Villager> It rains%.\n", output)
    local steps, can_load, modules = output:match "STEPS (%d+), can load: (%a+), sees modules: (%a+)"
    assert.is_true(tonumber(steps) >= 2, output)
    assert.same({ "false", "nil" }, { can_load, modules }, output)
    assert.equal("Hello?", server:requests()[1].json.messages[1].content)
  end)
end)
