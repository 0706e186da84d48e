---@meta anthropic.core
-- The C core as Lua sees it. A spec compares the names with the module's; tools/interface.lua takes this file and
-- src's headers for the interface of which both halves must be. Sizes are in bytes, times in seconds.

---@class anthropic.core
---@field interface string of which build it is (tools/interface.lua)
---@field null userdata lua-cjson's null
---@field json_array_metatable table of arrays that are empty or marked
---@field json_object_metatable table of objects that are empty or marked
---@field json_check integer options of json_prepare: a text that is only checked
---@field json_repair integer a tool's input that may be broken
---@field json_strict integer JSON of the caller's
---@field json_input integer a tool's input, within bounds
---@field json_answer integer an answer
---@field json_event integer an event, whose halves of characters stay
---@field json_request integer options of json_encode: a request
---@field json_mend integer text that is not UTF-8 is mended
local core = {}

--- A clock that only goes forward.
---@return number seconds
function core.now() end

---@return { version: string, tls?: string, features: table<string, boolean> }
function core.curl_info() end

--- Whether a thread, asked while it runs, can be suspended; on Lua 5.1 and 5.2 also of one that has resumed another.
---@param thread thread
---@return boolean
function core.can_yield(thread) end

-- --- bytes ---------------------------------------------------------------------------------------

---@param bytes string
---@return string
function core.base64(bytes) end

---@param path string
---@return string|nil text
---@return string? message
function core.base64_file(path) end

---@param path string of a regular file
---@return string|nil bytes
---@return string? message
function core.file_bytes(path) end

--- The path that does not depend on the current directory, whether something stands there or not.
---@param path string
---@return string
function core.whole_path(path) end

--- Its padding may be missing.
---@param text string
---@return string|nil bytes nil where it is no base64
function core.base64_decode(text) end

---@param bytes string
---@return string digest 32 bytes
function core.sha256(bytes) end

---@param key string
---@param bytes string
---@return string digest 32 bytes
function core.hmac_sha256(key, bytes) end

---@param bytes string 64 at most
---@return string text in lower case
function core.hex(bytes) end

--- Whether two texts are equal, in a time that does not tell where they differ.
---@param a string
---@param b string
---@return boolean
function core.is_same(a, b) end

--- The first bytes of a file, 64 at most.
---@param path string
---@return string|nil
---@return string? message
function core.file_head(path) end

--- Who may do what with a file.
---@param path string
---@return integer|nil mode as chmod counts it; nil: there is none
function core.file_mode(path) end

--- Puts a file in its place at once, for its owner alone.
---@param path string
---@param bytes string
---@return true|nil
---@return string? message
function core.write_private(path, bytes) end

--- Whether it is UTF-8 without NUL.
---@param bytes string
---@return boolean
function core.is_text(bytes) end

---@param text string short
---@return string without escapes
function core.decode_escapes(text) end

--- Where words stand in a text, as they are or once its escapes are decoded.
---@param text string
---@param words string[]
---@return integer[]|nil found first, last, index of the word, first, ...
function core.find_spelled(text, words) end

---@param block string of header lines
---@return table<string, string> first names in lower case
---@return table<string, string[]>? repeated the values of those that come more than once
function core.parse_headers(block) end

-- --- JSON ----------------------------------------------------------------------------------------

---@return any text for the decoder, or nil, message, position; then pending, halves, found
function core.json_prepare(text, options, member) end

---@return any value
---@return integer found
function core.json_restore(value, pending, nulls_absent, marked, digits, kept) end

---@return string|nil
---@return string? message
function core.json_encode(...) end

--- What decoded values cost in memory.
---@param value any
---@return number bytes
function core.weigh(value) end

---@class anthropic.core.json_partial a reader of JSON that has not come whole
local json_partial = {}

---@return anthropic.core.json_partial
function core.json_partial() end

---@return true|nil
---@return string? message a text that has failed stays so
function json_partial:feed(bytes) end

---@return any value what is known of it
function json_partial:value() end

