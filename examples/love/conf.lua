-- A window for the character; the modules of LÖVE that it does not need are off.

function love.conf(t)
  t.identity = "anthropic-love"
  t.window.title = "A character that answers"
  t.window.width, t.window.height = 800, 500
  for _, name in ipairs { "audio", "sound", "physics", "joystick", "video" } do
    t.modules[name] = false
  end
end
