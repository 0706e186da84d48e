--- Coroutines of the libraries by which plugins of Neovim wait. Each library resumes only its own coroutines, as the
--- yielded values tell it: so a wait in such a coroutine yields in the library's way, and is resumed in that way.
--
-- What is yielded is a function, `begin`: the library calls it with a function that resumes the coroutine.
-- plenary.async takes (begin, number of arguments), nvim-nio (number, begin); async.nvim has a function of its own.
-- The driver resumes a coroutine that belongs to no library, whatever it has yielded.

local package = package

local host_coroutines = {}

-- async.nvim checks where it is called before it checks the argument; there is no other way to know. Other libraries
-- have a module of the same name.
local function is_of_async(_, message)
  return type(message) == "string" and (message:find "Invalid arguments" ~= nil or message == "closed")
end

-- For each library: its module, whether the calling code runs in a coroutine of the library, and how it yields there.
--   forgets   the library does not resume a coroutine whose task was cancelled, and does not say so
local LIBRARIES = {
  {
    module = "nio.tasks",
    forgets = true,
    is_running = function(nio)
      return nio.current_task and nio.current_task() ~= nil
    end,
    suspend = function(_, begin)
      coroutine.yield(1, begin)
    end,
  },
  {
    module = "async",
    is_running = function(async)
      return type(async.await) == "function" and is_of_async(pcall(async.await, false))
    end,
    suspend = function(async, begin)
      async.await(1, begin)
    end,
  },
}

local PLAIN = {
  suspend = function(_, begin)
    coroutine.yield(begin, 1)
  end,
}

local function find_library()
  for _, row in ipairs(LIBRARIES) do
    local module = package.loaded[row.module]
    if type(module) == "table" and row.is_running(module) then
      return row, module
    end
  end
  return PLAIN
end

-- A handle like libuv's: by it the library closes what its task waits for.
local Handle = {}
Handle.__index = Handle

function Handle:close(closed)
  local wait = self.wait
  if not self.is_over and wait.subject.close then
    wait.subject:close()
  end
  self.is_over = true
  if closed then
    closed()
  end
end

function Handle:is_closing()
  return self.is_over
end

--- Suspends the running coroutine until it is resumed in its library's way.
---@param wait { subject: table, resume?: fun() } `resume` is set if the library does the resuming
function host_coroutines.suspend(wait)
  local library, module = find_library()
  local function begin(resume)
    local handle = setmetatable({ wait = wait, is_over = false }, Handle)
    function wait.resume()
      wait.resume, handle.is_over = nil, true
      resume()
      return library.forgets
    end
    return handle
  end
  library.suspend(module, begin)
  wait.resume = nil
end

return host_coroutines
