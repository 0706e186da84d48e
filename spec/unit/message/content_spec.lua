-- What an image or a document becomes, and what is said where it becomes nothing.

local content = require "anthropic.message.content"
local core = require "anthropic.core"
local directories = require "spec.support.directory"
local errors = require "anthropic.base.error"

local KINDS = { "image", "document" }
local PNG = "\137PNG\r\n\26\n"

local directory

setup(function()
  directory = directories.new()
end)

teardown(function()
  directory:remove()
end)

local function base64(media_type, bytes)
  return { type = "base64", media_type = media_type, data = core.base64(bytes) }
end

local function plain_text(text)
  return { type = "text", media_type = "text/plain", data = text }
end

-- What is said of a block that cannot be made.
local function refused(kind, ...)
  local block, err = content[kind](...)
  assert.is_nil(block)
  assert.is_true(errors.is(err))
  assert.equal("invalid_request", err.kind)
  return err.message
end

-- The source of a block that has nothing else; from memory and from a file it is the same.
local function source_of(kind, bytes)
  local block, err = content[kind] { data = bytes }
  assert.is_nil(err)
  assert.same(block, (content[kind](directory:write("bytes", bytes))))
  assert.same(block, (content[kind] { path = directory:path "bytes" }))
  assert.same({ type = kind, source = block.source }, block)
  return block.source
end

