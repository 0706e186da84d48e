local anthropic = require "anthropic"
local core = require "anthropic.core"
local directories = require "spec.support.directory"
local mime = require "mime"
local hosted = require "spec.support.hosted"
local testing = require "anthropic.testing"

local HEADS = {
  ["image/jpeg"] = "\255\216\255\224\0\16JFIF",
  ["image/png"] = "\137PNG\r\n\26\n\0\0\0\13IHDR",
  ["image/gif"] = "GIF89a\1\0\1\0",
  ["image/webp"] = "RIFF\36\0\0\0WEBPVP8 ",
}

local function bytes_of(count)
  local bytes = {}
  for i = 1, count do
    bytes[i] = string.char((i * 7 + math.floor(i / 256)) % 256)
  end
  return table.concat(bytes)
end

describe("Base64", function()
  local directory

  before_each(function()
    directory = directories.new()
  end)

  after_each(function()
    directory:remove()
  end)

  local function both(bytes)
    local text = core.base64(bytes)
    assert.equal(text, core.base64_file(directory:write("bytes", bytes)))
    return text
  end

  it("is as in RFC 4648", function()
    for bytes, text in pairs {
      [""] = "", f = "Zg==", fo = "Zm8=", foo = "Zm9v", foob = "Zm9vYg==", fooba = "Zm9vYmE=", foobar = "Zm9vYmFy",
    } do
      assert.equal(text, both(bytes))
    end
  end)

  it("has every letter", function()
    assert.equal("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/",
      both((mime.unb64 "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/")))
  end)

  it("is the same for any length", function()
    for _, piece in ipairs { 256, 48 * 1024, 96 * 1024 } do
      for count = piece - 4, piece + 4 do
        local bytes = bytes_of(count)
        assert.equal((mime.b64(bytes)), both(bytes))
      end
    end
  end)
end)

describe("Text", function()
  it("is UTF-8 without NUL", function()
    for _, text in ipairs { "", "a", "tab\tand\r\nlines", "ünïcödé 日本語 😀", '"\\' .. ("x"):rep(100) .. "\127" } do
      assert.is_true(core.is_text(text), text)
    end
    for _, bytes in ipairs {
      "\0", "a\0b", "\255", "abcdefghijk\195", "\192\128", "\237\160\128", "a\128", "\244\144\128\128",
    } do
      assert.is_false(core.is_text(bytes), ("%q"):format(bytes))
    end
  end)
end)

