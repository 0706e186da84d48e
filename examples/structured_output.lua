-- Gets an answer as a Lua table of a given form.
--
--     ANTHROPIC_API_KEY=... lua examples/structured_output.lua

local anthropic = require "anthropic"

local client = anthropic.new()

local message = assert(client.messages.parse {
  model = "claude-sonnet-5-5",
  max_tokens = 1024,
  schema = {
    type = "object",
    properties = {
      name = { type = "string" },
      minutes = { type = "integer", minimum = 1 },
      ingredients = {
        type = "array",
        items = {
          type = "object",
          properties = { name = { type = "string" }, grams = { type = "number" } },
          required = { "name", "grams" },
        },
      },
    },
    required = { "name", "ingredients" },
  },
  messages = { { role = "user", content = "A recipe for pancakes, please." } },
})

local recipe = message.parsed
if not recipe then
  print("no recipe: " .. message.parse_error)
  os.exit(1)
end
print(("%s, %g minutes"):format(recipe.name, recipe.minutes or 0))
for _, ingredient in ipairs(recipe.ingredients) do
  print(("  %g g %s"):format(ingredient.grams, ingredient.name))
end
