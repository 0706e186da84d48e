-- Shows what the model writes into a file while it writes it.
--
--     ANTHROPIC_API_KEY=... lua examples/tool_inputs.lua

local anthropic = require "anthropic"

local client = anthropic.new()

local stream = assert(client.messages.stream {
  model = "claude-sonnet-5-5",
  max_tokens = 4096,
  tools = {
    {
      name = "write_file",
      description = "Writes a text file. Give the path first.",
      input_schema = {
        type = "object",
        properties = { path = { type = "string" }, text = { type = "string" } },
        required = { "path", "text" },
      },
    },
  },
  messages = { { role = "user", content = "Write a poem into poem.txt, with the tool and no other words." } },
})

local shown_path, shown = false, 0 -- bytes of the text

for _, _, input, is_complete, progress in stream:tool_inputs() do
  if input.path and not shown_path then
    print("--- " .. input.path)
    shown_path = true
  end
  local path = progress:path()
  if input.text then -- it has ended: what is left of it
    io.write(input.text:sub(shown + 1))
    shown = #input.text
  elseif path and path[1] == "text" then
    io.write(progress:added())
    shown = shown + #progress:added()
  end
  io.flush()
  if is_complete then
    print(("\n--- %d bytes"):format(shown))
  end
end
