--- The arithmetic of a rate limit that several share: how many requests its present window still has room for.
--
-- `state` is a table of numbers that the callers keep where all of them can reach it. This file also runs inside
-- Redis, so it requires nothing.

local limit_window = {}

-- Seconds after which a question that nobody answered is asked again, and between two looks meanwhile.
local PATIENCE, LOOK = 2, 0.02
-- How long a server that tells of no limits is believed to have none.
local OPEN = 60
-- Resets that differ by less are the same.
local SAME = 0.5

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
  if (state.reset or math.huge) <= now or not state.reset and state.began + PATIENCE <= now then
    state.used, state.reset, state.began = 0, nil, now -- a new window; the first answer tells its end
  end
  if state.used < state.limit then
    state.used = state.used + 1
    return 0
  end
  return state.reset and state.reset - now or LOOK
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
  if not limit then
    state.open = not retry_in and not state.limit and now + OPEN or state.open
    return
  end
  local reset, used = now + reset_in, limit - remaining
  if reset_in <= 0 or state.reset and reset < state.reset - SAME then
    return -- of an earlier window
  elseif state.limit and (not state.reset or reset <= state.reset + SAME) then
    used = math.max(used, state.used) -- those on their way are counted here already
  end
  state.limit, state.used, state.reset, state.began, state.open = limit, used, reset, now, nil
end

local function days_from_epoch(year, month, day)
  year, month = month <= 2 and year - 1 or year, month <= 2 and month + 12 or month
  local leaps = math.floor(year / 4) - math.floor(year / 100) + math.floor(year / 400)
  return 365 * year + leaps + math.floor((153 * (month - 3) + 2) / 5) + day - 719469
end

--- What an answer tells: limit, remaining, seconds until the reset, seconds that a refusal asks to wait.
---@param response table of a limiter's `observe`
---@param now number
function limit_window.told(response, now)
  local fields, requests = response.headers, (response.rate_limit or {}).requests or {}
  local wait = response.status == 429
    and (tonumber(fields["retry-after-ms"]) or (tonumber(fields["retry-after"]) or 1) * 1000) / 1000 or nil
  local year, month, day, hour, minute, second =
    tostring(requests.reset):match "^(%d+)-(%d+)-(%d+)[Tt ](%d+):(%d+):([%d.]+)Z$"
  if not year or not tonumber(requests.limit) or not tonumber(requests.remaining) then
    return nil, nil, nil, wait
  end
  local days = days_from_epoch(tonumber(year), tonumber(month), tonumber(day))
  local at = ((days * 24 + hour) * 60 + minute) * 60 + second
  return tonumber(requests.limit), tonumber(requests.remaining), at - now, wait
end

return limit_window
