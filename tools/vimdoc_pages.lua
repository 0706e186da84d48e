-- What stands in Neovim's help, in which order, and under which tags: the data of tools/vimdoc.lua.

local GUIDE = {
  { page = "how-to/install.md", tag = "anthropic-install" },
  {
    page = "how-to/neovim.md", tag = "anthropic-neovim",
    sections = {
      ["Stream an answer into a buffer"] = "anthropic-stream", ["A chat buffer with a history"] = "anthropic-chat",
      ["Ask before a tool runs"] = "anthropic-approval", ["What blocks"] = "anthropic-blocking",
      ["With other libraries for coroutines"] = "anthropic-async", ["JSON"] = "anthropic-json",
    },
  },
  { page = "how-to/options.md", tag = "anthropic-options" },
  { page = "how-to/errors.md", tag = "anthropic-errors" },
  { page = "how-to/retries-and-timeouts.md", tag = "anthropic-retries" },
  {
    page = "how-to/tls-and-proxies.md", tag = "anthropic-tls",
    sections = { ["Go through a proxy"] = "anthropic-proxies" },
  },
  {
    page = "how-to/tools.md", tag = "anthropic-tools",
    sections = { ["Define a tool and let it run"] = "anthropic-run" },
  },
  { page = "how-to/structured-output.md", tag = "anthropic-parse" },
  { page = "how-to/usage-and-cost.md", tag = "anthropic-usage" },
  { page = "how-to/saving-and-resuming.md", tag = "anthropic-saving" },
  { page = "how-to/prompt-caching.md", tag = "anthropic-caching" },
  { page = "how-to/images-and-pdfs.md", tag = "anthropic-images" },
  { page = "how-to/many-requests.md", tag = "anthropic-many" },
  { page = "how-to/batches.md", tag = "anthropic-batches" },
  { page = "how-to/ctrl-c.md", tag = "anthropic-cancel" },
  { page = "how-to/gateways.md", tag = "anthropic-gateways" },
  { page = "how-to/http-transport.md", tag = "anthropic-http" },
  { page = "how-to/testing.md", tag = "anthropic-testing" },
  { page = "how-to/debugging.md", tag = "anthropic-debugging" },
}

local OTHER_HOSTS = { openresty = true, games = true, ["event-loops"] = true, ["from-other-sdks"] = true }

local GUIDE_TEXT = [[
The library for a plugin's author: how to do one thing at a time. What each
function takes and returns is in |anthropic-reference.txt|. Beside these two
files are a tutorial, explanations, and pages for other hosts (doc/README.md).
`:checkhealth anthropic` says what is missing.]]

local REFERENCE_TEXT = [[
Every public function, option and field. A `?` behind a name or a type: it may
be absent. Times are in seconds, sizes in bytes. How to do one thing at a time
is in |anthropic.txt|. The fields of the API's own requests and answers are in
doc/reference/types.md, and in types/anthropic.lua for language servers.]]

-- Pages of the reference that are only named in help: what is in them are the API's own types.
local LEFT_OUT = { README = true, types = true }

return {
  guide = GUIDE,
  other_hosts = OTHER_HOSTS,
  guide_text = GUIDE_TEXT,
  reference_text = REFERENCE_TEXT,
  left_out = LEFT_OUT,
}
