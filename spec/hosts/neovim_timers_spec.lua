-- The timers of a Neovim in which a stream runs.

local neovim = require "spec.support.neovim"
local neovim_program = require "spec.support.neovim_program"

for _, editor in ipairs((neovim.editors())) do
  describe(editor.name, function()
    local run = neovim_program.runner(editor, setup, teardown)

    -- Streams into a buffer; the worst lateness of the editor's own timer meanwhile, in milliseconds. What
    -- the editor waited for a processor while others had it does not count, where Linux tells.
    local function measure_lateness(path, options)
      return run(([[
        local function waited_for_processor()
          local file = io.open "/proc/self/schedstat"
          local nanoseconds = file and file:read "*l":match "^%%d+ (%%d+)" or 0
          if file then
            file:close()
          end
          return nanoseconds / 1e6
        end
        local worst, last, waited, finished = 0, nil, 0, nil
        local buffer = vim.api.nvim_create_buf(false, true)
        local timer = vim.fn.timer_start(10, function()
          local now, waited_now = uv.hrtime() / 1e6, waited_for_processor()
          if last and not finished then
            worst = math.max(worst, now - last - 10 - (waited_now - waited))
          end
          last, waited = now, waited_now
        end, { ["repeat"] = -1 })
        eventually(function() return last end)
        local client, events, began = client_at(%q, %s), 0, uv.hrtime()
        client.messages.stream(params, {
          on_event = function() events = events + 1 end,
          on_text = function(text)
            local line = vim.api.nvim_buf_line_count(buffer) - 1
            local column = #vim.api.nvim_buf_get_lines(buffer, line, line + 1, true)[1]
            vim.api.nvim_buf_set_text(buffer, line, column, line, column, vim.split(text, "\n"))
          end,
          on_done = function(message, err)
            vim.defer_fn(function() finished = message or tostring(err) end, 30)
          end,
        })
        eventually(function() return finished end, 60)
        vim.fn.timer_stop(timer)
        report {
          worst = worst, events = events, seconds = (uv.hrtime() - began) / 1e9,
          text = table.concat(vim.api.nvim_buf_get_lines(buffer, 0, -1, true), "\n"),
        }
      ]]):format(path, options or "nil"))
    end

    it("keeps its timers during a stream of 2,000 events in 10 seconds", function()
      local best
      for _ = 1, 3 do -- a machine that stands still counts as lateness, too
        local measured = measure_lateness "/steady"
        assert.is_true(measured.events > 2000)
        assert.is_true(measured.seconds > 9)
        assert.equal(("word "):rep(2000), measured.text)
        best = math.min(best or measured.worst, measured.worst)
        if best <= 50 then
          break
        end
      end
      print(("%s: the timer was never later than %.1f ms"):format(editor.name, best))
      assert.is_true(best <= 50, best .. " ms late")
    end)

    it("keeps its timers while a command brings the key in 2 seconds", function()
      local best
      for _ = 1, 3 do
        local measured = measure_lateness("", '{ api_key = { command = { "sh", "-c", "sleep 2; echo key" } } }')
        assert.equal("one two three four", measured.text)
        assert.is_true(measured.seconds > 2)
        best = math.min(best or measured.worst, measured.worst)
        if best <= 50 then
          break
        end
      end
      assert.is_true(best <= 50, best .. " ms late")
    end)

    it("would be late with a client that blocks", function()
      assert.is_true(measure_lateness("/steady", '{ loop = "blocking", timeout = 0.5, max_retries = 0 }').worst > 300)
    end)
  end)
end
