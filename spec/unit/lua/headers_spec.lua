-- core.parse_headers(block): a response's header block as a table. spec/unit/http/headers_spec.lua has the rest.

local core = require "anthropic.core"

local function count_and_pack(...)
  return { n = select("#", ...), ... }
end

local function parse(block)
  local fields, repeated = core.parse_headers(block)
  return { fields, repeated }
end

describe("parse_headers", function()
  it("raises for what is no text", function()
    for _, wrong in ipairs { {}, true, print } do
      assert.error_matches(function() core.parse_headers(wrong) end, "bad argument #1 to '.*' %(string expected, got "
        .. type(wrong))
    end
    assert.error_matches(function() core.parse_headers() end, "bad argument #1 to '.*' %(string expected")
  end)

  it("gives two results: the second one nil where no field comes twice", function()
    assert.same({ n = 2, {}, nil }, count_and_pack(core.parse_headers ""))
    assert.same({ n = 2, { a = "1" }, nil }, count_and_pack(core.parse_headers "a: 1\r\n"))
    assert.same({ n = 2, { a = "1" }, nil }, count_and_pack(core.parse_headers("a: 1\r\n", "more", {})))
    assert.same({ n = 2, { a = "1" }, { a = { "1", "2" } } }, count_and_pack(core.parse_headers "a: 1\r\na: 2\r\n"))
  end)

  for _, case in ipairs {
    { "empty lines", "\n\r\n\r\r\n", {} },
    { "a status line", "HTTP/1.1 200 OK\r\n", {} },
    { "a status line with a colon", "HTTP/1.1 200 It: works\r\n", {} },
    { "lines that end in LF or CR LF", "a: 1\nb: 2\r\nc: 3", { a = "1", b = "2", c = "3" } },
    { "one CR as part of a line's end, and a second one not", "a: 1\r\r\nb: 2\r", { a = "1\r", b = "2" } },
    { "a line of one byte", "a\r\nb", {} },
    { "a colon alone", ":\r\n:a\r\n: b", {} },
    { "a name of one byte, and no value", "a:", { a = "" } },
    { "a name and a CR", "a:\r", { a = "" } },
    { "a value that goes on in further lines", "a: 1\r\n\t 2 \r\n  3\r\nb: 4\n 5\n", { a = "1 2 3", b = "4 5" } },
    { "a value that begins in its second line", "a:\r\n 1\r\nb:\r\n \r\n \r\n", { a = "1", b = "" } },
    { "what goes on behind a line that is no field", "HTTP/1.1 200 OK\r\n a: 1\r\nb: 2\r\n", { b = "2" } },
    { "a colon behind white space", "a : 1\r\na\t: 2\r\na\0: 3\r\n a: 4\r\n", {} },
    { "a byte just above white space", "!: 1\r\na!: 2\r\n", { ["!"] = "1", ["a!"] = "2" } },
    { "letters at the ends of the alphabet, and their neighbours", "AZ@[`{az: 1\r\n", { ["az@[`{az"] = "1" } },
    { "bytes above ASCII", "\128\255: \128\255\r\n", { ["\128\255"] = "\128\255" } },
    { "white space at both ends of a value", "a: \t x \t y \t \r\n", { a = "x \t y" } },
    { "a value of one byte", "a:x\r\nb: y \r\n", { a = "x", b = "y" } },
    { "a value of white space", "a: \t \r\n", { a = "" } },
    { "a value with colons and NUL", "a: :\0:\r\n", { a = ":\0:" } },
    { "no white space but blanks and tabs", "a:\v1\f\r\n", { a = "\v1\f" } },
  } do
    it("reads " .. case[1], function()
      assert.same({ case[3] }, parse(case[2]))
    end)
  end

  it("keeps the first of equal names, and lists all of them", function()
    assert.same({ { a = "1", b = "x" }, { a = { "1", "2", "", "3" } } },
      parse "a: 1\r\nb: x\r\nA: 2\r\na:\r\na: 3 \r\n")
    assert.same({ { a = "", b = "1" }, { a = { "", "2" }, b = { "1", "1" } } }, parse "a:\nb: 1\nb: 1\na: 2\n")
  end)

  it("takes many fields and long ones", function()
    local lines, fields, values = {}, {}, {}
    for i = 1, 2000 do
      lines[#lines + 1] = ("Name-%d: value %d\r\n"):format(i, i)
      lines[#lines + 1] = ("Same: %d\r\n"):format(i)
      fields["name-" .. i], values[i] = "value " .. i, tostring(i)
    end
    fields.same = "1"
    assert.same({ fields, { same = values } }, parse(table.concat(lines)))
    local name, value = ("N"):rep(100000), ("V"):rep(100000)
    assert.same({ { [name:lower()] = value } }, parse(name .. ":" .. value .. "\r\n"))
  end)
end)
