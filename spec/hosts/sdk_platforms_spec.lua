-- The same requests to a platform by the vendor's client for it and by this one: path, body and headers are the same.

local anthropic = require "anthropic"
local aws_frames = require "spec.support.aws_frames"
local background = require "spec.support.background"
local json = require "anthropic.base.json"
local npm = require "spec.support.npm"
local service = require "spec.support.service"
local tables = require "anthropic.base.tables"
local testing = require "anthropic.testing"

local AWS = {
  aws_access_key_id = "AKIDEXAMPLE", aws_secret_access_key = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY",
  region = "eu-west-1",
}
local PLATFORMS = {
  bedrock = { package = "bedrock", options = AWS },
  bedrock_mantle = { package = "bedrock", options = AWS, counts = true },
  aws = { package = "aws", options = tables.merge({ workspace_id = "wrkspc_1" }, AWS), counts = true },
  vertex = { package = "vertex", counts = true, base = "/v1",
    options = { auth_token = "ya29.token", region = "us-east5", project_id = "proj" } },
  foundry = { package = "foundry", options = { api_key = "foundry-key-1" }, counts = true },
}

local PARAMS = {
  model = "anthropic.claude-test-v1:0", max_tokens = 9, temperature = 0.5, stop_sequences = { "é", "\"" },
  user_profile_id = "prof_1",
  messages = {
    { role = "user", content = "Hé \"€\" 😀\n" },
    { role = "assistant", content = { { type = "tool_use", id = "t", name = "n", input = { a = { 1, 2.5, "x" } } } } },
  },
}

local FAILURE = { status = 429, body = { message = "Too many tokens" }, headers = { ["x-should-retry"] = "false" } }
local ROUTES = { routes = {
  { match = "refused", answers = { FAILURE } },
  { body_contains = "refused", answers = { FAILURE } },
  { match = "count[-_]tokens", answers = { { body = { input_tokens = 7 } } } },
  { match = "invoke%-with%-response%-stream$", answers = { { headers = { ["content-type"] = aws_frames.CONTENT_TYPE },
    body = aws_frames.fixture "bedrock_ok.bin" } } },
  { match = "streamRawPredict$", answers = { testing.stream { text = "Hé€😀" } } },
  { body_contains = '"stream":true', answers = { testing.stream { text = "Hé€😀" } } },
  { answers = { testing.message { text = "Hi" } } },
} }

-- The fields that say what is asked; of a signature what it covers. All others say who asks.
local function told(request)
  local fields = {}
  for _, name in ipairs {
    "anthropic-version", "anthropic-beta", "anthropic-workspace-id", "anthropic-user-profile-id", "x-api-key",
    "content-type", "authorization",
  } do
    fields[name] = service.header(request, name)
  end
  local scope = (fields.authorization or ""):match "^AWS4%-HMAC%-SHA256 (Credential=[^,]*), SignedHeaders="
  if scope then
    fields.authorization = scope
  end
  return { method = request.method, path = request.path, body = request.body ~= "" and json.decode(request.body),
    fields = fields }
end

describe("a platform's own client and this one", function()
  after_each(service.clear)

  for name, platform in pairs(PLATFORMS) do
    it("ask " .. name .. " the same", function()
      local there, reason = npm.find("@anthropic-ai/" .. platform.package .. "-sdk/package.json", npm.PLATFORMS)
      if not there then
        return pending(reason)
      end
      local theirs, ours = service.serve(ROUTES), service.serve(ROUTES)
      local path = os.tmpname()
      background.write_file(path, assert(json.encode(PARAMS)))
      local told_by_them = background.output_of(
        ("node spec/support/sdk_platform.mjs %s %s %s %s create stream refuse %s 2>&1"):format(
          npm.PLATFORMS, name, theirs.url .. (platform.base or ""), path, platform.counts and "count" or ""))
      os.remove(path)
      assert.equal("Hi\nHé€😀\n429\n" .. (platform.counts and "7\n" or ""), told_by_them)

      local options = tables.merge({ platform = name, base_url = ours.url .. (platform.base or ""), max_retries = 0,
        api_version = service.header(theirs:requests()[1], "anthropic-version")
          or json.decode(theirs:requests()[1].body).anthropic_version }, platform.options)
      service.environment {}
      local client = anthropic.new(options)
      assert.equal("Hi", assert(client.messages.create(PARAMS)):text())
      assert.equal("Hé€😀", assert(assert(client.messages.stream(PARAMS)):message()):text())
      local refused = tables.copy(PARAMS)
      refused.model = "refused"
      local _, err = client.messages.create(refused)
      assert.same({ "api", 429, "Too many tokens" }, { err.kind, err.status, err.message })
      if platform.counts then
        local counted = tables.copy(PARAMS)
        counted.max_tokens = nil
        assert.equal(7, assert(client.messages.count_tokens(counted)).input_tokens)
      end
      local theirs_sent, ours_sent = theirs:requests(), ours:requests()
      assert.equal(#theirs_sent, #ours_sent)
      for i, request in ipairs(theirs_sent) do
        assert.same(told(request), told(ours_sent[i]))
      end
      client:close()
    end)
  end
end)
