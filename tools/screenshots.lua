-- Pictures of the chat page for the docs, in doc/images or the directory that is named: `make screenshots`.

local background = require "spec.support.background"
local nginx = require "spec.support.nginx"
local testing = require "anthropic.testing"

local QUESTION = "Why is the sky blue, and how would I compute it in Lua?"

local ANSWER = [[
Sunlight holds every colour. Air scatters **short waves more than long ones**, so blue reaches you from all over
the sky. This is *Rayleigh scattering*: it grows with the fourth power of the frequency.

| colour | wavelength | scattered |
|:--|--:|--:|
| red | 700 nm | 1.0 |
| green | 550 nm | 2.6 |
| blue | 450 nm | 5.9 |

The whole computation fits in a few lines:

```lua
local function scattered(wavelength, reference)
  return ((reference or 700) / wavelength) ^ 4 -- relative to red
end

for name, wavelength in pairs { red = 700, green = 550, blue = 450 } do print(name, scattered(wavelength)) end
```

Two things follow:

1. **Sunsets are red.** Light that crosses more air has lost its blue.
2. **Clouds are white.** Droplets are large, and scatter all colours alike.
]]

local THINKING = "The reader wants the cause and a formula. Rayleigh scattering goes with the inverse fourth power of "
  .. "the wavelength: a table of three colours and a short function will do. "

local directory = background.absolute(arg[1] or "doc/images")
local service = testing.server { script = { routes = {
  { body_contains = "And on Mars", answers = { testing.stream {
    model = "claude-sonnet-5-5",
    text = "On Mars the dust does it: by day the sky is",
    error = { type = "overloaded_error", message = "Overloaded" },
  } } },
  { answers = { testing.stream {
    model = "claude-sonnet-5-5",
    thinking = THINKING,
    text = ANSWER,
    usage = { input_tokens = 38, output_tokens = 412 },
    delay_between = 0.008,
  } } },
} } }
local server = nginx.start_example {
  environment = ("ANTHROPIC_API_KEY=test-key ANTHROPIC_BASE_URL=%s"):format(service.url),
}
local of_browser = background.make_directory()
local output, code = background.output_of(("mkdir -p %s && timeout 90 node tools/screenshots.mjs %s/ %s %s %s 2>&1")
  :format(directory, server.url, of_browser, directory, background.quote(QUESTION)))
os.execute("rm -rf " .. of_browser)
service:stop()
local complaints = server:stop()
if code ~= 0 or complaints ~= "" then
  io.stderr:write(output, complaints, "\n")
  os.exit(1)
end
