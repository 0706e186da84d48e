/* The Lua type of transfer.h: loop:start{ ... } -> transfer, with the events or lines of its body.
 */
#include "lua_modules.h"

#include "delta.h"
#include "lines.h"
#include "loop.h"
#include "sse.h"
#include "transfer.h"

#include <string.h>

#define TRANSFER "anthropic.transfer"

/* The transfer comes first: lua_loop.c reads it there. NULL once closed. */
struct lua_transfer {
  struct transfer *transfer;
  struct sse sse;
  struct lines lines;
};

static struct lua_transfer *to_transfer(lua_State *L) {
  return luaL_checkudata(L, 1, TRANSFER);
}

/* --- options: a wrong type is a mistake in the Lua layer and raises --------------------------- */

static const char *string_field(lua_State *L, const char *name, size_t *length) {
  lua_getfield(L, 2, name);
  if (lua_isnil(L, -1)) {
    lua_pop(L, 1);
    return NULL;
  }
  if (lua_type(L, -1) != LUA_TSTRING)
    luaL_error(L, "%s must be a string", name);
  const char *text = lua_tolstring(L, -1, length);
  lua_pop(L, 1); /* the options table keeps it alive */
  return text;
}

/* A string for libcurl, which would stop at a NUL and pass a line break on to the wire. */
static const char *line_field(lua_State *L, const char *name) {
  size_t length = 0;
  const char *text = string_field(L, name, &length);
  if (text && (strlen(text) != length || strpbrk(text, "\r\n")))
    luaL_error(L, "%s must not contain NUL or a line break", name);
  return text;
}

static double number_field(lua_State *L, const char *name) {
  lua_getfield(L, 2, name);
  double number = lua_isnil(L, -1) ? 0 : luaL_checknumber(L, -1);
  lua_pop(L, 1);
  return number;
}

/* Missing means no limit. */
static size_t size_field(lua_State *L, const char *name) {
  double number = number_field(L, name);
  return number >= 1 && number < 9007199254740992.0 ? (size_t)number : SIZE_MAX;
}

static bool boolean_field(lua_State *L, const char *name) {
  lua_getfield(L, 2, name);
  bool value = lua_toboolean(L, -1);
  lua_pop(L, 1);
  return value;
}

static struct transfer_options read_options(lua_State *L) {
  struct transfer_options options = {0};
  options.method = line_field(L, "method");
  options.url = line_field(L, "url");
  options.body = string_field(L, "body", &options.body_length);
  options.proxy = line_field(L, "proxy");
  options.ca_file = line_field(L, "ca_file");
  options.ca_path = line_field(L, "ca_path");
  options.insecure = boolean_field(L, "insecure");
  options.http2 = boolean_field(L, "http2");
  options.connect_timeout = number_field(L, "connect_timeout");
  options.first_byte_timeout = number_field(L, "first_byte_timeout");
  options.idle_timeout = number_field(L, "idle_timeout");
  options.total_timeout = number_field(L, "total_timeout");
  options.max_body_bytes = size_field(L, "max_body_bytes");
  options.record = boolean_field(L, "record");
  if (!options.method || !options.url)
    luaL_error(L, "method and url must be given");
  return options;
}

/* `headers` is a list of "Name: value" lines. False when memory ran out. */
static bool add_headers(lua_State *L, struct transfer *transfer) {
  lua_getfield(L, 2, "headers");
  size_t count = lua_istable(L, -1) ? lua_rawlen(L, -1) : 0;
  for (size_t i = 1; i <= count; i++) {
    size_t length = 0;
    lua_rawgeti(L, -1, (int)i);
    const char *line = lua_tolstring(L, -1, &length);
    if (!line || strlen(line) != length || strpbrk(line, "\r\n"))
      luaL_error(L, "header %d must be a string without NUL or a line break", (int)i);
    if (!transfer_add_header(transfer, line))
      return false;
    lua_pop(L, 1);
  }
  lua_pop(L, 1);
  return true;
}

/* The uservalue keeps the loop and the request's body alive. */
static void keep(lua_State *L, int transfer) {
  lua_createtable(L, 2, 0);
  lua_pushvalue(L, 1);
  lua_rawseti(L, -2, 1);
  lua_getfield(L, 2, "body");
  lua_rawseti(L, -2, 2);
  set_uservalue(L, transfer);
}

static int fail(lua_State *L, const char *message) {
  lua_pushnil(L);
  lua_pushstring(L, message);
  return 2;
}

int transfer_start(lua_State *L, struct loop *loop) {
  struct transfer_options options = read_options(L);
  CURLcode code;
  struct lua_transfer *self = lua_newuserdata(L, sizeof *self);
  memset(self, 0, sizeof *self);
  self->sse.max_event_bytes = size_field(L, "max_event_bytes");
  self->lines.max_line_bytes = self->sse.max_event_bytes;
  luaL_getmetatable(L, TRANSFER);
  lua_setmetatable(L, -2);
  keep(L, lua_gettop(L));
  self->transfer = transfer_new(&options, &code);
  if (!self->transfer)
    return fail(L, curl_easy_strerror(code));
  if (!add_headers(L, self->transfer))
    return fail(L, "not enough memory");
  if (!loop_add(loop, self->transfer))
    return fail(L, "cannot start: not enough memory or descriptors");
  return 1;
}

