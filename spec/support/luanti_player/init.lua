-- Plays a player of the example: asks once, shows what is said, counts the server's steps, and ends it.

local steps, said = 0, 0

minetest.register_globalstep(function()
  steps = steps + 1
end)

minetest.chat_send_player = function(name, text) -- luacheck: ignore 122
  said = said + 1
  print(("SAID %s: %s"):format(name, text))
  if said == 2 then
    local can_load = pcall(rawget(_G, "require"), "socket")
    print(("STEPS %d, can load: %s, sees modules: %s"):format(steps, tostring(can_load), tostring(package.loaded)))
    minetest.request_shutdown()
  end
end

minetest.after(0, function()
  minetest.registered_chatcommands.ask.func("singleplayer", "Hello?")
end)
