--- The arithmetic of a rate limit that several share: how many requests its present window still has room for.
--
-- `state` is a table of numbers that the callers keep where all of them can reach it. This file also runs inside
-- Redis, so it requires nothing.

local limit_window = {}

-- Seconds after which a question that nobody answered is asked again, and between two looks meanwhile.
local PATIENCE, LOOK = 2, 0.02
-- How long a server that tells of no limits is believed to have none, and an answer to a window's requests is awaited.
local OPEN = 60
-- Resets that differ by less are the same.
local SAME = 0.5
-- A window whose reset is past when it is told, as whole seconds are, ends so many seconds later.
local SHORTEST = 1
local LONGEST_WAIT = 300
-- Too many requests, and a server that has too much to do.
local REFUSALS = { [429] = true, [529] = true }

local function end_of(state)
  return state.reset or state.ends or state.began + OPEN
end

-- A new window; the first answer tells its end.
local function begin(state, now)
  state.length = state.reset and math.min(state.reset - state.began, OPEN)
  state.last_end = end_of(state)
  state.used, state.reset, state.ends, state.began, state.asked = 0, nil, nil, now, now
end

--- Takes a place for one request.
---@param state table
---@param now number
---@return number seconds 0: it has one; otherwise until it is worth asking again
function limit_window.take(state, now)
  if (state.pause or 0) > now then
    return state.pause - now
  elseif (state.open or 0) > now then
    return 0
  elseif not state.limit then -- one finds out
    if (state.asked or 0) + PATIENCE > now then
      return LOOK
    end
    state.asked = now
    return 0
  end
  if end_of(state) <= now then
    begin(state, now)
  end
  if state.used < state.limit then
    state.used = state.used + 1
    return 0
  elseif state.reset or state.ends then
    return end_of(state) - now
  elseif math.max(state.began + (state.length or 0), (state.asked or 0) + PATIENCE) > now then
    return now < state.began + PATIENCE and LOOK or 5 * LOOK -- answers may be slow
  end
  state.asked = now -- nobody has answered for as long as the last window was: one finds out
  return 0
end

-- Takes in a limit whose reset is past: its window is about over, and those on their way are counted here. A refusal
-- says that the window has not begun yet.
local function learn_past(state, now, limit, reset, retry_in)
  if state.reset or reset <= (state.last_end or 0) + SAME and not retry_in then
    return -- of an earlier window
  end
  state.began = state.limit and state.began or state.asked or now
  state.limit, state.used, state.open = limit, state.used or 1, nil
  state.ends = state.ends or now + math.max(retry_in or 0, SHORTEST)
end

--- Takes in what an answer tells.
---@param state table
---@param now number
---@param limit? number
---@param remaining? number
---@param reset_in? number seconds
---@param retry_in? number seconds that a refusal asks to wait
function limit_window.learn(state, now, limit, remaining, reset_in, retry_in)
  if retry_in then
    state.pause = math.max(state.pause or 0, now + retry_in)
  end
  if not limit or limit <= 0 then
    state.open = not retry_in and not state.limit and now + OPEN or state.open
    return
  end
  local reset, used = now + reset_in, limit - remaining
  if reset_in <= 0 then
    return learn_past(state, now, limit, reset, retry_in)
  elseif state.reset and reset < state.reset - SAME then
    return -- of an earlier window
  elseif not state.limit then
    state.began = state.asked or now
  elseif not state.reset or reset <= state.reset + SAME then
    used = math.max(used, state.used) -- those on their way are counted here already
  else
    state.began = now
  end
  state.limit, state.used, state.reset, state.ends, state.open = limit, used, reset, nil, nil
end

local function number(value)
  value = tonumber(value)
  return value and value > -math.huge and value < math.huge and value or nil
end

local function days_from_epoch(year, month, day)
  year, month = month <= 2 and year - 1 or year, month <= 2 and month + 12 or month
  local leaps = math.floor(year / 4) - math.floor(year / 100) + math.floor(year / 400)
  return 365 * year + leaps + math.floor((153 * (month - 3) + 2) / 5) + day - 719469
end

--- What an answer tells: limit, remaining, seconds until the reset, seconds that a refusal asks to wait.
---@param response table of a limiter's `observe`
---@param now number
---@param date? number when it was made, by the server's clock in whole seconds: ours may differ
function limit_window.told(response, now, date)
  local fields, requests = response.headers, (response.rate_limit or {}).requests or {}
  local wait = REFUSALS[response.status]
    and (number(fields["retry-after-ms"]) or (number(fields["retry-after"]) or 1) * 1000) / 1000 or nil
  local limit, remaining = number(requests.limit), number(requests.remaining)
  local year, month, day, hour, minute, second =
    tostring(requests.reset):match "^(%d%d%d%d)-(%d%d)-(%d%d)[Tt ](%d%d):(%d%d):(%d%d%.?%d*)Z$"
  if not year or not limit or not remaining then
    return nil, nil, nil, wait
  end
  local days = days_from_epoch(tonumber(year), tonumber(month), tonumber(day))
  local at = ((days * 24 + hour) * 60 + minute) * 60 + second
  now = date and math.max(date, math.min(now, date + 1 + SAME)) or now
  return limit, remaining, at - now, wait
end

--- Waits for a place.
---@param take fun(): number as limit_window.take
---@param longest? number seconds that a request waits at most: neither its `timeout` nor `client:close` ends its wait
---@param now fun(): number
---@param sleep fun(seconds: number): true?, any
---@return true|nil
---@return any err
function limit_window.wait(take, longest, now, sleep)
  longest = longest or LONGEST_WAIT
  local latest = now() + longest
  local seconds = take()
  while seconds > 0 do
    if now() + seconds > latest then
      return nil, { kind = "api", status = 429, type = "rate_limit_error",
        message = ("limits: no room for a request within %g seconds"):format(longest) }
    end
    local ok, err = sleep(math.min(seconds, 0.5))
    if not ok then
      return nil, err -- the request was cancelled
    end
    seconds = take()
  end
  return true
end

return limit_window
