--- What the client's records become: a line in nginx's log for each request, and a page of metrics for Prometheus.
--
--     lua_shared_dict anthropic_metrics 1m;
--     location = /metrics { content_by_lua_block { require("records").page() } }
--
--     local client = anthropic.new { on_log = require("records").on_log }
--     client.messages.create(params, { tag = ngx.var.request_id })

local records = {}

local metrics = assert(ngx.shared.anthropic_metrics, "no lua_shared_dict anthropic_metrics")

-- Metric -> its type, what it says, and where it is a histogram the bounds of its buckets in seconds.
local METRICS = {
  anthropic_requests_total = { "counter", "Requests that have ended." },
  anthropic_errors_total = { "counter", "Requests that have failed, by the kind of the error." },
  anthropic_tokens_total = { "counter", "Tokens, by model and kind." },
  anthropic_first_text_seconds = { "histogram", "Until the first text of a stream.", { 0.25, 0.5, 1, 2, 5, 10, 30 } },
  anthropic_request_seconds = { "histogram", "Of whole requests, with retries.", { 0.5, 1, 2, 5, 10, 30, 60, 300 } },
  anthropic_requests_in_flight = { "gauge", "Requests under way." },
}

local TOKENS = { "input_tokens", "output_tokens", "cache_creation_input_tokens", "cache_read_input_tokens" }

-- Names of models are a server's words: more are counted together.
local MOST_MODELS = 64

local ESCAPES = { ["\\"] = "\\\\", ['"'] = '\\"', ["\n"] = "\\n" }

-- { "model", "m", "kind", "k" } -> {model="m",kind="k"}
local function labels_of(list)
  local words = {}
  for i = 1, #list, 2 do
    words[#words + 1] = ('%s="%s"'):format(list[i], tostring(list[i + 1]):sub(1, 100):gsub('[\\"\n]', ESCAPES))
  end
  return #words > 0 and "{" .. table.concat(words, ",") .. "}" or ""
end

local function add(name, list, value)
  metrics:incr(name .. labels_of(list), value, 0)
end

local function observe(name, list, seconds)
  for _, bound in ipairs(METRICS[name][3]) do
    add(name .. "_bucket", { list[1], list[2], "le", bound }, seconds <= bound and 1 or 0)
  end
  add(name .. "_bucket", { list[1], list[2], "le", "+Inf" }, 1)
  add(name .. "_sum", list, seconds)
  add(name .. "_count", list, 1)
end

local function model_of(record)
  local name = record.model or "none"
  local key = "model " .. name
  if not metrics:get(key) then
    if metrics:incr("models", 1, 0) > MOST_MODELS then
      return "other"
    end
    metrics:set(key, true)
  end
  return name
end

local function count(record)
  local model = model_of(record)
  add("anthropic_requests_total", { "model", model, "outcome", record.outcome, "status", record.status or "none" }, 1)
  if record.outcome == "error" then
    add("anthropic_errors_total", { "kind", record.kind, "type", record.type or "none" }, 1)
  end
  for _, kind in ipairs(TOKENS) do
    local tokens = record.usage and record.usage[kind]
    if type(tokens) == "number" and tokens > 0 then
      add("anthropic_tokens_total", { "model", model, "kind", kind }, tokens)
    end
  end
  observe("anthropic_request_seconds", { "model", model }, record.seconds)
  if record.timings and record.timings.first_text then
    observe("anthropic_first_text_seconds", { "model", model }, record.timings.first_text)
  end
end

local in_flight = 0 -- of this worker

local function note_in_flight(change)
  in_flight = in_flight + change
  metrics:set("anthropic_requests_in_flight" .. labels_of { "worker", ngx.worker.id() or 0 }, in_flight)
end

--- The client's option `on_log`.
function records.on_log(record)
  if record.event == "request" and record.attempt == 1 then
    note_in_flight(1)
  elseif record.event == "done" then
    if record.attempt > 0 then
      note_in_flight(-1)
    end
    count(record)
    ngx.log(ngx.NOTICE, ("anthropic %s: status=%s request_id=%s tag=%s attempts=%d seconds=%.3f tokens=%s%s"):format(
      record.outcome, record.status or "-", record.request_id or "-", tostring(record.tag or "-"), record.attempt,
      record.seconds, record.usage and record.usage.output_tokens or "-", record.error and " " .. record.error or ""))
  end
end

--- Answers with all of them, in Prometheus' text format.
function records.page()
  local lines, last = {}, nil
  local keys = metrics:get_keys(0)
  table.sort(keys)
  for _, key in ipairs(keys) do
    local name = key:match "^(anthropic_[%w_]+)"
    local metric = name and (METRICS[name] and name or name:gsub("_%a+$", ""))
    if metric and metric ~= last then
      lines[#lines + 1] = ("# HELP %s %s"):format(metric, METRICS[metric][2])
      lines[#lines + 1] = ("# TYPE %s %s"):format(metric, METRICS[metric][1])
      last = metric
    end
    if metric then
      lines[#lines + 1] = ("%s %.14g"):format(key, metrics:get(key) or 0)
    end
  end
  ngx.header.content_type = "text/plain; version=0.0.4"
  ngx.print(table.concat(lines, "\n"), "\n")
end

return records
