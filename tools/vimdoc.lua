-- Writes `:help anthropic` from the pages of doc/:
--
--     lua tools/vimdoc.lua [DIRECTORY]         default: doc
--
-- anthropic.txt has the how-to pages, anthropic-reference.txt the reference. GUIDE has the order of the how-to pages
-- and the tag of each. Pages that it does not name follow under their names; those of OTHER_HOSTS are left out. A
-- section's tag is its page's with the heading behind it, but for those with a short name in `sections`; what the
-- reference heads by a call or a class has that as its tag.

package.path = "./?.lua;" .. package.path

local files = require "tools.files"

local WIDTH = 78

local GUIDE = {
  { page = "how-to/install.md", tag = "anthropic-install" },
  {
    page = "how-to/neovim.md", tag = "anthropic-neovim",
    sections = {
      ["Stream an answer into a buffer"] = "anthropic-stream", ["A chat buffer with a history"] = "anthropic-chat",
      ["Ask before a tool runs"] = "anthropic-approval", ["What blocks"] = "anthropic-blocking",
      ["With other libraries for coroutines"] = "anthropic-async", ["JSON"] = "anthropic-json",
    },
  },
  { page = "how-to/options.md", tag = "anthropic-options" },
  { page = "how-to/errors.md", tag = "anthropic-errors" },
  { page = "how-to/retries-and-timeouts.md", tag = "anthropic-retries" },
  {
    page = "how-to/tls-and-proxies.md", tag = "anthropic-tls",
    sections = { ["Go through a proxy"] = "anthropic-proxies" },
  },
  {
    page = "how-to/tools.md", tag = "anthropic-tools",
    sections = { ["Define a tool and let it run"] = "anthropic-run" },
  },
  { page = "how-to/structured-output.md", tag = "anthropic-parse" },
  { page = "how-to/usage-and-cost.md", tag = "anthropic-usage" },
  { page = "how-to/saving-and-resuming.md", tag = "anthropic-saving" },
  { page = "how-to/prompt-caching.md", tag = "anthropic-caching" },
  { page = "how-to/images-and-pdfs.md", tag = "anthropic-images" },
  { page = "how-to/many-requests.md", tag = "anthropic-many" },
  { page = "how-to/batches.md", tag = "anthropic-batches" },
  { page = "how-to/ctrl-c.md", tag = "anthropic-cancel" },
  { page = "how-to/gateways.md", tag = "anthropic-gateways" },
  { page = "how-to/http-transport.md", tag = "anthropic-http" },
  { page = "how-to/testing.md", tag = "anthropic-testing" },
  { page = "how-to/debugging.md", tag = "anthropic-debugging" },
}

local OTHER_HOSTS = { openresty = true, games = true, ["event-loops"] = true, ["from-other-sdks"] = true }

local GUIDE_TEXT = [[
The library for a plugin's author: how to do one thing at a time. What each
function takes and returns is in |anthropic-reference.txt|. Beside these two
files are a tutorial, explanations, and pages for other hosts (doc/README.md).
`:checkhealth anthropic` says what is missing.]]

local REFERENCE_TEXT = [[
Every public function, option and field. A `?` behind a name or a type: it may
be absent. Times are in seconds, sizes in bytes. How to do one thing at a time
is in |anthropic.txt|. The fields of the API's own requests and answers are in
doc/reference/types.md, and in types/anthropic.lua for language servers.]]

-- Pages of the reference that are only named in help: what is in them are the API's own types.
local LEFT_OUT = { README = true, types = true }

-- --- pages and tags ------------------------------------------------------------------------------

