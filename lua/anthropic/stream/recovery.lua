--- What a failure of a stream leads to.
--
--     recovery.after { is_released = false }                           --> "begin_anew": nothing was handed over
--     recovery.after { is_released = true }                            --> "fail"
--     recovery.after { is_released = true, on_interrupt = "continue" } --> "go_on"

local recovery = {}

---@class anthropic.StreamSoFar
---@field is_closed? boolean the reader has closed it
---@field is_released? boolean content has come, which is not buffered any more
---@field is_seen? boolean the reader has an event of it
---@field has_stopped? boolean the message has its reason to stop
---@field on_interrupt? "retry"|"continue" the option

--- What to do after a failure.
---@param so_far anthropic.StreamSoFar
---@return "begin_anew"|"go_on"|"end"|"fail" what ask for the whole answer again, ask for its rest, end it as complete,
--- or end with the error
function recovery.after(so_far)
  if so_far.is_closed then
    return "fail"
  elseif not so_far.is_released or so_far.on_interrupt == "retry" and not so_far.is_seen then
    return "begin_anew"
  elseif so_far.on_interrupt ~= "continue" then
    return "fail"
  end
  return so_far.has_stopped and "end" or "go_on"
end

return recovery