describe("A content block", function()
  local directory

  before_each(function()
    directory = directories.new()
  end)

  after_each(function()
    directory:remove()
  end)

  local function base64(media_type, bytes)
    return { type = "base64", media_type = media_type, data = (mime.b64(bytes)) }
  end

  it("is made of an image by its content, not by its name", function()
    for media_type, head in pairs(HEADS) do
      local bytes = head .. bytes_of(1000)
      local expected = { type = "image", source = base64(media_type, bytes) }
      assert.same(expected, anthropic.image(directory:write("picture.txt", bytes)))
      assert.same(expected, anthropic.image { path = directory:path "picture.txt" })
      assert.same(expected, anthropic.image { data = bytes })
    end
  end)

  it("is made of a PDF", function()
    local bytes = "%PDF-1.4\n%\255\255" .. bytes_of(1000)
    local expected = { type = "document", source = base64("application/pdf", bytes) }
    assert.same(expected, anthropic.document(directory:write("paper", bytes)))
    assert.same(expected, anthropic.document { data = bytes })
  end)

  it("is made of a text", function()
    local text = "Ein Text über 日本.\n" .. ("Zeile\n"):rep(1000)
    local expected = { type = "document", source = { type = "text", media_type = "text/plain", data = text } }
    assert.same(expected, anthropic.document(directory:write("text.md", text)))
    assert.same(expected, anthropic.document { data = text })
  end)

  it("is made of a URL", function()
    for _, url in ipairs { "http://example.com/a", "https://example.com/b.png?c=d" } do
      assert.same({ type = "image", source = { type = "url", url = url } }, anthropic.image(url))
      assert.same({ type = "document", source = { type = "url", url = url } }, anthropic.document { url = url })
    end
  end)

  it("is made of an uploaded file", function()
    local source = { type = "file", file_id = "file_1" }
    assert.same({ type = "image", source = source }, anthropic.image { file_id = "file_1" })
    assert.same({ type = "document", source = source }, anthropic.document { file_id = "file_1" })
  end)

  it("keeps further fields", function()
    local fields = {
      title = "T", context = "C", citations = { enabled = true }, cache_control = { type = "ephemeral" },
    }
    local expected = {
      type = "document",
      source = { type = "text", media_type = "text/plain", data = "x" },
      title = "T", context = "C", citations = { enabled = true }, cache_control = { type = "ephemeral" },
    }
    assert.same(expected, anthropic.document({ data = "x" }, fields))
    local given = { data = "x" }
    for name, value in pairs(fields) do
      given[name] = value
    end
    assert.same(expected, anthropic.document(given))
    assert.equal("x", given.data)
    assert.is_nil(fields.source)
  end)

  it("takes a media type that it is told", function()
    assert.same({ type = "image", source = base64("image/tiff", "II*\0") },
      anthropic.image { data = "II*\0", media_type = "image/tiff" })
    assert.same({ type = "document", source = base64("application/x-thing", "\0") },
      anthropic.document({ data = "\0" }, { media_type = "application/x-thing" }))
  end)

  describe("that cannot be made", function()
    local function refused(make, ...)
      local block, err = make(...)
      assert.is_nil(block)
      assert.equal("invalid_request", err.kind)
      return err.message
    end

    it("names the path and the reason", function()
      local root = directory.root
      directory:run "mkfifo pipe"
      local text, noise = directory:write("a.txt", "text"), directory:write("noise", "\255\254")
      local empty = directory:write("empty", "")
      for make, kind in pairs { [anthropic.image] = "image: ", [anthropic.document] = "document: " } do
        local cannot = kind .. "cannot read " .. root
        assert.equal(cannot .. "/none: No such file or directory", refused(make, root .. "/none"))
        assert.equal(cannot .. ": it is a directory", refused(make, root))
        assert.equal(cannot .. "/pipe: it is no regular file", refused(make, root .. "/pipe"))
        assert.truthy(refused(make, "a\0b"):find "the path contains NUL$")
        assert.equal(kind .. empty .. ": is empty", refused(make, empty))
        assert.equal(kind .. "data: is empty", refused(make, { data = "" }))
      end
      assert.equal("image: " .. text .. ": not a JPEG, PNG, GIF or WebP image", refused(anthropic.image, text))
      assert.equal("image: data: not a JPEG, PNG, GIF or WebP image", refused(anthropic.image, { data = "%PDF-" }))
      assert.equal("document: " .. noise .. ": neither a PDF nor UTF-8 text", refused(anthropic.document, noise))
    end)

    it("says what is wrong with the table", function()
      assert.equal("image: one of path, data, url and file_id expected", refused(anthropic.image, {}))
      assert.equal("image: one of path, data, url and file_id expected",
        refused(anthropic.image, { path = "a", url = "b" }))
      assert.equal("document: data: string expected, got number", refused(anthropic.document, { data = 5 }))
      assert.equal("image: media_type: string expected, got boolean",
        refused(anthropic.image, { data = "x", media_type = true }))
    end)

    it("raises where the arguments are of a wrong type", function()
      assert.has_error(function() anthropic.image() end)
      local ok, message = pcall(function() anthropic.document(5) end)
      assert.is_false(ok)
      assert.truthy(message:find "content_spec.lua:%d+: anthropic.document: source: ")
      assert.truthy(message:find "string or table expected, got number$")
      ok, message = pcall(function() anthropic.image("x", "y") end)
      assert.is_false(ok)
      assert.truthy(message:find("anthropic.image: fields: table expected, got string", 1, true))
    end)
  end)

  it("is sent as it is", function()
    local server = hosted.server { script = testing.message { text = "A cat." } }
    local client = anthropic.new { base_url = server.url, api_key = "test-key-1" }
    local bytes = HEADS["image/png"] .. bytes_of(100000)
    local message = assert(client.messages.create {
      model = "m", max_tokens = 10,
      messages = { { role = "user", content = {
        assert(anthropic.image(directory:write("cat.png", bytes), { cache_control = { type = "ephemeral" } })),
        { type = "text", text = "What is this?" },
      } } },
    })
    local request = server:requests()[1]
    server:stop()
    assert.equal("A cat.", message:text())
    local block = request.json.messages[1].content[1]
    assert.equal(bytes, (mime.unb64(block.source.data)))
    assert.same({ type = "ephemeral" }, block.cache_control)
  end)
end)
