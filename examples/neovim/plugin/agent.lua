-- The command of the agent in lua/agent.lua, which is loaded when it is first used.

vim.api.nvim_create_user_command("Agent", function(command)
  require("agent").start(command.args)
end, { nargs = "+", desc = "Let the model work on this buffer, with your approval" })
