local core = require "anthropic.core"
local multipart = require "anthropic.http.multipart"

local whole = core.whole_path

-- The only part of an upload of one file.
local function part_of(file)
  local parts = assert(multipart.parts { file = file })
  assert.equal(1, #parts)
  return parts[1]
end

local function refusal(params)
  local parts, message = multipart.parts(params)
  assert.is_nil(parts)
  return message
end

describe("an upload", function()
  it("without a file is refused", function()
    local message = "no file given: file, files or archive expected"
    assert.equal(message, refusal(nil))
    assert.equal(message, refusal {})
    assert.equal(message, refusal { display_title = "x", files_ = "a.pdf" })
  end)

  it("of a path names the file, and does not open it", function()
    assert.same({ { name = "file", filename = "report.pdf", content_type = "application/pdf",
                    path = "/no/such/report.pdf" } }, multipart.parts { file = "/no/such/report.pdf" })
  end)

  it("may be an archive", function()
    assert.same({ { name = "archive", filename = "skill.zip", content_type = "application/zip",
                    path = whole "dir/skill.zip" } }, multipart.parts { archive = { path = "dir/skill.zip" } })
  end)

  it("may hold its bytes", function()
    local data = "\0\r\n--boundary\255"
    assert.same({ name = "file", filename = "a.txt", content_type = "text/plain", data = data },
      part_of { data = data, filename = "a.txt" })
    assert.equal("", part_of({ data = "", filename = "empty.bin" }).data)
  end)

  it("may say the name and the type", function()
    assert.same({ name = "file", filename = "x.md", content_type = "a/b; c=d", path = whole "report.pdf" },
      part_of { path = "report.pdf", filename = "x.md", content_type = "a/b; c=d" })
    assert.equal("text/markdown", part_of({ path = "report.pdf", filename = "x.md" }).content_type)
  end)

  it("leaves the parameters alone", function()
    local params = { file = { path = "a.pdf" }, files = { "b.md", { path = "c.md" } }, n = 1 }
    assert(multipart.parts(params))
    assert.same({ file = { path = "a.pdf" }, files = { "b.md", { path = "c.md" } }, n = 1 }, params)
  end)
end)

describe("the name of a file", function()
  it("is the last part of its path", function()
    for path, name in pairs {
      ["a"] = "a", ["a.pdf"] = "a.pdf", ["dir/a.pdf"] = "a.pdf", ["/a.pdf"] = "a.pdf", ["../a.pdf"] = "a.pdf",
      ["./a b.pdf"] = "a b.pdf", ["dir//a"] = "a", ["dir/a/"] = "a", ["dir.d/a//"] = "a", [".hidden"] = ".hidden",
      ["a\\b"] = "a\\b", ["é.pdf"] = "é.pdf",
    } do
      assert.equal(name, part_of(path).filename, path)
      assert.equal(whole(path), part_of(path).path)
    end
  end)

  it("cannot leave its quotes", function()
    assert.equal("a%22b.pdf", part_of('dir/a"b.pdf').filename)
    assert.equal("a%0D%0Ab", part_of({ data = "", filename = "a\r\nb" }).filename)
    assert.equal("100%.pdf", part_of("100%.pdf").filename)
    assert.equal(whole 'dir/a"b.pdf', part_of('dir/a"b.pdf').path)
    assert.equal("d/%22.md", multipart.parts({ files = { 'd/".md' } })[1].filename)
  end)

  it("is all of its path in a list, where directories count", function()
    for path, name in pairs {
      ["SKILL.md"] = "SKILL.md", ["pdf/SKILL.md"] = "pdf/SKILL.md", ["./pdf/SKILL.md"] = "pdf/SKILL.md",
      [".//pdf/SKILL.md"] = "pdf/SKILL.md", [".hidden/a"] = ".hidden/a", ["a/..b"] = "a/..b", ["a../b"] = "a../b",
      ["..."] = "...", ["a/./b"] = "a/./b", ["pdf/x./y"] = "pdf/x./y",
    } do
      local parts = assert(multipart.parts { files = { path } })
      assert.equal(name, parts[1].filename)
      assert.equal(whole(path), parts[1].path)
    end
  end)

  it("is to be given in a list where the path leads out of the directory", function()
    for _, path in ipairs { "/abs/SKILL.md", "/", "../SKILL.md", "..", "a/../SKILL.md", "a/..", "./../a", ".//../a" } do
      assert.equal("files[2]: " .. path .. " needs a filename, the path that it is to have there",
        refusal { files = { "a", path } })
      assert.equal("files[1]: " .. path .. " needs a filename, the path that it is to have there",
        refusal { files = { { path = path } } })
      local parts = assert(multipart.parts { files = { { path = path, filename = "pdf/SKILL.md" } } })
      assert.equal("pdf/SKILL.md", parts[1].filename)
    end
  end)
end)

describe("the type of a file", function()
  for extension, content_type in pairs {
    csv = "text/csv",
    docx = "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    gif = "image/gif",
    htm = "text/html",
    html = "text/html",
    jpeg = "image/jpeg",
    jpg = "image/jpeg",
    json = "application/json",
    md = "text/markdown",
    pdf = "application/pdf",
    png = "image/png",
    pptx = "application/vnd.openxmlformats-officedocument.presentationml.presentation",
    txt = "text/plain",
    webp = "image/webp",
    xlsx = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    xml = "application/xml",
    zip = "application/zip",
  } do
    it("is known by ." .. extension, function()
      assert.equal(content_type, part_of("a." .. extension).content_type)
      assert.equal(content_type, part_of("a.b." .. extension:upper()).content_type)
      assert.equal(content_type, part_of({ data = "", filename = "a." .. extension }).content_type)
    end)
  end

  it("is that of any bytes else", function()
    for _, name in ipairs { "a", "pdf", "a.", "a.pdf.gz", "a.pdfx", "a.p-df", "pdf/a", "a.pdf/b" } do
      assert.equal("application/octet-stream", part_of(name).content_type, name)
    end
  end)
end)

describe("a file", function()
  it("is a path or a table", function()
    for _, value in ipairs { 1, true, false, print } do
      local problem = ": a path or a table expected, got " .. type(value)
      assert.equal("file" .. problem, refusal { file = value })
      assert.equal("archive" .. problem, refusal { archive = value })
      assert.equal("files[1]" .. problem, refusal { files = { value } })
      assert.equal("files[3]" .. problem, refusal { files = { "a", "b", value, "d" } })
    end
  end)

  it("has either a path or data", function()
    assert.equal("file: either path or data expected", refusal { file = {} })
    assert.equal("file: either path or data expected", refusal { file = { filename = "a" } })
    assert.equal("file: either path or data expected", refusal { file = { path = "a", data = "b" } })
    assert.equal("files[1]: either path or data expected", refusal { files = { {} } })
  end)

  it("of data needs a name", function()
    assert.equal("file: data needs a filename", refusal { file = { data = "x" } })
    assert.equal("files[2]: data needs a filename", refusal { files = { "a", { data = "x" } } })
  end)

  it("has no other field, and the message names the nearest", function()
    assert.equal('file: unknown field "filname"; did you mean "filename"?',
      refusal { file = { path = "a", filname = "b" } })
    assert.equal('archive: unknown field "content-type"; did you mean "content_type"?',
      refusal { archive = { path = "a", ["content-type"] = "b" } })
    assert.equal('files[1]: unknown field "paths"; did you mean "path"?', refusal { files = { { paths = "a" } } })
    assert.equal('file: unknown field "1"; did you mean "data"?', refusal { file = { "a.pdf" } })
  end)

  it("has strings in its fields", function()
    for _, name in ipairs { "path", "data", "filename", "content_type" } do
      for _, value in ipairs { 1, true, false, {} } do
        assert.equal(("file.%s: string expected, got %s"):format(name, type(value)),
          refusal { file = { [name] = value } })
      end
    end
    assert.equal("files[2].path: string expected, got number", refusal { files = { "a", { path = 5 } } })
  end)

  it("has NUL in its data alone", function()
    for _, name in ipairs { "path", "filename", "content_type" } do
      for _, value in ipairs { "a\0b", "\0", "a\0" } do
        assert.equal(("file.%s: must not contain NUL"):format(name), refusal { file = { [name] = value } })
      end
    end
    assert.equal("file.path: must not contain NUL", refusal { file = "a\0b" })
    assert.equal("files[1].path: must not contain NUL", refusal { files = { "a\0b" } })
    assert.matches("a parameter's name must not contain NUL", refusal { file = "f", ["a\0b"] = "x" }, 1, true)
    assert.equal("a\0b", part_of({ data = "a\0b", filename = "a" }).data)
  end)

  it("has no line break in its type", function()
    for _, value in ipairs { "a/b\r\nX: y", "a/b\n", "\ra/b" } do
      assert.equal("file.content_type: must not contain a line break",
        refusal { file = { path = "a", content_type = value } })
    end
  end)
end)

describe("a list of files", function()
  it("has a part for each, in its order", function()
    assert.same({
      { name = "files[]", filename = "pdf/SKILL.md", content_type = "text/markdown", path = whole "./pdf/SKILL.md" },
      { name = "files[]", filename = "pdf/b.txt", content_type = "text/plain", data = "x" },
      { name = "files[]", filename = "a", content_type = "application/octet-stream", path = whole "a" },
    }, multipart.parts { files = { "./pdf/SKILL.md", { data = "x", filename = "pdf/b.txt" }, "a" } })
  end)

  it("is not empty, and nothing else", function()
    for _, value in ipairs { {}, "a.pdf", 1, true, false, { path = "a.pdf" } } do
      assert.equal("files: a list of files expected", refusal { files = value })
    end
  end)

  it("has no holes and no names: a file after a hole would be left out", function()
    assert.equal("files[2]: missing", refusal { files = { "a", nil, "c" } })
    assert.equal("files: a list expected, got a table with the key also", refusal { files = { "a", also = "b" } })
    assert.equal("files: a list of files expected", refusal { files = { nil, "b" } })
  end)
end)

describe("a plain field", function()
  local function data_of(value)
    local parts = assert(multipart.parts { file = "a", field = value })
    assert.equal(2, #parts)
    assert.equal("field", parts[1].name)
    assert.is_nil(parts[1].filename)
    assert.is_nil(parts[1].content_type)
    return parts[1].data
  end

  it("is a string, a number or a boolean", function()
    assert.equal("a\r\n\0b", data_of "a\r\n\0b")
    assert.equal("", data_of "")
    assert.equal("true", data_of(true))
    assert.equal("false", data_of(false))
    assert.equal("0.5", data_of(0.5))
    assert.equal("-1.25", data_of(-1.25))
  end)

  it("of a whole number has no decimal point and no exponent", function()
    assert.equal("3600", data_of(3600))
    assert.equal("3600", data_of(7200 / 2))
    assert.equal("7", data_of(21 / 3))
    assert.equal("0", data_of(0))
    assert.equal("-5", data_of(-5))
    assert.equal("1000000000000000", data_of(1e15))
    assert.equal("9007199254740992", data_of(2 ^ 53))
    assert.equal("100000000000000000000", data_of(1e20))
  end)

  it("is nothing else", function()
    for _, value in ipairs { {}, print, coroutine.create(function() end) } do
      assert.equal("field: string, number or boolean expected, got " .. type(value),
        refusal { file = "a", field = value })
    end
  end)

  it("has a name that cannot leave its quotes", function()
    assert.equal("a%22b%0D%0Ac", multipart.parts({ file = "x", ['a"b\r\nc'] = 1 })[1].name)
  end)

  it("without a name, as in upload { \"report.pdf\" }, is refused with words", function()
    assert.is_string(refusal { "report.pdf" })
    assert.is_string(refusal { "report.pdf", file = "a" })
    assert.is_string(refusal { [true] = 1, file = "a" })
  end)

  it("of a whole number keeps all its digits", function()
    local text = "9007199254740993"
    local number = math.type and math.tointeger(tonumber(text)) or 2 ^ 53
    assert.equal(math.type and text or "9007199254740992", data_of(number))
  end)
end)

describe("the parts of an upload", function()
  it("are the plain fields first and then the files, each sorted by name", function()
    local names = {}
    for i, part in ipairs(assert(multipart.parts {
      zeta = 1, alpha = 2, file = "f", files = { "g", "h" }, archive = "a", file_name = "x", filet = "y", archiv = "z",
    })) do
      names[i] = part.name
    end
    assert.same({ "alpha", "archiv", "file_name", "filet", "zeta", "archive", "file", "files[]", "files[]" }, names)
  end)

  it("are refused for the first one that is wrong", function()
    assert.equal("a: string, number or boolean expected, got table", refusal { a = {}, b = {}, file = 1 })
    assert.equal("archive: a path or a table expected, got number", refusal { archive = 1, file = 2, files = 3 })
    assert.equal("files[1]: a path or a table expected, got number", refusal { files = { 1, true } })
  end)
end)

describe("a list of parts", function()
  local function refusal_of_list(list)
    local parts, message = multipart.list(list)
    assert.is_nil(parts)
    return message
  end

  it("is fields and files in their order, with names that break no line", function()
    assert.same({
      { name = "a", data = "1" }, { name = "b", data = "true" }, { name = "c%22", data = "x" },
      { name = "a", data = "5", content_type = "text/plain" },
      { name = "a", data = "false", filename = "f", content_type = "application/octet-stream" },
      { name = "d", data = "{}", content_type = "application/json" },
      { name = "e", path = "/x/y.pdf", filename = "y.pdf", content_type = "application/pdf" },
      { name = "e", data = "x", filename = "z.txt", content_type = "a/b" },
    }, multipart.list {
      { name = "a", data = 1 }, { name = "b", data = true }, { name = 'c"', data = "x" },
      { name = "a", data = 5, content_type = "text/plain" }, { name = "a", data = false, filename = "f" },
      { name = "d", data = "{}", content_type = "application/json" },
      { name = "e", path = "/x/y.pdf" }, { name = "e", data = "x", filename = "z.txt", content_type = "a/b" },
    })
  end)

  it("is refused where one is none, by its number", function()
    local good = { name = "a", data = "x" }
    for words, list in pairs {
      ["multipart: a list of parts expected"] = {},
      ["multipart[2]: a table with a name expected"] = { good, "x" },
      ["multipart[1]: a table with a name expected"] = { { data = "x" } },
      ["multipart[1].name: must not contain NUL"] = { { name = "a\0", data = "x" } },
      ["a: string, number or boolean expected, got nil"] = { { name = "a" } },
      ["a: string, number or boolean expected, got table"] = { { name = "a", data = {} } },
      ['multipart[1]: unknown field "filenam"; did you mean "filename"?'] = {
        { name = "a", data = "x", filenam = "y" },
      },
      ['multipart[1]: unknown field "pathh"; did you mean "path"?'] = { { name = "a", data = 5, pathh = 1 } },
      ["multipart[1]: either path or data expected"] = { { name = "a", content_type = "text/plain" } },
      ["a: a finite number expected"] = { { name = "a", data = 1 / 0, content_type = "text/plain" } },
      ["multipart[1].content_type: must not contain a line break"] = {
        { name = "a", path = "x", content_type = "a\n" },
      },
    } do
      assert.equal(words, refusal_of_list(list))
    end
    for _, part in ipairs { { path = "x", data = "y" }, { path = "x", data = 5 }, { filename = "x" } } do
      part.name = "a"
      assert.equal("multipart[1]: either path or data expected", refusal_of_list { part })
    end
    assert.matches("^multipart", refusal_of_list { good, nil, good })
    assert.matches("^multipart", refusal_of_list { good, x = good })
  end)
end)