---@return (string|integer)[]|nil path of the string that is being read
function json_partial:path() end

---@return string|nil text that is being read, as far as it is known
function json_partial:text() end

---@return string added to that by the last feed
function json_partial:added() end

-- --- events --------------------------------------------------------------------------------------

---@class anthropic.core.sse
local sse = {}

---@param max_event_bytes integer
---@return anthropic.core.sse
function core.sse(max_event_bytes) end

---@param bytes string
function sse:feed(bytes) end

---@return string|nil data
---@return string? name or "again", "too_large" without data
---@return string? id
function sse:next() end

---@return number|nil milliseconds
function sse:retry() end

---@class anthropic.core.delta_run
local delta_run = {}

---@return anthropic.core.delta_run
function core.delta_run() end

--- From now on takes in the deltas of this type in this block, after this text.
---@param type string
---@param index integer
---@param text string
---@param room? number bytes at most
function delta_run:follow(type, index, text, room) end

---@return string|nil text that came since it was last taken
function delta_run:take() end

function delta_run:stop() end

-- --- files ---------------------------------------------------------------------------------------

---@class anthropic.core.sink a file that is written by a temporary name
local sink = {}

---@param path string
---@return anthropic.core.sink|nil
---@return string? message
function core.sink(path) end

---@return integer bytes written
function sink:length() end

--- The file takes its place.
---@return true|nil
---@return string? message
function sink:commit() end

function sink:close() end

---@class anthropic.core.folder files below a directory, by paths that cannot leave it; see util/folder.h
local folder = {}

---@param path string of the directory, which is made where it is missing
---@return anthropic.core.folder|nil
---@return string? words
function core.folder(path) end

---@param path string "" is the directory itself
---@return "file"|"directory"|"other"|nil kind
---@return integer|string size or words
---@return "missing"|nil word
function folder:look(path) end

---@param path string
---@param most integer bytes
---@return string|nil bytes
---@return string? words
---@return "missing"|nil word
function folder:read(path, most) end

---@param path string
---@param most integer entries
---@return { [1]: string, [2]: string, [3]: integer }[]|nil entries name, kind and size of each
---@return string? words
---@return "missing"|nil word
function folder:list(path, most) end

---@param path string where nothing stands
---@param bytes string
---@return true|nil
---@return string? words
---@return "exists"|nil word
function folder:create(path, bytes) end

---@param path string of a file
---@param bytes string
---@return true|nil
---@return string? words
---@return "missing"|nil word
function folder:replace(path, bytes) end

---@param path string
---@return true|nil
---@return string? words
---@return "missing"|nil word
function folder:remove(path) end

---@param from string
---@param to string where nothing stands
---@return true|nil
---@return string? words
---@return "missing"|"exists"|nil word
function folder:rename(from, to) end

--- Counts, no further than past `most` entries.
---@param most integer
---@return integer|nil entries
---@return number|string bytes or words
function folder:measure(most) end

function folder:close() end

-- --- the loop ------------------------------------------------------------------------------------

---@class anthropic.core.loop
local loop = {}

---@return anthropic.core.loop
function core.loop() end

---@return integer|nil descriptor readable whenever there is work; nil where the platform has none
function loop:fd() end

---@param seconds number negative: for ever
---@param takes_interrupt? boolean keep SIGINT from the host meanwhile
---@param budget? number seconds after which `next_ready` stops. Default: never
---@return boolean has_worked
---@return boolean was_interrupted
---@return boolean is_due the alarm's time has come
---@return anthropic.core.transfer|anthropic.core.process|nil subject this and `has_more` as of `next_ready`, with a budget
---@return boolean? has_more
function loop:wait(seconds, takes_interrupt, budget) end

---@return boolean is_late whether the budget of the last wait is used up
function loop:is_late() end

function loop:step() end

---@param time? number of core.now, when a step is due
function loop:alarm(time) end

---@param options table
---@return anthropic.core.transfer|nil
---@return string? message
---@return "file"? what
function loop:start(options) end

