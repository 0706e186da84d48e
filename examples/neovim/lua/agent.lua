-- An agent for Neovim: `:Agent fix the typos` lets the model read and change the buffer, each change after you say yes.
--
-- What it says is streamed into a window below; <C-c> there stops it. One `u` undoes all that it did to a buffer.

local api = vim.api

local agent = {}

local request = { model = "claude-sonnet-5-5", max_tokens = 8000, eager = true, max_turns = 30 }
local client -- of all runs; it keeps its connections

-- Waits, in a task, for what the user selects.
local function select(items, options)
  local task = coroutine.running()
  vim.ui.select(items, options, vim.schedule_wrap(function(choice)
    coroutine.resume(task, choice)
  end))
  return coroutine.yield()
end

-- Gives a function that changes a buffer's text: all its changes are one step for `u`.
local function changer(buffer)
  local has_begun = false
  return function(line, column, last_line, last_column, lines)
    api.nvim_buf_call(buffer, function()
      if has_begun then
        pcall(vim.cmd, "undojoin") -- which there is not after an undo
      else
        vim.bo.undolevels = vim.bo.undolevels -- a step of its own begins
      end
      has_begun = true
      api.nvim_buf_set_text(buffer, line, column, last_line, last_column, lines)
    end)
  end
end

-- A window below, and a function that writes to its end.
local function open_window(prompt)
  local window = api.nvim_get_current_win()
  vim.cmd "botright 12new"
  local buffer = api.nvim_get_current_buf()
  vim.bo.buftype, vim.bo.bufhidden, vim.bo.filetype = "nofile", "wipe", "markdown"
  api.nvim_buf_set_lines(buffer, 0, -1, true, { "# " .. prompt, "", "" })
  api.nvim_set_current_win(window)
  local change = changer(buffer)
  return buffer, function(text)
    if not api.nvim_buf_is_valid(buffer) then
      return
    end
    local line = api.nvim_buf_line_count(buffer) - 1
    local column = #api.nvim_buf_get_lines(buffer, line, line + 1, true)[1]
    change(line, column, line, column, vim.split(text, "\n", { plain = true }))
    for _, shown in ipairs(vim.fn.win_findbuf(buffer)) do
      api.nvim_win_set_cursor(shown, { api.nvim_buf_line_count(buffer), 0 })
    end
  end
end

local function tools_for(buffer)
  local anthropic = require "anthropic"
  local change = changer(buffer)
  local text, number = { type = "string" }, { type = "integer" }
  return {
    anthropic.tool {
      name = "read_buffer",
      description = "Returns the lines of the buffer, with their numbers.",
      run = function()
        local lines = api.nvim_buf_get_lines(buffer, 0, -1, true)
        for i, line in ipairs(lines) do
          lines[i] = i .. "\t" .. line
        end
        return table.concat(lines, "\n")
      end,
    },
    anthropic.tool {
      name = "replace_lines",
      description = "Replaces the lines from first to last, both included, by a text.",
      input_schema = {
        type = "object",
        properties = { first = number, last = number, text = text },
        required = { "first", "last", "text" },
      },
      eager = false, -- numbers hold for the buffer as it was read
      run = function(input)
        local last = api.nvim_buf_get_lines(buffer, input.last - 1, input.last, true)[1]
        change(input.first - 1, 0, input.last - 1, #last, vim.split(input.text, "\n", { plain = true }))
        return "replaced"
      end,
    },
  }
end

local function approve(call)
  if call.name == "read_buffer" then
    return true
  end
  local prompt = ("%s %s"):format(call.name, vim.inspect(call.input))
  return select({ "yes", "no" }, { prompt = prompt }) == "yes", "the user said no"
end

--- Lets the model work on the current buffer.
---@param prompt string
---@return integer buffer of the window below
function agent.start(prompt)
  local anthropic = require "anthropic"
  client = client or anthropic.new()
  local subject = api.nvim_get_current_buf()
  local buffer, write = open_window(prompt)
  local whole = vim.tbl_extend("error", request, {
    tools = tools_for(subject),
    messages = { { role = "user", content = prompt } },
    on_tool_use = approve,
    on_event = function(event)
      local delta = event.type == "content_block_delta" and event.delta
      if delta and delta.type == "text_delta" then
        write(delta.text)
      end
    end,
    on_turn = function(turn)
      for _, call in ipairs(turn.calls) do
        write(("\n\n[%s]\n\n"):format(call.name))
      end
    end,
  })
  local task = anthropic.spawn(function()
    local message, err = client.messages.run(whole)
    local total = client.usage:total()
    write(message and ("\n\n[done; %d tokens in, %d out]"):format(total.input_tokens, total.output_tokens)
      or err.kind == "cancelled" and "\n\n[stopped]" or "\n\n[" .. tostring(err) .. "]")
  end)
  local function stop()
    task:cancel()
  end
  vim.keymap.set("n", "<C-c>", stop, { buffer = buffer, desc = "Stop the agent" })
  api.nvim_create_autocmd("BufWipeout", { buffer = buffer, callback = stop })
  return buffer
end

return agent