local function read_lines(path)
  local lines = {}
  for line in io.lines("doc/" .. path) do
    lines[#lines + 1] = line
  end
  return lines
end

-- Adds the pages of a folder to a list, but those that are in it or left out.
local function add_pages(pages, folder, prefix, left_out)
  local is_listed = {}
  for _, page in ipairs(pages) do
    is_listed[page.page] = true
  end
  for _, path in ipairs(files.list(("ls doc/%s/*.md"):format(folder))) do
    local name = path:match "([%w_-]+)%.md$"
    local page = folder .. "/" .. name .. ".md"
    if not left_out[name] and not is_listed[page] then
      pages[#pages + 1] = { page = page, tag = prefix .. name }
    end
  end
  return pages
end

local function anchor_of(heading)
  return (heading:gsub("`", ""):lower():gsub("[^%w%s_\128-\255-]", ""):gsub("%s", "-"))
end

-- "`stream:next()`" -> "anthropic-stream:next()"; "anthropic.Options" stays; other headings belong to their page.
local function tag_of(page, heading)
  local short = page.sections and page.sections[heading]
  local call = heading:match "^`([%w_.:]+)%(.*%)`$"
  local name = call and call .. "()" or heading:match "^`([%w_.:]+)`$" or heading:match "^(anthropic%.[%w_.]+)$"
  if short then
    return short
  elseif name then
    return name:find "^anthropic" and name or "anthropic-" .. name
  end
  return page.tag .. "-" .. anchor_of(heading)
end

local tags = {} -- "how-to/tools.md#approve-each-call" -> tag; a page's own without "#"
local is_tag = {}

local function note_tags(pages)
  for _, page in ipairs(pages) do
    page.lines = read_lines(page.page)
    tags[page.page] = page.tag
    is_tag[page.tag] = true
    local is_code, counts = false, {}
    for _, line in ipairs(page.lines) do
      is_code = is_code ~= (line:find "^```" ~= nil)
      local heading = not is_code and line:match "^##+ (.*)$"
      if heading then
        local anchor, tag = anchor_of(heading), tag_of(page, heading)
        counts[anchor] = (counts[anchor] or 0) + 1
        assert(not is_tag[tag], tag .. " is there twice")
        tags[page.page .. "#" .. (counts[anchor] > 1 and anchor .. "-" .. counts[anchor] - 1 or anchor)] = tag
        is_tag[tag] = true
      end
    end
  end
end

-- --- text ----------------------------------------------------------------------------------------

local out

local function put(line)
  out[#out + 1] = line
end

-- Only one blank line at a time.
local function put_blank()
  if out[#out] ~= "" and out[#out] ~= "<" then
    put ""
  end
end

-- "how-to/tools.md", "../reference/options.md#x" -> "reference/options.md#x"
local function resolve(page, target)
  local path, anchor = target:match "^([^#]*)(#?.*)$"
  if path == "" then
    return page.page .. anchor
  end
  local parts = {}
  for part in ("doc/" .. page.page:match "^(.*/)" .. path):gmatch "[^/]+" do
    if part == ".." then
      parts[#parts] = nil
    else
      parts[#parts + 1] = part
    end
  end
  return (table.concat(parts, "/"):gsub("^doc/", "")) .. anchor, table.concat(parts, "/")
end

-- A link as words and the tag that it leads to, or the file.
local function link(page, text, target)
  if target:find "^%a[%w+.-]*:" then
    return ("%s (%s)"):format(text, target)
  end
  local place, path = resolve(page, target)
  local tag = tags[place] or tags[place:match "^[^#]*"]
  local bare = text:gsub("`", "")
  if not tag then
    return bare == path and text or ("%s (%s)"):format(text, path)
  elseif tag == bare or tag:lower() == "anthropic-" .. bare:lower() then
    return "|" .. tag .. "|"
  end
  return ("%s (|%s|)"):format(text, tag)
end

-- Markdown within a line, as help shows it. Code stays in backticks.
local function inline(page, text)
  local spans = {}
  local function keep(span)
    spans[#spans + 1] = span
    return ("\1%d\1"):format(#spans)
  end
  text = text:gsub("\\|", "|"):gsub("%[([^%]%[]*)%]%(([^%)%s]+)%)", function(words, target)
    return keep(link(page, words, target))
  end)
  text = text:gsub("`[^`]*`", keep):gsub("%*%*([^*]+)%*%*", "%1")
  for _ = 1, 2 do
    text = text:gsub("\1(%d+)\1", function(number) return spans[tonumber(number)] end)
  end
  return text
end

local function width_of(text)
  return select(2, text:gsub("[^\128-\191]", ""))
end

-- Words in lines of at most WIDTH, the first one behind what stands in `first`. Code with blanks may be broken.
local function put_wrapped(text, indent, first)
  local line, has_words = first or indent, false
  for word in text:gmatch "%S+" do
    if has_words and width_of(line) + 1 + width_of(word) > WIDTH then
      put(line)
      line, has_words = indent, false
    end
    line = line .. (has_words and " " or "") .. word
    has_words = true
  end
  put((line:gsub("%s+$", "")))
end

-- --- blocks --------------------------------------------------------------------------------------

local function put_heading(text, tag, rule)
  local space = WIDTH - width_of(text) - #tag - 2
  put_blank()
  put(rule:rep(WIDTH))
  if space < 2 then
    put(text)
    text, space = "", WIDTH - #tag - 2
  end
  put(text .. (" "):rep(space) .. "*" .. tag .. "*")
  put ""
end

-- The lines that begin and end code are shown empty: they stand in the place of blank ones.
local function put_code(lines)
  if out[#out] == "" then
    out[#out] = nil
  end
  put ">"
  for _, line in ipairs(lines) do
    put(line == "" and "" or "    " .. line)
  end
  put "<"
end

local function cells_of(line)
  local cells = {}
  for cell in (line:gsub("\\|", "\2"):match "^|(.*)|%s*$" .. "|"):gmatch "(.-)|" do
    cells[#cells + 1] = cell:gsub("\2", "|"):match "^%s*(.-)%s*$"
  end
  return cells
end

local NAME_WIDTH = 24

-- A type of the reference: code and links in turn, as one piece of code, or as the link that it is.
local function type_text(page, cell)
  local name, rest = cell:match "^%[`([%w_.]+)`%]%([^%)]*%)`?([%?%[%]]*)`?$"
  if name and is_tag[name] then
    return "|" .. name .. "|" .. rest
  end
  local text = cell:gsub("%[`?([^%]`]*)`?%]%([^%)]*%)", "%1"):gsub("`", ""):gsub("\\|", "|")
  return text ~= "" and inline(page, "`" .. text .. "`") or ""
end

local function put_row(page, head, cells, is_last)
  local name = inline(page, cells[1])
  local is_typed = head[2] == "type" and #cells == 3
  local texts = {}
  for i = is_typed and 3 or 2, #cells do
    local text = inline(page, cells[i])
    if text ~= "" then
      texts[#texts + 1] = head[i] ~= "" and #cells > 2 and head[i] .. ": " .. text or text
    end
  end
  if is_typed and cells[2] ~= "" then
    put_wrapped(name .. (name ~= "" and "  " or "") .. type_text(page, cells[2]), "        ", "    ")
    if texts[1] then
      put_wrapped(texts[1], "        ")
    end
  elseif #texts == 1 and width_of(name) < NAME_WIDTH - 5 then
    local indent = (" "):rep(NAME_WIDTH)
    put_wrapped(texts[1], indent, "    " .. name .. (" "):rep(NAME_WIDTH - 4 - width_of(name)))
  else
    put_wrapped(name, "        ", "    ")
    for _, text in ipairs(texts) do
      put_wrapped(text, "        ")
    end
  end
  if is_last then
    put ""
  end
end

local function put_table(page, rows)
  local head = cells_of(rows[1])
  if head[2] == "type" and head[1] ~= "" then
    put(head[1]:gsub("^%l", string.upper) .. "s: ~")
  end
  for i = 3, #rows do
    put_row(page, head, cells_of(rows[i]), i == #rows)
  end
end

-- The lines from `from` on of which `is_part` is true, and the number of the one after them.
local function take(lines, from, is_part)
  local taken, number = {}, from
  while lines[number] and is_part(lines[number]) do
    taken[#taken + 1] = lines[number]
    number = number + 1
  end
  return taken, number
end

local function is_prose(line)
  return line ~= "" and not line:find "^[#|!<]" and not line:find "^```" and not line:find "^[-*] "
    and not line:find "^%d+%. "
end

-- Kinds of block: what a line begins, and what puts it; that returns the number of the line after it.
local BLOCKS = {
  { "^Written from the sources", function(_, _, number) return number + 1 end },
  { "^[!<]", function(_, _, number) return number + 1 end }, -- pictures and comments
  { "^$", function(_, _, number)
    put_blank()
    return number + 1
  end },
  { "^```", function(_, lines, number)
    local code, last = take(lines, number + 1, function(line) return line ~= "```" end)
    put_code(code)
    return last + 1
  end },
  { "^    %S", function(_, lines, number)
    local code, last = take(lines, number, function(line) return line == "" or line:find "^    " ~= nil end)
    while code[#code] == "" do
      code[#code] = nil
    end
    for i, line in ipairs(code) do
      code[i] = line:gsub("^    ", "")
    end
    put_code(code)
    return last
  end },
  { "^##+ ", function(page, lines, number)
    local heading = lines[number]:match "^##+ (.*)$"
    put_heading(heading:gsub("`", ""), tag_of(page, heading), "-")
    return number + 1
  end },
  { "^|", function(page, lines, number)
    local rows, last = take(lines, number, function(line) return line:find "^|" ~= nil end)
    put_table(page, rows)
    return last
  end },
  { "^[-*%d]%.? ", function(page, lines, number)
    local mark, first = lines[number]:match "^(%S+) (.*)$"
    local rest, last = take(lines, number + 1, function(line) return line:find "^  %s*%S" ~= nil end)
    local indent = (" "):rep(#mark + 1)
    put_wrapped(inline(page, first .. " " .. table.concat(rest, " ")), indent, mark .. " ")
    return last
  end },
  { "", function(page, lines, number)
    local words, last = take(lines, number, is_prose)
    put_wrapped(inline(page, table.concat(words, " ")), "")
    return math.max(last, number + 1)
  end },
}

local function put_page(page)
  local number = 2
  while page.lines[number] do
    for _, block in ipairs(BLOCKS) do
      if page.lines[number]:find(block[1]) then
        number = block[2](page, page.lines, number)
        break
      end
    end
  end
end

-- --- files ---------------------------------------------------------------------------------------

local function title_of(page)
  return (page.lines[1]:gsub("^# ", ""):gsub("`", ""))
end

local function text_of(name, title, words, pages)
  out = {}
  put(("*%s*\t%s"):format(name, title))
  put ""
  put(words)
  put ""
  put "Written by `make doc`: do not edit."
  put ""
  for number, page in ipairs(pages) do
    local heading = ("%2d. %s"):format(number, title_of(page))
    put(heading .. (" "):rep(WIDTH - width_of(heading) - #page.tag - 2) .. "|" .. page.tag .. "|")
  end
  for number, page in ipairs(pages) do
    put_heading(("%d. %s"):format(number, title_of(page)), page.tag, "=")
    put_page(page)
  end
  put_blank()
  put " vim:tw=78:ts=8:noet:ft=help:norl:"
  return table.concat(out, "\n") .. "\n"
end

local directory = arg[1] or "doc"
local guide = add_pages(GUIDE, "how-to", "anthropic-", OTHER_HOSTS)
local reference = add_pages({}, "reference", "anthropic-reference-", LEFT_OUT)
note_tags(guide)
note_tags(reference)
files.write(directory .. "/anthropic.txt", text_of("anthropic.txt", "A client for the Messages API", GUIDE_TEXT, guide))
files.write(directory .. "/anthropic-reference.txt",
  text_of("anthropic-reference.txt", "Functions, options and fields", REFERENCE_TEXT, reference))