/* --- methods: safe on a closed transfer, where there is nothing to read ------------------------
 */

/* status() -> number once the response's headers are complete, else nil */
static int status(lua_State *L) {
  const struct transfer *transfer = to_transfer(L)->transfer;
  if (!transfer || !transfer->status)
    return 0;
  lua_pushinteger(L, transfer->status);
  return 1;
}

/* headers() -> the final response's status line and headers as they came */
static int headers(lua_State *L) {
  const struct transfer *transfer = to_transfer(L)->transfer;
  if (!transfer)
    return 0;
  lua_pushlstring(
      L, transfer->response_headers.length ? buffer_bytes(&transfer->response_headers) : "",
      transfer->response_headers.length);
  return 1;
}

static void push_delta(lua_State *L, const struct delta *delta) {
  lua_createtable(L, 0, 3);
  lua_pushliteral(L, "content_block_delta");
  lua_setfield(L, -2, "type");
  lua_pushinteger(L, delta->index);
  lua_setfield(L, -2, "index");
  lua_createtable(L, 0, 2);
  lua_pushstring(L, delta->type);
  lua_setfield(L, -2, "type");
  lua_pushlstring(L, delta->text, delta->length);
  lua_setfield(L, -2, delta->field);
  lua_setfield(L, -2, "delta");
}

static int push_event(lua_State *L, const struct sse_event *event) {
  struct delta delta;
  if (delta_read(event->data, event->data_length, &delta)) {
    push_delta(L, &delta);
    return 1;
  }
  lua_pushlstring(L, event->data, event->data_length);
  lua_pushlstring(L, event->name, event->name_length);
  return 2;
}

static int push_state(lua_State *L, const char *state) {
  lua_pushnil(L);
  lua_pushstring(L, state);
  return 2;
}

/* event() -> a decoded delta | data, name of any other event | nil, "again" | nil, "done" | nil,
 * "too_large" | nil, "memory". "done" comes once, after the last event, whether the transfer
 * succeeded or failed. */
static int event(lua_State *L) {
  struct lua_transfer *self = to_transfer(L);
  struct transfer *transfer = self->transfer;
  if (!transfer)
    return push_state(L, "done");
  struct sse_event event;
  enum sse_result result;
  do
    result = sse_next(&self->sse, &transfer->body, &event);
  while (result == SSE_MORE && transfer_demand(transfer));
  if (result == SSE_EVENT)
    return push_event(L, &event);
  if (result != SSE_MORE)
    return push_state(L, result == SSE_TOO_LARGE ? "too_large" : "memory");
  transfer->news = false;
  return push_state(L, transfer->done ? "done" : "again");
}

/* line() -> line | nil, "again" | nil, "done", what follows the last line end | nil, "too_large".
 * For a body that is not read as events. */
static int line(lua_State *L) {
  struct lua_transfer *self = to_transfer(L);
  struct transfer *transfer = self->transfer;
  if (!transfer)
    return push_state(L, "done");
  const char *bytes;
  size_t length;
  enum lines_result result;
  do
    result = lines_next(&self->lines, &transfer->body, &bytes, &length);
  while (result == LINES_MORE && transfer_demand(transfer));
  if (result == LINES_LINE) {
    lua_pushlstring(L, bytes, length);
    return 1;
  }
  if (result == LINES_TOO_LARGE)
    return push_state(L, "too_large");
  transfer->news = false;
  if (!transfer->done)
    return push_state(L, "again");
  push_state(L, "done");
  lua_pushlstring(L, transfer->body.length ? buffer_bytes(&transfer->body) : "",
                  transfer->body.length);
  return 3;
}

/* pieces() -> { { seconds since the start, bytes }, ... } of the body, where it is recorded */
static int pieces(lua_State *L) {
  const struct transfer *transfer = to_transfer(L)->transfer;
  lua_newtable(L);
  if (!transfer || !transfer->recorded.length)
    return 1;
  const char *bytes = buffer_bytes(&transfer->recorded);
  size_t count = transfer->pieces.length / sizeof(struct transfer_piece);
  size_t start = 0;
  for (size_t i = 0; i < count; i++) {
    struct transfer_piece piece;
    memcpy(&piece, buffer_bytes(&transfer->pieces) + i * sizeof piece, sizeof piece);
    lua_createtable(L, 2, 0);
    lua_pushnumber(L, piece.seconds);
    lua_rawseti(L, -2, 1);
    lua_pushlstring(L, bytes + start, piece.end - start);
    lua_rawseti(L, -2, 2);
    lua_rawseti(L, -2, (int)i + 1);
    start = piece.end;
  }
  return 1;
}

