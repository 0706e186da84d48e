std = "min"
max_line_length = 120
exclude_files = { "build", "node_modules" }
files["spec"] = { std = "max+busted" }
files["lua/anthropic/testing"] = { std = "max" }
for _, mod in ipairs { "examples/luanti", "spec/support/luanti_player" } do
  files[mod] = { std = "luajit", globals = { "minetest" } }
end
for _, path in ipairs { "examples/neovim", "examples/http/codecompanion.lua" } do
  files[path] = { globals = { "vim" } }
end
files["bench/plugins/"] = { std = "luajit", globals = { "vim" } }
for _, game in ipairs { "examples/love", "bench/love/", "spec/support/love_example" } do
  files[game] = { std = "luajit+love" }
end
files["*.rockspec"] = { std = "+rockspec" }
files["examples/openresty"] = { std = "+ngx_lua" }