--- A transfer that has ended with an answer that no server sent.
---@param options table as of start, with `answer`: { status: integer, head: string, body: string }
---@return anthropic.core.transfer|nil
---@return string? message
---@return "file"? what
function loop:answer(options) end

--- Runs a command: its name and its arguments. It reads nothing, and its standard error is the host's.
---@param arguments string[]
---@return anthropic.core.process|nil
---@return string? message
function loop:run(arguments) end

---@return anthropic.core.transfer|anthropic.core.process|nil with news that was not returned since
---@return boolean? has_more there may be others; without one, the budget is used up and a step is due for them
function loop:next_ready() end

---@return integer transfers under way
function loop:active() end

---@return integer open, idle ones too
function loop:connections() end

function loop:close() end

---@class anthropic.core.process
local process = {}

---@return boolean
function process:has_news() end

---@return string|nil output of a command that is over
---@return integer|"unknown"|"soon"|"too_large"|nil status negative: the signal that ended it. "unknown": the host has
---  collected it. "soon": it has written all, and is about to be over
function process:output() end

--- Ends the command where it runs.
function process:close() end

---@class anthropic.core.transfer
local transfer = {}

---@return integer|nil once the response's headers are complete
function transfer:status() end

---@return string block "" until all have come
function transfer:headers() end

---@return string|nil line, or nil and "again", "done" (then what follows the last line end), "too_large"
function transfer:line() end

---@param max? integer
---@return string|nil bytes, or nil and "again", "done", "memory"
function transfer:bytes(max) end

---@return string|nil once it is done
---@return string? problem
function transfer:body(is_json, is_wanted) end

---@return boolean
function transfer:done() end

---@return boolean
function transfer:has_news() end

---@return string|nil name nil when it succeeded or is not done
---@return string? message
---@return integer? code libcurl's
---@return integer? verification what the TLS library found in the certificate
function transfer:failure() end

---@return table<string, number|boolean>
function transfer:timings() end

---@return integer bytes of the body that came over the wire so far
function transfer:received() end

---@return boolean whether the server cannot have acted on the request
function transfer:unprocessed() end

---@param seconds number at most, from now
function transfer:limit(seconds) end

---@param in_doubt? boolean its connection takes no new stream (HTTP/2)
function transfer:close(in_doubt) end

---@return "events"|"json"|"text"|nil form, or nil and "again", "done"
function transfer:form() end

---@return string|nil data, name of an event; nil and "again", "done", "too_large"
function transfer:event() end

---@return string|nil data, name, id
function transfer:event_with_id() end

---@return string|nil payload, kind, name, text of a message of AWS's event stream; nil and "again", "done", "broken",
---  "too_large", "memory"
function transfer:aws_event() end

---@return string|nil data, name of what event() left at the end
function transfer:rest() end

---@param run anthropic.core.delta_run deltas that go on with it go into it
function transfer:follow(run) end

---@return any the next event that is no delta of the run
function transfer:next_event() end

---@return string|nil the next text of the run
function transfer:next_text() end

---@return any
function transfer:skip_deltas() end

---@return { [1]: number, [2]: string }[] of the body, where it is recorded
function transfer:pieces() end

---@param is_stream boolean false: form() does not know yet
---@return string|nil bytes up to an empty line, or nil and "again", "done", "full", "memory"
---@return boolean|string|nil is_cut it goes on with an event that was read before
---@return any data what it brought, as event() returns it; nil and "piece": nothing
---@return string? name
function transfer:raw_piece(is_stream) end

---@param bytes string of the answer; of a transfer that is fed
---@return boolean taken
function transfer:feed(bytes) end

--- No more comes; of a transfer that is fed.
function transfer:finish() end

--- A transfer without a network.
---@param status integer
---@param max_event_bytes integer
---@param max_body_bytes integer that wait to be read
---@return anthropic.core.transfer
function core.fed(status, max_event_bytes, max_body_bytes) end

return core
