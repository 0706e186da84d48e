-- Which file stands on which page of the reference, and under which names: the data of tools/reference.lua.

-- `files`: their functions and classes; `classes`: of other files; `modules`: file -> how users name its table;
-- `methods`: file -> how names begin there, and how users write that.
local PAGES = {
  {
    name = "anthropic", title = "Module anthropic", about = "making clients, JSON, content blocks, tasks",
    files = { "init.lua" }, modules = { ["init.lua"] = "anthropic" },
  },
  {
    name = "options", title = "Options", about = "of a client and of one request; log records",
    classes = { "anthropic.Options", "anthropic.Timeouts", "anthropic.RetryInfo" }, begins_with_classes = true,
    files = { "http/log.lua" },
  },
  {
    name = "client", title = "Client", about = "`client:request`, `ask`, `chat`, `close`",
    files = { "client/init.lua" },
  },
  { name = "chat", title = "Chat", about = "questions and conversations", files = { "client/chat.lua" } },
  {
    name = "messages", title = "Messages", about = "`client.messages`: `create`, `stream`, `parse`, `run`, `map`",
    files = { "client/messages.lua", "helpers/structured_output.lua", "helpers/concurrent.lua" },
    methods = { ["client/messages.lua"] = { "messages.methods.", "client.messages." } },
    classes = { "anthropic.MessageParams", "anthropic.StreamParams" },
  },
  {
    name = "tools", title = "Tools", about = "defining tools, and `messages.run`",
    files = {
      "helpers/run_params.lua", "helpers/tool_runner.lua", "helpers/tool_turn.lua", "helpers/tool_changes.lua",
      "helpers/tools.lua",
    },
  },
  { name = "message", title = "Message", about = "an answer", files = { "message/message.lua" } },
  {
    name = "stream", title = "Stream", about = "an answer as it comes",
    files = { "stream/init.lua", "stream/tool_inputs.lua", "stream/callbacks.lua" },
  },
  { name = "errors", title = "Errors", about = "every kind and type of error", files = { "base/error.lua" } },
  { name = "usage", title = "Usage", about = "`client.usage`: tokens and costs", files = { "message/usage.lua" } },
  {
    name = "batches", title = "Batches", about = "`client.messages.batches`: `run` and `results`",
    files = { "helpers/batches/init.lua", "helpers/batches/run.lua", "helpers/batches/results.lua" },
    methods = { ["helpers/batches/init.lua"] = { "batches.methods.", "client.messages.batches." } },
  },
  {
    name = "resources", title = "Resources", about = "every other method of the API; pages, uploads, downloads",
    files = { "api/pages.lua", "http/multipart.lua", "api/endpoint.lua" }, has_resources = true,
  },
  { name = "tasks", title = "Tasks", about = "what `anthropic.spawn` returns", files = { "loop/task.lua" } },
  {
    name = "loop", title = "Module anthropic.loop", about = "how the library waits; drivers",
    files = { "loop/init.lua", "loop/frame.lua", "loop/coroutines.lua" },
    modules = {
      ["loop/init.lua"] = "loop", ["loop/frame.lua"] = "loop.frame", ["loop/coroutines.lua"] = "loop.coroutines",
    },
  },
  {
    name = "testing", title = "Module anthropic.testing", about = "a local server for tests; recordings",
    files = {
      "testing/init.lua", "testing/script.lua", "testing/answers.lua", "testing/completions.lua",
      "testing/recording.lua",
    },
    modules = { ["testing/init.lua"] = "testing" },
  },
}

-- What a method's object is called; else the last word of its class in lower case.
local OBJECTS = {
  ["anthropic.Error"] = "err", ["anthropic.Usage"] = "client.usage", ["anthropic.ToolInputProgress"] = "progress",
  ["anthropic.BatchResults"] = "results", ["anthropic.RunReader"] = "reader",
  ["anthropic.Reader"] = "answer_reader",
}

-- Where the methods of a class stand that has no section.
local RESOURCE_PAGES = { ["anthropic.Messages"] = "messages.md", ["anthropic.Batches"] = "batches.md" }

-- Classes that are not for users.
local HIDDEN = { ["anthropic.RunReader"] = true, ["anthropic.Messages"] = true, ["anthropic.Batches"] = true }

-- Files whose text at the top is for developers.
local HEADERLESS = {
  ["testing/script.lua"] = true, ["testing/answers.lua"] = true, ["testing/completions.lua"] = true,
  ["testing/recording.lua"] = true, ["helpers/tool_turn.lua"] = true, ["api/endpoint.lua"] = true,
  ["http/multipart.lua"] = true, ["helpers/batches/run.lua"] = true, ["helpers/batches/results.lua"] = true,
}

return {
  pages = PAGES,
  objects = OBJECTS,
  resource_pages = RESOURCE_PAGES,
  hidden = HIDDEN,
  headerless = HEADERLESS,
}
