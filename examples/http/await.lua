-- Awaits a request of anthropic.http in libraries that await callbacks, in one line each. A call of http.request in
-- a coroutine of theirs waits by itself; these are for their own lists of what runs at once, and their ways to cancel.
--
--     local request = await.nio(require "nio")                -- in a task of nvim-nio
--     local request = await.plenary(require "plenary.async")  -- in a coroutine of plenary.async
--     local request = await.async(require "async")            -- in a task of async.nvim: closing it ends the request
--     local response, err = request { url = url }

local http = require "anthropic.http"

local await = {}

local function begin(request, done)
  return http.request(request, { on_done = done })
end

function await.nio(nio)
  return nio.wrap(begin, 2)
end

function await.plenary(async)
  return async.wrap(begin, 2)
end

function await.async(async)
  return function(request)
    return async.await(2, begin, request)
  end
end

return await
