-- A plugin for Neovim: `:Ask why is the sky blue?` streams an answer into a buffer, Ctrl-C stops it.
--
-- Put this directory on the runtimepath, for instance with lazy.nvim:
--
--     { dir = "~/anthropic/examples/neovim", dependencies = { "anthropic" },
--       config = function() require("ask").setup { stop_key = "<Esc>" } end }
--
-- The callbacks come in Neovim's main loop, so they may call its whole API; Neovim stays responsive.

local api = vim.api

local ask = {}

local settings = {
  stop_key = "<C-c>",
  client = {}, -- options of anthropic.new
  request = {
    model = "claude-sonnet-5-5",
    max_tokens = 8000,
    thinking = { type = "adaptive", display = "summarized" },
  },
}

local namespace = api.nvim_create_namespace "ask"
local client -- of all questions; it keeps its connections

--- Changes settings, see above.
function ask.setup(given)
  settings = vim.tbl_deep_extend("force", settings, given or {})
  client = nil
end

-- A new window with the question as a heading.
local function open_buffer(question)
  vim.cmd "botright new"
  local buffer = api.nvim_get_current_buf()
  vim.bo.buftype, vim.bo.bufhidden, vim.bo.filetype = "nofile", "wipe", "markdown"
  vim.wo.wrap, vim.wo.linebreak = true, true
  api.nvim_buf_set_lines(buffer, 0, -1, true, { "# " .. question })
  return buffer
end

-- Where the buffer ends: line and column, from 0.
local function end_of(buffer)
  local line = api.nvim_buf_line_count(buffer) - 1
  return line, #api.nvim_buf_get_lines(buffer, line, line + 1, true)[1]
end

-- Adds text at the end. Windows whose cursor is on the last line follow.
local function append(buffer, text)
  local line, column = end_of(buffer)
  api.nvim_buf_set_text(buffer, line, column, line, column, vim.split(text, "\n", { plain = true }))
  for _, window in ipairs(vim.fn.win_findbuf(buffer)) do
    if api.nvim_win_get_cursor(window)[1] == line + 1 then
      api.nvim_win_set_cursor(window, { api.nvim_buf_line_count(buffer), 0 })
    end
  end
end

-- Returns a function that writes pieces of thinking, as comments, and of text.
local function writer(buffer)
  local writing, mark, mark_line
  return function(kind, text)
    if kind ~= writing then
      append(buffer, "\n\n")
      writing, mark, mark_line = kind, nil, (end_of(buffer))
    end
    append(buffer, text)
    if kind == "thinking" then
      local line, column = end_of(buffer)
      mark = api.nvim_buf_set_extmark(buffer, namespace, mark_line, 0, {
        id = mark, end_row = line, end_col = column, hl_group = "Comment",
      })
    end
  end
end

-- Says at the end of the buffer how the answer ended.
local function note(buffer, words)
  api.nvim_buf_set_extmark(buffer, namespace, (end_of(buffer)), 0, {
    virt_lines = { { { "[" .. words .. "]", "Comment" } } },
  })
end

--- Streams the answer to a question into a new buffer. Several may come at once.
---@param question string
---@return integer buffer
function ask.ask(question)
  client = client or require("anthropic").new(settings.client)
  local buffer = open_buffer(question)
  local write = writer(buffer)
  local request = vim.tbl_extend("force", settings.request, {
    messages = { { role = "user", content = question } },
  })

  local handle = client.messages.stream(request, {
    on_event = function(event)
      if event.type == "content_block_delta" and event.delta.type == "thinking_delta" then
        write("thinking", event.delta.thinking)
      end
    end,
    on_text = function(text)
      write("text", text)
    end,
    on_done = function(message, err)
      if not api.nvim_buf_is_valid(buffer) then
        return
      elseif message then
        note(buffer, tostring(message.stop_reason))
      elseif err.kind == "cancelled" then
        note(buffer, "stopped")
      else
        note(buffer, "failed")
        vim.notify(tostring(err), vim.log.levels.ERROR)
      end
    end,
  })

  local function stop()
    handle:cancel()
  end
  vim.keymap.set("n", settings.stop_key, stop, { buffer = buffer, desc = "Stop the answer" })
  api.nvim_create_autocmd("BufWipeout", { buffer = buffer, callback = stop })
  return buffer
end

return ask
