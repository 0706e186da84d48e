--- Requests that are changed before they are sent: a draft is a request to which no credential was added yet.

local credentials = require "anthropic.http.credentials"
local errors = require "anthropic.base.error"
local headers = require "anthropic.http.headers"
local segments = require "anthropic.base.segments"
local request = require "anthropic.http.request"
local secrets = require "anthropic.http.secrets"
local urls = require "anthropic.http.url"

local drafts = {}

---@class anthropic.Draft a request before its credential
---@field method string
---@field url string
---@field body? string nil also if something else is uploaded
---@field multipart? table that is uploaded if there is no body
---@field body_file? string the same
---@field set table its header fields, see headers.new
---@field origin string of the server that the options name
---@field secret table<string, true> names, in lower case, of fields of `set` that carry a credential of the caller's

-- The changed fields, in their former order and spelling. A field that is missing is removed.
local function changed_fields(draft, given, is_elsewhere)
  local set, changed = headers.new(), headers.new()
  local ok, message = headers.set_all(changed, given)
  if not ok then
    return nil, message
  end
  for _, key in ipairs(draft.set.names) do
    local before, after = draft.set.fields[key], changed.fields[key]
    local kept = draft.secret[key] and not is_elsewhere and before
    headers.set(set, before.name, after and after.value or not after and kept and kept.value or false)
  end
  for _, key in ipairs(changed.names) do
    headers.set(set, set.fields[key] and set.fields[key].name or changed.fields[key].name, changed.fields[key].value)
  end
  return set
end

local function check_changes(changes)
  if type(changes.method) ~= "string" or not changes.method:find "^%a+$" then
    return "method: letters expected"
  elseif type(changes.url) ~= "string" then
    return "url: string expected, got " .. type(changes.url)
  elseif changes.body ~= nil and type(changes.body) ~= "string" then
    return "body: string expected, got " .. type(changes.body)
  elseif type(changes.headers) ~= "table" then
    return "headers: table expected, got " .. type(changes.headers)
  end
end

--- The steps of requests with the same options that are changed between them.
---@param options table resolved
---@return { draft: function, change: function, wire: function }
function drafts.steps(options)
  local metatable, base
  local steps = {}

  --- The draft of a spec, without the options' credential.
  ---@param spec table
  ---@return anthropic.Draft|nil
  ---@return anthropic.Error?
  function steps.draft(spec)
    local url, set, err
    metatable = metatable or { __index = request.common_fields(options) }
    base, err = urls.check_base(options.base_url)
    if base then
      url, err = urls.of(base, spec.path, spec.query)
    end
    if not url then
      return nil, err
    end
    set, err = request.fields(spec, options)
    if not set then
      return nil, err
    end
    local secret = {}
    for _, key in ipairs(set.names) do
      secret[key] = set.fields[key].value and secrets.is_credential(key) or nil
    end
    return {
      method = spec.method, url = url, body = segments.text(spec.body), multipart = spec.multipart,
      body_file = spec.body_file, set = set, secret = secret, origin = urls.origin(url),
    }
  end

  --- A draft with changes: the `method`, `url`, `headers` and `body` that it is to have, all of them. Credentials go to
  --- their own server alone.
  ---@param draft anthropic.Draft
  ---@param changes table
  ---@return anthropic.Draft|nil
  ---@return anthropic.Error?
  function steps.change(draft, changes)
    local problem = check_changes(changes)
    if problem then
      return nil, errors.invalid_request(problem)
    end
    local url, second = urls.check(changes.url)
    if not url then
      return nil, second
    elseif second then
      return nil, errors.invalid_request "url: must not hold a user name or password"
    end
    local is_elsewhere = urls.origin(url) ~= draft.origin
    local set, message = changed_fields(draft, changes.headers, is_elsewhere)
    local changed = {
      method = changes.method:upper(), url = url, body = changes.body,
      multipart = not changes.body and draft.multipart or nil,
      body_file = not changes.body and draft.body_file or nil, set = set, secret = {}, origin = draft.origin,
      is_elsewhere = is_elsewhere,
    }
    message = set and headers.problem_of_length(set, changed) or message
    if message then
      return nil, errors.invalid_request(message)
    end
    return changed
  end

  --- The attempt of a draft. No credential is added if it is signed, or goes to another server.
  ---@param draft anthropic.Draft
  ---@param exchange anthropic.Exchange that the draft is of
  ---@param is_complete? boolean it needs no credential of the options'
  ---@return table|nil wire
  ---@return anthropic.Error?
  function steps.wire(draft, exchange, is_complete)
    local spec = exchange.spec()
    local credential, err = false
    if not is_complete and not draft.is_elsewhere then
      credential, err = credentials.add(draft.set, options, base, exchange)
      if credential == nil then
        return nil, err
      end
    end
    local head = request.head(draft.set, options, base, credential)
    local wire = request.wire({
      method = draft.method,
      body = draft.body,
      body_file = draft.body_file,
      multipart = draft.multipart,
      sink = spec.sink,
    }, draft.url, head, metatable)
    if draft.is_elsewhere then
      wire.certificate_file, wire.key_file = false, false
    end
    return wire
  end

  return steps
end

return drafts
