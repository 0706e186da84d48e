-- The command of the plugin in lua/ask.lua, which is loaded when it is first used.

vim.api.nvim_create_user_command("Ask", function(command)
  require("ask").ask(command.args)
end, { nargs = "+", desc = "Ask a question, and stream the answer into a new buffer" })