describe("an image", function()
  for _, case in ipairs {
    { "\255\216\255", "image/jpeg" }, { "\255\216\255\224", "image/jpeg" }, { "\255\216", nil },
    { "\255\216\254", nil }, { "x\255\216\255", nil },
    { PNG, "image/png" }, { PNG .. "\0\0", "image/png" }, { "\137PNG\r\n\26", nil }, { "\137PNG\n\26\n", nil },
    { "x" .. PNG, nil },
    { "GIF87a", "image/gif" }, { "GIF89a", "image/gif" }, { "GIF88a", nil }, { "GIF89", nil }, { "GIF89b", nil },
    { "xGIF89a", nil },
    { "RIFF\0\1\2\3WEBP", "image/webp" }, { "RIFF\255\255\255\255WEBPVP8 ", "image/webp" },
    { "RIFF\n\n\n\nWEBP", "image/webp" }, { "RIFF\0\0\0WEBP", nil }, { "RIFF\0\0\0\0WAVE", nil },
    { "xRIFF\0\0\0\0WEBP", nil },
    { "%PDF-1.4", nil }, { "text", nil }, { "<svg/>", nil }, { "BM", nil },
  } do
    it(("is told by its first bytes: %q is %s"):format(case[1], tostring(case[2])), function()
      if case[2] then
        assert.same(base64(case[2], case[1]), source_of("image", case[1]))
      else
        assert.equal("image: data: not a JPEG, PNG, GIF or WebP image", refused("image", { data = case[1] }))
        local path = directory:write("no image", case[1])
        assert.equal("image: " .. path .. ": not a JPEG, PNG, GIF or WebP image", refused("image", path))
      end
    end)
  end

  it("is whole, of whatever length", function()
    for _, length in ipairs { 56, 63, 64, 65, 100000 } do
      local bytes = PNG .. ("\0\255x"):rep(length):sub(1, length - #PNG)
      assert.equal(length, #bytes)
      assert.same(base64("image/png", bytes), source_of("image", bytes))
    end
  end)

  it("is what its media type says, where that is given", function()
    local expected = { type = "image", source = base64("image/tiff", "II*\0") }
    assert.same(expected, (content.image { data = "II*\0", media_type = "image/tiff" }))
    assert.same(expected, (content.image({ data = "II*\0" }, { media_type = "image/tiff" })))
    assert.same(expected, (content.image(directory:write("tiff", "II*\0"), { media_type = "image/tiff" })))
    assert.equal("image/x", content.image({ data = PNG, media_type = "image/x" }).source.media_type)
    assert.equal("text/plain", content.image({ data = PNG, media_type = "text/plain" }).source.media_type)
    assert.equal("base64", content.image({ data = PNG, media_type = "text/plain" }).source.type)
  end)
end)

describe("a document", function()
  for _, bytes in ipairs { "%PDF-", "%PDF-1.7\n\0\255" } do
    it(("is a PDF by its first bytes: %q"):format(bytes), function()
      assert.same(base64("application/pdf", bytes), source_of("document", bytes))
    end)
  end

  for _, text in ipairs { "a", "%PDF", " %PDF-1.7", "PDF-", "ünï 日本 😀\r\n\t", ("line\n"):rep(30000) } do
    it(("is a text otherwise: %q"):format(text:sub(1, 20)), function()
      assert.same(plain_text(text), source_of("document", text))
    end)
  end

  for _, bytes in ipairs { "\255\254", "a\0", "text\195", ("x"):rep(100) .. "\255", PNG } do
    it(("is refused where it is neither: %q"):format(bytes:sub(1, 20)), function()
      assert.equal("document: data: neither a PDF nor UTF-8 text", refused("document", { data = bytes }))
      local path = directory:write("noise", bytes)
      assert.equal("document: " .. path .. ": neither a PDF nor UTF-8 text", refused("document", path))
    end)
  end

  it("is what its media type says, where that is given", function()
    local expected = { type = "document", source = base64("application/x", "a") }
    assert.same(expected, (content.document { data = "a", media_type = "application/x" }))
    assert.same(expected, (content.document(directory:write("x", "a"), { media_type = "application/x" })))
    assert.same({ type = "document", source = plain_text "%PDF-" },
      (content.document { data = "%PDF-", media_type = "text/plain" }))
    assert.same({ type = "document", source = base64("application/pdf", "a") },
      (content.document { data = "a", media_type = "application/pdf" }))
    assert.equal("document: data: neither a PDF nor UTF-8 text",
      refused("document", { data = "\0", media_type = "text/plain" }))
  end)

  it("names a text that cannot be read any more", function()
    local path = directory:write("text", "a")
    local read = stub(core, "file_bytes").returns(nil, "cannot read " .. path .. ": Input/output error")
    finally(function()
      read:revert()
    end)
    assert.equal("document: cannot read " .. path .. ": Input/output error", refused("document", path))
  end)
end)

for _, kind in ipairs(KINDS) do
  describe("a block of type " .. kind, function()
    for _, case in ipairs {
      { "http://example.com/a", "url" }, { "https://example.com/b?c=d", "url" },
      { "httpsx://example.com", "path" }, { "xhttp://example.com", "path" }, { "http:/a", "path" },
      { "HTTP://a", "path" }, { "ftp://example.com", "path" }, { "a.png", "path" },
    } do
      it(("takes a string for a %s: %s"):format(case[2], case[1]), function()
        if case[2] == "url" then
          assert.same({ type = kind, source = { type = "url", url = case[1] } }, (content[kind](case[1])))
        else
          assert.equal(kind .. ": cannot read " .. case[1] .. ": No such file or directory", refused(kind, case[1]))
        end
      end)
    end

    it("takes a URL or an uploaded file as it is", function()
      assert.same({ type = kind, source = { type = "url", url = "x" } }, (content[kind] { url = "x" }))
      assert.same({ type = kind, source = { type = "url", url = "" } }, (content[kind] { url = "" }))
      assert.same({ type = kind, source = { type = "file", file_id = "f" } }, (content[kind] { file_id = "f" }))
    end)

    it("sends no media type with a URL or an uploaded file", function()
      assert.same({ type = kind, source = { type = "url", url = "x" } },
        (content[kind] { url = "x", media_type = "image/png" }))
      assert.same({ type = kind, source = { type = "file", file_id = "f" } },
        (content[kind]({ file_id = "f" }, { media_type = "image/png" })))
    end)

    for _, name in ipairs { "path", "data", "url", "file_id" } do
      it("is refused where its source is no string: " .. name, function()
        for _, value in ipairs { 5, false, {} } do
          assert.equal(("%s: %s: string expected, got %s"):format(kind, name, type(value)),
            refused(kind, { [name] = value }))
        end
      end)

      it("is refused with more than one source: " .. name, function()
        for _, other in ipairs { "path", "data", "url", "file_id" } do
          if other ~= name then
            assert.equal(kind .. ": one of path, data, url and file_id expected",
              refused(kind, { [name] = "a", [other] = "b", title = "T" }))
          end
        end
      end)
    end

    it("is refused without a source", function()
      for _, given in ipairs { {}, { title = "T" }, { media_type = "image/png" }, { "a.png" } } do
        assert.equal(kind .. ": one of path, data, url and file_id expected", refused(kind, given))
      end
      assert.equal(kind .. ": one of path, data, url and file_id expected",
        refused(kind, { data = "a", path = false }))
    end)

    it("is refused where its media type is no string", function()
      for _, value in ipairs { 5, true, false, {} } do
        local said = kind .. ": media_type: string expected, got " .. type(value)
        assert.equal(said, refused(kind, { data = PNG, media_type = value }))
        assert.equal(said, refused(kind, { url = "x" }, { media_type = value }))
      end
    end)

    it("is refused where there are no bytes", function()
      local path = directory:write("empty", "")
      assert.equal(kind .. ": data: is empty", refused(kind, { data = "" }))
      assert.equal(kind .. ": data: is empty", refused(kind, { data = "", media_type = "image/png" }))
      assert.equal(kind .. ": " .. path .. ": is empty", refused(kind, path))
      assert.equal(kind .. ": " .. path .. ": is empty", refused(kind, { path = path, media_type = "image/png" }))
    end)

    it("is refused where the file cannot be read", function()
      assert.equal(kind .. ": cannot read " .. directory.root .. ": it is a directory", refused(kind, directory.root))
      assert.equal(kind .. ": cannot read " .. directory:path "none" .. ": No such file or directory",
        refused(kind, { path = directory:path "none", media_type = "image/png" }))
    end)

    it("is refused where the file can be read no more", function()
      local path = directory:write("bytes", PNG)
      local read = stub(core, "base64_file").returns(nil, "cannot read it: gone")
      finally(function()
        read:revert()
      end)
      assert.equal(kind .. ": cannot read it: gone", refused(kind, { path = path, media_type = "image/png" }))
      assert.stub(read).was_called_with(path)
    end)

    it("has further fields, those of the second argument first", function()
      local given = { url = "x", title = "T", cache_control = { type = "ephemeral" }, citations = { enabled = false } }
      local fields = { title = "U", context = "C" }
      assert.same({
        type = kind, source = { type = "url", url = "x" }, title = "U", context = "C",
        cache_control = { type = "ephemeral" }, citations = { enabled = false },
      }, (content[kind](given, fields)))
      assert.same({ url = "x", title = "T", cache_control = { type = "ephemeral" }, citations = { enabled = false } },
        given)
      assert.same({ title = "U", context = "C" }, fields)
    end)

    it("has its type and source, whatever the fields say", function()
      assert.same({ type = kind, source = { type = "url", url = "x" } },
        (content[kind]({ url = "x", type = "other", source = 5 }, { type = "another", source = 6 })))
    end)

    it("takes the second argument's media type before the first one's", function()
      local block = content[kind]({ data = PNG, media_type = "image/a" }, { media_type = "image/b" })
      assert.same({ type = kind, source = base64("image/b", PNG) }, block)
    end)
  end)
end