/* body() -> the whole body once the transfer is done, as far as it came | nil before */
static int body(lua_State *L) {
  struct transfer *transfer = to_transfer(L)->transfer;
  if (!transfer) {
    lua_pushliteral(L, "");
    return 1;
  }
  transfer_collect(transfer);
  transfer->news = false;
  if (!transfer->done)
    return 0;
  lua_pushlstring(L, transfer->body.length ? buffer_bytes(&transfer->body) : "",
                  transfer->body.length);
  return 1;
}

static int done(lua_State *L) {
  const struct transfer *transfer = to_transfer(L)->transfer;
  lua_pushboolean(L, !transfer || transfer->done);
  return 1;
}

/* has_news() -> whether bytes, headers or the end came since event() or body() last asked */
static int has_news(lua_State *L) {
  const struct transfer *transfer = to_transfer(L)->transfer;
  lua_pushboolean(L, !transfer || transfer->news);
  return 1;
}

/* failure() -> nil when it succeeded or is not done | name, message, libcurl's code */
static int failure(lua_State *L) {
  static const char *const names[] = {
      [TRANSFER_CONNECTION] = "connection",         [TRANSFER_CONNECT_TIMEOUT] = "connect",
      [TRANSFER_FIRST_BYTE_TIMEOUT] = "first_byte", [TRANSFER_IDLE_TIMEOUT] = "idle",
      [TRANSFER_TOTAL_TIMEOUT] = "total",           [TRANSFER_TRUNCATED] = "truncated",
      [TRANSFER_TOO_LARGE] = "too_large",           [TRANSFER_NO_MEMORY] = "memory",
      [TRANSFER_CANCELLED] = "cancelled",
  };
  const struct transfer *transfer = to_transfer(L)->transfer;
  enum transfer_failure failure = transfer ? transfer->failure : TRANSFER_CANCELLED;
  if (failure == TRANSFER_OK)
    return 0;
  lua_pushstring(L, names[failure]);
  lua_pushstring(L, transfer ? transfer->message : "");
  lua_pushinteger(L, transfer ? (lua_Integer)transfer->code : 0);
  return 3;
}

/* timings() -> seconds since the start, and whether the connection was reused */
static int timings(lua_State *L) {
  static const struct {
    const char *name;
    CURLINFO info;
  } times[] = {
      {"name_lookup", CURLINFO_NAMELOOKUP_TIME_T},   {"connect", CURLINFO_CONNECT_TIME_T},
      {"tls", CURLINFO_APPCONNECT_TIME_T},           {"request", CURLINFO_PRETRANSFER_TIME_T},
      {"first_byte", CURLINFO_STARTTRANSFER_TIME_T}, {"total", CURLINFO_TOTAL_TIME_T},
  };
  const struct transfer *transfer = to_transfer(L)->transfer;
  lua_newtable(L);
  if (!transfer || !transfer->easy)
    return 1;
  for (size_t i = 0; i < sizeof times / sizeof *times; i++) {
    curl_off_t microseconds = 0;
    curl_easy_getinfo(transfer->easy, times[i].info, &microseconds);
    lua_pushnumber(L, (double)microseconds / 1e6);
    lua_setfield(L, -2, times[i].name);
  }
  long connects = 0;
  curl_easy_getinfo(transfer->easy, CURLINFO_NUM_CONNECTS, &connects);
  lua_pushboolean(L, connects == 0);
  lua_setfield(L, -2, "reused");
  return 1;
}

/* limit(seconds): at most this long from now */
static int limit(lua_State *L) {
  struct transfer *transfer = to_transfer(L)->transfer;
  if (transfer)
    transfer_limit(transfer, luaL_checknumber(L, 2));
  return 0;
}

static int close_transfer(lua_State *L) {
  struct lua_transfer *self = to_transfer(L);
  transfer_free(self->transfer);
  self->transfer = NULL;
  sse_free(&self->sse);
  return 0;
}

static int tostring(lua_State *L) {
  const struct transfer *transfer = to_transfer(L)->transfer;
  const char *state = !transfer ? "closed" : transfer->done ? "done" : "under way";
  lua_pushfstring(L, TRANSFER " (%s)", state);
  return 1;
}

static const luaL_Reg metamethods[] = {
    {"__gc", close_transfer},
    {"__close", close_transfer},
    {"__tostring", tostring},
    {NULL, NULL},
};

static const luaL_Reg methods[] = {
    {"status", status},   {"headers", headers}, {"event", event}, {"line", line},
    {"body", body},       {"pieces", pieces},   {"done", done},   {"has_news", has_news},
    {"failure", failure}, {"timings", timings}, {"limit", limit}, {"close", close_transfer},
    {NULL, NULL},
};

void transfer_open(lua_State *L) {
  make_type(L, TRANSFER, metamethods, methods);
}
