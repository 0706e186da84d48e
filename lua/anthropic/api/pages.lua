--- Pages: lists come in pages.
--
--     local page = assert(client.models.list { limit = 20 })
--     for model in page do print(model.id) end        -- this page's and all later ones
--     local following = page:next_page()              -- nil: that was the last page

local errors = require "anthropic.base.error"
local json = require "anthropic.base.json"
local loop = require "anthropic.loop"
local reader_base = require "anthropic.http.reader_base"
local tables = require "anthropic.base.tables"

local pages = {}

---@class anthropic.Page `for item in page do` iterates over the items of this page and of all later ones
---@field data table[] the items of this page
---@field has_more? boolean whether there is a later page, if the server says so
---@field next_page_token? string the answer's name for the next page, if it has one
---@field response anthropic.Response never encoded
---@field extra? table fields of the answer with a name of the above or of a method; encoded at their place
---@operator call: any
local Page = {}

-- The names that are this library's own: an answer's field of such a name goes into `extra`. The methods are added
-- below.
local OWN = { response = true, extra = true, next_page_token = true }

-- page -> { fetch, query, kind, driver, mark, position, later, ended }. No value holds its key: Lua 5.1 and LuaJIT
-- would never collect it.
local private = setmetatable({}, { __mode = "k" })

-- Some servers send an empty text in place of a missing name.
local function is_named(value)
  return value and value ~= ""
end

-- The ID of an item, if the page says that there are more but does not name the next one.
local function id_of(page, item)
  local id = page.has_more == true and type(item) == "table" and item.id
  return type(id) == "string" and is_named(id) and id or nil
end

-- The query that asks for the page after this one, by the kind of the list; nil if this page names none.
local NEXT = {
  id = function(page, query)
    if page.has_more == false then
      return nil
    elseif query.before_id then -- the list is walked towards its front
      local id = is_named(page.first_id) and page.first_id or id_of(page, page.data[1])
      return id and { before_id = id }
    end
    local id = is_named(page.last_id) and page.last_id or id_of(page, page.data[#page.data])
    return id and { after_id = id }
  end,
  cursor = function(page)
    return is_named(page.next_page_token) and { page = page.next_page_token }
  end,
}

-- A walk through pages remembers one of them, the 1st, 2nd, 4th, 8th, ...: one that goes in a circle comes back to it.
local function mark_after(mark, place)
  if not mark or mark.left == 0 then
    local span = mark and 2 * mark.span or 1
    return { place = place, span = span, left = span - 1 }
  end
  return { place = mark.place, span = mark.span, left = mark.left - 1 }
end

-- The query for the page after a page, and the name that identifies the next one. nil if the page is the last; nil and
-- an error if the list would never end. The third result: whether the page names itself as the next one.
local function next_query(page)
  local own = private[page]
  local changed = NEXT[own.kind](page, own.query)
  if not changed and own.kind == "cursor" and page.last_id and page.has_more then
    changed = NEXT.id(page, own.query)
  end
  if not changed and page.has_more == true then
    local words = "a page says that there are more, and names no next one"
    return nil, errors.new { kind = "protocol", message = words }
  elseif not changed then
    return nil
  end
  local query, is_other, place = tables.copy(own.query), false, nil
  for name, value in pairs(changed) do
    if type(value) ~= "string" and type(value) ~= "number" then
      local words = ("a page names the next one by a %s, not a text"):format(type(value))
      return nil, errors.new { kind = "protocol", message = words }
    end
    is_other = is_other or query[name] ~= value
    query[name], place = value, value
  end
  if not is_other then
    return nil, errors.new { kind = "protocol", message = "a page names itself as the next one" }, true
  elseif own.mark and own.mark.place == place then
    return nil, errors.new { kind = "protocol", message = "the pages of the list go in a circle" }
  end
  return query, place
end

local metatable_with

--- Makes a page of a decoded answer.
---@param fields table
---@param response anthropic.Response
---@param kind "id"|"cursor" how the pages follow each other
---@param query table what the page was asked with
---@param fetch fun(query: table): anthropic.Page?, anthropic.Error?
---@param driver? string|table the `loop` option that it is fetched with
---@return anthropic.Page
function pages.new(fields, response, kind, query, fetch, driver)
  local extra
  for name in pairs(OWN) do
    if fields[name] ~= nil then
      extra = extra or {}
      json.set(fields, extra, name)
      fields[name] = nil
    end
  end
  local page = setmetatable(fields, metatable_with((getmetatable(fields) or {}).__nulls))
  page.response, page.extra = response, extra
  page.next_page_token = extra and extra.next_page
  if type(page.data) ~= "table" then
    page.data = {}
  end
  private[page] = { fetch = fetch, query = query, kind = kind, driver = driver, position = 0 }
  return page
end

-- Whether a page that does not say if there are more repeats the one before it: such a server has only this
-- page, and knows no IDs to go on from.
local function is_repeated(page)
  local _, _, is_itself = next_query(page)
  return page.has_more == nil and private[page].kind == "id" and is_itself == true
end

--- Fetches the page after this one.
---@return anthropic.Page|nil page nil alone: this is the last page
---@return anthropic.Error? err
function Page:next_page()
  local own = private[self]
  local query, place = next_query(self)
  if not query then
    return nil, place
  end
  local following, err = own.fetch(query)
  if not following then
    return nil, err
  elseif is_repeated(following) then
    return nil
  end
  private[following].mark = mark_after(own.mark, place)
  return following
end

--- Returns the next item of the list, from this page on. An empty page does not end the list. Several tasks may take
--- items from one page: each item comes to one of them.
---@return any item nil alone is the end
---@return anthropic.Error? err the next call tries again
function Page:next()
  local own = private[self]
  while not own.ended do
    local page = own.later or self
    local item = page.data[own.position + 1]
    if item ~= nil then
      own.position = own.position + 1
      return item
    end
    local following, err = page:next_page()
    if err then
      return nil, err
    end
    if not own.ended and page == (own.later or self) then -- else another task has gone on meanwhile
      own.later, own.position, own.ended = following, 0, following == nil
    end
  end
end

-- The same for a generic `for`: `for item in page do`. Raises the error on failure.
local function iterate(self)
  loop.check_iteration(private[self].driver, "page:next()")
  return reader_base.raised(self:next())
end

for name in pairs(Page) do
  OWN[name] = true
end

function metatable_with(nulls)
  return {
    __name = "anthropic.Page", __index = Page, __call = iterate,
    __unencoded = OWN, __merged = "extra", __nulls = nulls,
  }
end

return pages
