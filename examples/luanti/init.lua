-- A mod for Luanti: "/ask WORDS" has a villager answer in the chat, sentence by sentence, while the server goes on.
--
-- Mod security keeps `require` from mods. One that stands in `secure.trusted_mods` gets it back from an environment
-- of its own; the library takes it while it is lent, and nobody else sees it.

local environment = minetest.request_insecure_environment()
assert(environment, "add " .. minetest.get_current_modname() .. " to secure.trusted_mods")

local function load_library()
  local before = { require = rawget(_G, "require"), package = rawget(_G, "package") }
  rawset(_G, "require", environment.require)
  rawset(_G, "package", environment.package)
  local ok, anthropic, frame = pcall(function()
    local anthropic = environment.require "anthropic"
    anthropic.preload()
    return anthropic, environment.require "anthropic.loop.frame"
  end)
  rawset(_G, "require", before.require)
  rawset(_G, "package", before.package)
  return assert(ok and anthropic, anthropic), frame
end

local anthropic, frame = load_library()
local client = anthropic.new {} -- ANTHROPIC_API_KEY, ANTHROPIC_BASE_URL, ANTHROPIC_MODEL

minetest.register_globalstep(function()
  frame.update()
end)

local function ask(name, words)
  local sentence = ""
  client.messages.stream({
    max_tokens = 300,
    system = "You are a villager in a world of blocks. Answer in two short sentences.",
    messages = { { role = "user", content = words } },
  }, {
    on_text = function(text)
      sentence = sentence .. text
      local last = sentence:find "[.!?] "
      if last then
        minetest.chat_send_player(name, "<Villager> " .. sentence:sub(1, last))
        sentence = sentence:sub(last + 2)
      end
    end,
    on_done = function(message, err)
      minetest.chat_send_player(name, message and "<Villager> " .. sentence or "The villager is silent: " .. err)
      minetest.log("action", "villager: " .. (message and message:text() or tostring(err)))
    end,
  })
end

minetest.register_chatcommand("ask", {
  params = "<words>",
  description = "Ask the villager",
  func = function(name, words)
    ask(name, words)
    return true
  end,
})
