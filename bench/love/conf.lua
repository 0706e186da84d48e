function love.conf(t)
  t.window.width, t.window.height, t.window.vsync = 320, 200, 0
  for _, name in ipairs { "audio", "sound", "physics", "joystick", "video", "touch" } do
    t.modules[name] = false
  end
end
