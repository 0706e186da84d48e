-- Figures of the rounds to tables: what is printed, and what is kept in a file of tab-separated values.
local report = {}

local COLUMNS = { "row", "peer", "unit", "cpu_us", "cpu_us_min", "cpu_us_max", "to_libcurl", "to_libcurl_min",
  "to_libcurl_max", "to_typescript", "to_typescript_min", "to_typescript_max", "peak_rss_kb" }

--- The least, the median and the greatest; nil for no figures.
function report.spread(figures)
  local sorted = {}
  for i, figure in ipairs(figures) do
    sorted[i] = figure
  end
  if #sorted == 0 then
    return nil
  end
  table.sort(sorted)
  local middle = math.floor((#sorted + 1) / 2)
  return { least = sorted[1], median = (sorted[middle] + sorted[#sorted + 1 - middle]) / 2, most = sorted[#sorted] }
end

-- Round by round, so that a slow moment of the machine falls on both. None against what cost nothing
-- that could be measured.
local function ratios(figures, others)
  local result = {}
  for i, figure in ipairs(figures) do
    if others and others[i] and others[i] > 0 then
      result[#result + 1] = figure / others[i]
    end
  end
  return report.spread(result)
end

--- What a row's rounds come to: a line for each peer, in the order given.
---@param results table[] { peer =, cpu = { seconds of each round }, rss = KiB }
function report.summarize(row, results)
  local by_name, lines = {}, {}
  for _, result in ipairs(results) do
    by_name[result.peer.name] = result.cpu
  end
  for i, result in ipairs(results) do
    lines[i] = {
      row = row, peer = result.peer, cpu = report.spread(result.cpu), rss = result.rss,
      to_libcurl = ratios(result.cpu, by_name.libcurl), to_typescript = ratios(result.cpu, by_name.typescript),
    }
  end
  return lines
end

-- --- for people -----------------------------------------------------------------------------------

local function significant(number)
  if math.abs(number) >= 100 then
    return ("%.0f"):format(number)
  end
  return (math.abs(number) >= 10 and "%.1f" or math.abs(number) >= 1 and "%.2f" or "%.3f"):format(number)
end

local function show_spread(spread)
  if not spread then
    return "-"
  end
  return ("%s (%s .. %s)"):format(significant(spread.median), significant(spread.least), significant(spread.most))
end

function report.print_head()
  print(("%-32s %26s %28s %28s %9s"):format("", "net CPU, us", "x bare libcurl", "x TypeScript SDK", "peak MB"))
end

function report.print_row(row, lines)
  print(("\n%s: %s, for each %s"):format(row.name, row.title, row.unit))
  for _, line in ipairs(lines) do
    local in_microseconds = { least = line.cpu.least * 1e6, median = line.cpu.median * 1e6, most = line.cpu.most * 1e6 }
    print(("  %-30s %26s %28s %28s %9.1f"):format(line.peer.title, show_spread(in_microseconds),
      show_spread(line.to_libcurl), show_spread(line.to_typescript), line.rss / 1000))
  end
end

local function by_peer(all, name)
  local found = {}
  for _, line in ipairs(all) do
    if line.row.name == name then
      found[line.peer.name] = line
    end
  end
  return found
end

--- How costs grow in each series that was measured from 1x on.
function report.print_growth(all)
  local at = {} -- series, peer and times -> seconds
  local order = {}
  for _, line in ipairs(all) do
    if line.row.series then
      local key = ("  %-30s %-16s"):format(line.peer.title, line.row.series:match "%-(.*)")
      order[#order + 1] = line.row.times_as_much == 1 and key or nil
      at[key .. line.row.times_as_much] = line.cpu.median
    end
  end
  if #order > 0 then
    print "\nWhat a unit costs against 1x, at 4x and at 16x"
  end
  for _, key in ipairs(order) do
    local four, sixteen = at[key .. 4], at[key .. 16]
    print(("%s %6s %6s"):format(key, four and significant(four / at[key .. 1]) or "-",
      sixteen and significant(sixteen / at[key .. 1]) or "-"))
  end
end

--- What each further open stream takes, from the rows of 200 and of 1,000.
function report.print_memory(all)
  local few, many = by_peer(all, "paced-200"), by_peer(all, "paced-1000")
  local function slope(name)
    return few[name] and many[name] and (many[name].rss - few[name].rss) / 800
  end
  local own = slope "libcurl"
  if own then
    print "\nMemory for each open stream, KiB, and beyond bare libcurl's"
  end
  for _, line in ipairs(all) do
    local each = own and line.row.name == "paced-1000" and slope(line.peer.name)
    if each then
      print(("  %-30s %6.1f %6.1f"):format(line.peer.title, each, each - own))
    end
  end
end

-- --- for the file ---------------------------------------------------------------------------------

local function put_spread(cells, spread, factor)
  for _, name in ipairs { "median", "least", "most" } do
    cells[#cells + 1] = spread and ("%.6g"):format(spread[name] * factor) or ""
  end
end

local function to_text(line)
  local cells = { line.row.name, line.peer.title, line.row.unit }
  put_spread(cells, line.cpu, 1e6)
  put_spread(cells, line.to_libcurl, 1)
  put_spread(cells, line.to_typescript, 1)
  cells[#cells + 1] = ("%d"):format(line.rss)
  return table.concat(cells, "\t")
end

-- The file's lines by their row.
local function read(path)
  local kept = {}
  local file = io.open(path)
  for text in file and file:lines() or function() end do
    local name = text:match "^([^\t]+)\t"
    if name and name ~= "row" then
      kept[name] = kept[name] or {}
      table.insert(kept[name], text)
    end
  end
  if file then
    file:close()
  end
  return kept
end

--- Stores what was measured; rows that were not stay as they are in the file.
---@param about string[] what was measured, on what: comments at the head of the file
function report.store(path, rows, all, about)
  local kept, fresh = read(path), {}
  for _, line in ipairs(all) do
    fresh[line.row.name] = fresh[line.row.name] or {}
    table.insert(fresh[line.row.name], to_text(line))
  end
  local file = assert(io.open(path, "w"))
  for _, text in ipairs(about) do
    file:write("# ", text, "\n")
  end
  file:write(table.concat(COLUMNS, "\t"), "\n")
  for _, row in ipairs(rows) do
    for _, text in ipairs(fresh[row.name] or kept[row.name] or {}) do
      file:write(text, "\n")
    end
  end
  file:close()
end

return report
