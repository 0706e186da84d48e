-- Measures this library beside everything a user could pick instead. `make bench` runs it under the
-- load server; doc/explanation/benchmark.md says how it is measured. From the environment:
--
--     ROWS, PEERS   names to measure, or the beginnings of names before a "-"; all where empty
--     ROUNDS        how often
--     TABLE         the file that the figures go to
local front = require "bench.front"
local peers = require "bench.peers"
local report = require "bench.report"
local rows = require "bench.rows"

local SERVER_CORE, CLIENT_CORE = arg[1], arg[2]
local MOST_SECONDS = 120 -- of one program
local LONG_ENOUGH = 0.3 -- seconds of CPU, to be measured well

local url = assert(os.getenv "BENCH_URL", "run it by `make bench`")
local rounds = tonumber(os.getenv "ROUNDS" or "") or 3
local table_path = os.getenv "TABLE" or "build/bench/table.tsv"
local fronts, why_no_front
local failures = 0

local function output_of(command)
  local pipe = assert(io.popen(command .. " 2>&1"))
  local output = pipe:read "*a"
  pipe:close()
  return output
end

-- Whether a list of words names it: it, or its beginning.
local function chooser(words)
  return function(name)
    for word in (words or ""):gmatch "%S+" do
      if name == word or name:sub(1, #word + 1) == word .. "-" then
        return true
      end
    end
    return not (words or ""):find "%S"
  end
end

-- --- running --------------------------------------------------------------------------------------

-- Runs a command by bench/run: { cpu =, rss =, bytes =, deltas = }, or nil and what it said.
local function run(environment, command)
  local output = output_of(("env %s build/bench/run %s %d %s"):format(environment, CLIENT_CORE, MOST_SECONDS, command))
  local status, cpu, rss = output:match "run (%d+) (%S+) %S+ (%d+)%s*$"
  if status ~= "0" then
    return nil, output:gsub("run %d[^\n]*\n$", ""):gsub("%s+", " "):sub(1, 500)
  end
  local result = { cpu = tonumber(cpu), rss = tonumber(rss), bytes = 0, deltas = 0 }
  for bytes, deltas in output:gmatch "%f[^\n\0](%d+) (%d+)\n" do
    result.bytes, result.deltas = result.bytes + bytes, result.deltas + deltas
  end
  return result
end

-- Go would speak HTTP/2 wherever the server can.
local function environment_of(peer, row)
  return table.concat({
    peer.environment or "",
    row.front == "http2" and "BENCH_HTTP_VERSION=2" or "BENCH_HTTP_VERSION=1.1 GODEBUG=http2client=0",
    row.front and ("BENCH_CA_FILE=%s NODE_EXTRA_CA_CERTS=%s SSL_CERT_FILE=%s"):format(
      fronts.certificate, fronts.certificate, fronts.certificate) or "",
  }, " ")
end

local function base_url(row)
  if row.front then
    return row.front == "tls_close" and fronts.tls_close or fronts.tls
  end
  return url
end

-- One request of its shortest kind: what a row's program costs without the row's work.
local function small_command(peer, row)
  if row.small ~= "request" then
    return (peer.command:gsub("%S+$", "") .. row.small)
  end
  local path = row.path:gsub("deltas=%d+", "deltas=1"):gsub("pace=%d+", "pace=0"):gsub("size=%d+", "size=20")
  return ("%s %s/%s %s 1 1 20 0"):format(peer.command, base_url(row), path, row.how)
end

local function whole_command(peer, row, more)
  return ("%s %s/%s %s %d %d %d %d"):format(peer.command, base_url(row), row.path, row.how, row.requests * more,
    row.at_once, row.prompt, row.history)
end

-- The mean of so many runs, or of fewer where they are long enough.
local function run_times(times, environment, command)
  local cpu, rss, count = 0, 0, 0
  while true do
    local result, err = run(environment, command)
    if not result then
      return nil, err
    end
    cpu, rss, count = cpu + result.cpu, math.max(rss, result.rss), count + 1
    if count == times or cpu > LONG_ENOUGH then
      result.cpu, result.rss = cpu / count, rss
      return result
    end
  end
end

-- --- a row ----------------------------------------------------------------------------------------

local function can(peer, row)
  local is_meant = not row.only
  for _, name in ipairs(row.only or {}) do
    is_meant = is_meant or name == peer.name
  end
  local front_name = row.front == "tls_close" and "tls" or row.front
  return is_meant and peer.ways[row.how] and row.at_once <= peer.at_once
    and (not front_name or peer[front_name])
    and (row.requests == 1 or row.closes or peer.keep_alive)
    and (row.history == 0 or peer.history)
end

local small_costs = {} -- command -> seconds

local function small_cost(peer, row)
  if not row.small then
    return 0
  end
  local environment, command = environment_of(peer, row), small_command(peer, row)
  if not small_costs[command] then
    local figures = {}
    for i = 1, math.max(3, rounds) do
      local result, err = run_times(row.times, environment, command)
      if not result then
        return nil, err
      end
      figures[i] = result.cpu
    end
    small_costs[command] = report.spread(figures).median
  end
  return small_costs[command]
end

-- Long streams are repeated by those who are too fast for one.
local function repetitions(peer, row)
  return row.requests == 1 and row.at_once == 1 and row.small == "request" and peer.more or 1
end

local function measure_once(result, row, count)
  local peer, more = result.peer, repetitions(result.peer, row)
  local small, err = small_cost(peer, row)
  local whole
  if small then
    whole, err = run_times(row.times, environment_of(peer, row), whole_command(peer, row, more))
  end
  if not whole then
    return nil, err
  end
  result.cpu[#result.cpu + 1] = (whole.cpu - small) / (count * more)
  result.rss = math.max(result.rss, whole.rss)
  result.bytes, result.deltas = whole.bytes, whole.deltas
  return true
end

-- Whoever reads text has to have read the same.
local function check_equal_work(row, results)
  local first
  for _, result in ipairs(results) do
    if result.peer.reads_text then
      first = first or result
      if result.bytes ~= first.bytes or result.deltas ~= first.deltas then
        failures = failures + 1
        print(("  FAILED: %s read %d bytes of text in %d deltas, %s %d in %d in %s"):format(result.peer.title,
          result.bytes, result.deltas, first.peer.title, first.bytes, first.deltas, row.name))
      end
    end
  end
end

-- What the net CPU is divided by; the bodies' thousands of bytes are asked for.
local function count_of(row)
  if row.count == "body" then
    local body = assert(run("", ("build/bench/libcurl %s/%s events 1 1 20 0"):format(url, row.path)))
    return row.requests * body.bytes / 1000
  end
  return row.count
end

local function measure(row, installed)
  local results, count = {}, count_of(row)
  for _, peer in ipairs(installed) do
    if can(peer, row) then
      results[#results + 1] = { peer = peer, cpu = {}, rss = 0 }
    end
  end
  for _ = 1, rounds do
    for i = #results, 1, -1 do
      local ok, err = measure_once(results[i], row, count)
      if not ok then
        failures = failures + 1
        print(("  FAILED: %s at %s: %s"):format(results[i].peer.title, row.name, err))
        table.remove(results, i)
      end
    end
  end
  check_equal_work(row, results)
  for i = #results, 1, -1 do
    if report.spread(results[i].cpu).median <= 0 then
      print(("  left out: %s at %s, whose start varies by more than the work takes"):format(
        results[i].peer.title, row.name))
      table.remove(results, i)
    end
  end
  return report.summarize(row, results)
end

-- --- everything -----------------------------------------------------------------------------------

local function first_line(text)
  return (text:match "[^\n]*":gsub("%s+", " "))
end

-- The peers that are there, told with their versions.
local function find_peers(is_wanted, about)
  local installed = {}
  for _, peer in ipairs(peers) do
    if is_wanted(peer.name) then
      local result, err = run(peer.environment or "", peer.command .. " " .. url .. " load 1 1 20 0")
      if result then
        installed[#installed + 1] = peer
        local version = output_of(("export BENCH=1 %s; %s"):format(peer.environment or "", peer.version))
        about[#about + 1] = peer.title .. ": " .. first_line(version)
      else
        print(("without %s: %s"):format(peer.title, err))
      end
    end
  end
  return installed
end

local function load_average()
  return tonumber(output_of("cat /proc/loadavg"):match "^%S+") or 0
end

local about = {
  os.date "!%Y-%m-%d",
  first_line(output_of "echo $(nproc) x $(sed -n 's/^model name.*: //p' /proc/cpuinfo | head -n 1)"),
  ("%d rounds; the load of the machine at the start was %.2f"):format(rounds, load_average()),
}
if load_average() > 1 then
  print "The machine is busy: these figures are noise."
end
local installed = find_peers(chooser(os.getenv "PEERS"), about)
local is_wanted, all = chooser(os.getenv "ROWS"), {}
for i = 1, #about do
  print(about[i])
end

report.print_head()
for _, row in ipairs(rows) do
  if is_wanted(row.name) then
    if row.front and not fronts and not why_no_front then
      fronts, why_no_front = front.start(url, os.getenv "BENCH_FREE_PORTS", SERVER_CORE)
    end
    if row.front and not fronts then
      print(("\n%s: left out, %s"):format(row.name, why_no_front))
    else
      local lines = measure(row, installed)
      report.print_row(row, lines)
      for _, line in ipairs(lines) do
        all[#all + 1] = line
      end
    end
    io.stdout:flush()
  end
end
front.stop()
report.print_growth(all)
report.print_memory(all)
report.store(table_path, rows, all, about)
os.exit(failures == 0 and 0 or 1)
