-- The library in luv, cqueues and Copas, under schedulers of somebody else's, in a game's frames and in
-- a plain program: the same results, and every host as it was. spec/support/event_loop_program.lua is
-- what runs there.

local anthropic = require "anthropic"
local host_scenarios = require "spec.support.host_scenarios"

local ALL = { "lua5.1", "lua5.3", "lua5.4", "luajit" }

local PLAIN = { name = "plain", luas = ALL, driver = "scheduler" }

-- A host, the Luas that Debian has it for, and its driver.
local HOSTS = {
  PLAIN,
  { name = "luv", luas = ALL, driver = "uv" },
  { name = "cqueues", luas = ALL, driver = "cqueues" },
  { name = "copas", luas = { "lua5.1", "luajit" }, driver = "copas" },
  { name = "polling", luas = ALL, driver = "yield" },
  { name = "resuming", luas = ALL, driver = "yield" },
  { name = "frames", luas = ALL, driver = "frame" },
}

local PROGRAMS = { "scenarios", "timers", "an_end", "an_unheard_error", "a_named_driver" }

local AT_ONCE = 20 -- programs; they mostly wait

local function start(host, lua, what, server)
  local command = ("unset LUA_PATH LUA_CPATH; eval \"$(make -s env LUA=%s)\"; LUA_PATH=\"./?.lua;$LUA_PATH\""
    .. " exec timeout -k 2 60 %s spec/support/event_loop_program.lua %s %s %s %s 2>&1"):format(
    lua, lua, host.name, what, server.url, host.driver)
  return { key = what .. host.name .. lua, pipe = assert(io.popen(command)), server = server }
end

local function finish(program)
  local output = program.pipe:read "*a"
  program.pipe:close()
  return (output:gsub("\n$", ""))
end

describe("the library", function()
  local outputs, running, servers = {}, {}, {}

  local function finish_first()
    local program = table.remove(running, 1)
    outputs[program.key] = finish(program)
    return program.server
  end

  -- All programs, several at a time, each with a server of its own.
  setup(function()
    for _, host in ipairs(HOSTS) do
      for _, lua in ipairs(host.luas) do
        for _, what in ipairs(PROGRAMS) do
          local server
          if #running == AT_ONCE then
            server = finish_first()
          else
            server = host_scenarios.server()
            servers[#servers + 1] = server
          end
          running[#running + 1] = start(host, lua, what, server)
        end
      end
    end
    while running[1] do
      finish_first()
    end
  end)

  teardown(function()
    for _, server in ipairs(servers) do
      server:stop()
    end
  end)

  local function output_of(what, host, lua)
    return outputs[what .. host.name .. lua]
  end

  for _, host in ipairs(HOSTS) do
    for _, lua in ipairs(host.luas) do
      describe(("in %s on %s"):format(host.name, lua), function()
        it("gives what it gives in a plain program: streams, errors, cancelling", function()
          local expected = assert(anthropic.decode(output_of("scenarios", PLAIN, "lua5.4")))
          local output = output_of("scenarios", host, lua)
          local seen = anthropic.decode(output)
          assert.is_table(seen, output)
          assert.equal(100, seen.many_streams.same)
          for name, result in pairs(expected) do
            assert.same({ [name] = result }, { [name] = seen[name] })
          end
        end)

        it("keeps nothing alive, neither after the end nor after a cancel", function()
          assert.equal('{"ended":true,"kinds":[true,"cancelled"]}', output_of("an_end", host, lua))
        end)

        it("has the host tell of an error that nobody joins", function()
          assert.matches("anthropic: api error 400 invalid_request_error: not so",
            output_of("an_unheard_error", host, lua), 1, true)
        end)

        it("takes its driver by name, and the driver itself", function()
          local text = anthropic.decode(output_of("scenarios", PLAIN, "lua5.4")).a_stream.message.value
          assert.same({ "Hello!", text }, anthropic.decode(output_of("a_named_driver", host, lua)))
        end)

        if host ~= PLAIN then
          it("lets the host's timer tick while streams flow", function()
            local seen = anthropic.decode(output_of("timers", host, lua))
            assert.equal(("word "):rep(100), seen.text)
            assert.is_true(seen.ticks > 30, "ticks: " .. seen.ticks)
            assert.is_true(seen.worst < 1, "the worst: " .. seen.worst .. " s late")
          end)
        end
      end)
    end
  end
end)

describe("in its own way", function()
  local server

  setup(function()
    server = host_scenarios.server()
  end)

  teardown(function()
    server:stop()
  end)

  local function check(name, lua, what, expected)
    assert.equal(expected, finish(start({ name = name, driver = "" }, lua, what, server)))
  end

  it("luv's loop is run by a call that comes before it, timers and all", function()
    check("luv", "lua5.4", "luv_outside", '{"text":500,"ticks":true}')
  end)

  it("luv says in a callback that nothing can wait there, and takes callbacks", function()
    check("luv", "lua5.4", "luv_callback", '{"err":"a callback of the event loop cannot wait: use anthropic.spawn, '
      .. 'or on_done of messages.stream","ok":false}\ntrue')
  end)

  it("cqueues has several controllers, also one inside another", function()
    check("cqueues", "lua5.4", "cqueues_controllers", '{"inner":"Hello!","joined":"Hello!","one":true,"two":true}')
  end)

  for _, lua in ipairs(ALL) do
    it("cqueues says where it cannot wait, on " .. lua, function()
      check("cqueues", lua, "cqueues_elsewhere", '["cqueues cannot wait here: wait in a coroutine of cq:wrap",'
        .. '"cqueues runs no controller here: call it in a coroutine of cq:wrap",'
        .. '"cqueues cannot wait in a coroutine inside one of its own: use cq:wrap or anthropic.spawn",'
        .. '"Hello!",true,"Hello!"]')
    end)
  end

  it("Copas waits in its threads alone, and begins callbacks before its loop", function()
    check("copas", "luajit", "copas_elsewhere",
      '["Copas cannot wait here: wait in a thread of copas.addthread","Hello!",true]')
  end)
end)
