-- parrot.nvim, asked as its commands ask; see README.md.

local parrot = {}

local jobs = {} -- of the library

-- Its curl is a job of plenary's.
local function use_library()
  local example, Job = require "bench.plugins.example", require "plenary.job"
  local new = Job.new
  function Job:new(options)
    if options.command ~= "curl" then
      return new(self, options)
    end
    local job, lines = { pid = "none" }, {}
    function job.result()
      return lines
    end
    function job.start()
      job.handle = example.run_curl(options.args, options.writer, function(line)
        lines[#lines + 1] = line
        options.on_stdout(nil, line)
      end, function(exit)
        job.handle = nil
        options.on_exit(job, exit)
      end)
      jobs[#jobs + 1] = job.handle
    end
    return job
  end
  require("anthropic").preload()
  return true
end

local function anthropic_headers(self)
  return { ["Content-Type"] = "application/json", ["x-api-key"] = self.api_key, ["anthropic-version"] = "2023-06-01" }
end

function parrot.setup(url)
  local function provider(name, path, headers)
    return {
      name = name, endpoint = url .. path, api_key = os.getenv "BENCH_KEY", headers = headers, models = { "model" },
      params = { chat = {}, command = {} },
    }
  end
  require("parrot").setup {
    providers = {
      anthropic = provider("anthropic", "/v1/messages", anthropic_headers),
      openai = provider("openai", "/v1/chat/completions"),
    },
  }
  return use_library
end

function parrot.ask(name, prompt, on_text, on_error, on_done)
  local config = require "parrot.config"
  local handler = config.chat_handler
  require("parrot.logger").error = function(words, context)
    on_error(words .. " " .. (context and vim.inspect(context) or ""))
  end
  handler:query(nil, require("parrot.provider").init_provider(config.providers[name]), {
    model = "model", stream = true, messages = { { role = "user", content = prompt } },
  }, vim.schedule_wrap(function(_, text)
    on_text(text)
  end), vim.schedule_wrap(on_done))
  return function()
    for _, job in ipairs(jobs) do
      job:shutdown()
    end
    handler:stop()
  end
end

return parrot
