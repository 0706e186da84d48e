/* The Lua type of net/transfer.h: loop:start{ ... } -> transfer. The events of its body are
 * events.c's, its pieces pieces.c's. */
#include "lua/transfer.h"

#include "lua/request.h"
#include "net/loop.h"
#include "net/transfer_callbacks.h"
#include "json/weight.h"

#include <string.h>

enum {
  LARGE_BODY = 1024 * 1024,     /* which is not held twice */
  KEPT_BODY = 4 * 1024 * 1024,  /* of one that is refused */
  KEPT_ERROR = 16 * 1024 * 1024 /* of one that refuses the request */
};

struct lua_transfer *bind_transfer_check(lua_State *L) {
  return bind_type_check(L, 1, TRANSFER);
}

void bind_transfer_bound_events(struct lua_transfer *self, size_t most) {
  self->sse.max_event_bytes = most;
  self->aws_events.max_frame_bytes = most;
  self->lines.max_line_bytes = most;
}

static void *fail(lua_State *L, const char *message, bool is_file) {
  lua_pushnil(L);
  lua_pushstring(L, message);
  lua_pushstring(L, is_file ? "file" : NULL);
  return NULL;
}

struct transfer *bind_transfer_push(lua_State *L) {
  struct transfer_options options = bind_request_read(L);
  size_t max_event_bytes = bind_request_size(L, "max_event_bytes");
  CURLcode code;
  struct lua_transfer *self = lua_newuserdata(L, sizeof *self);
  memset(self, 0, sizeof *self);
  bind_transfer_bound_events(self, max_event_bytes);
  luaL_getmetatable(L, TRANSFER);
  lua_setmetatable(L, -2);
  bind_request_keep(L, lua_gettop(L));
  self->loop = lua_touserdata(L, 1);
  self->transfer = transfer_new(*self->loop, &options, &code);
  if (!self->transfer)
    return fail(L, curl_easy_strerror(code), false);
  const char *problem = bind_request_add(L, self->transfer);
  if (problem)
    return fail(L, problem, self->transfer->failure == TRANSFER_FILE);
  return self->transfer;
}

void bind_transfer_answer(lua_State *L, struct transfer *transfer) {
  struct transfer_answer answer;
  lua_getfield(L, 2, "answer");
  luaL_checktype(L, -1, LUA_TTABLE);
  lua_getfield(L, -1, "status");
  answer.status = (long)luaL_checkinteger(L, -1);
  lua_getfield(L, -2, "head");
  answer.head = luaL_checklstring(L, -1, &answer.head_length);
  lua_getfield(L, -3, "body");
  answer.bytes = luaL_checklstring(L, -1, &answer.length);
  transfer_answer(transfer, &answer);
  lua_pop(L, 4);
}

/* --- methods: safe on a closed transfer, where there is nothing to read ---------------------- */

/* status() -> number once the response's headers are complete, else nil */
static int status(lua_State *L) {
  const struct transfer *transfer = bind_transfer_check(L)->transfer;
  if (!transfer || !transfer->status)
    return 0;
  lua_pushinteger(L, transfer->status);
  return 1;
}

/* Pushes what the transfer owns. */
static void push_bytes(lua_State *L, struct transfer *transfer, const char *bytes, size_t length) {
  transfer_lend(transfer);
  lua_pushlstring(L, length ? bytes : "", length);
  transfer_take_back(transfer);
}

static void push_buffer(lua_State *L, struct transfer *transfer, const struct buffer *buffer) {
  push_bytes(L, transfer, buffer_bytes(buffer), buffer->length);
}

/* headers() -> the final response's status line and headers as they came; "" until all have come */
static int headers(lua_State *L) {
  struct transfer *transfer = bind_transfer_check(L)->transfer;
  if (!transfer)
    return 0;
  if (transfer->status)
    push_buffer(L, transfer, &transfer->head.lines);
  else
    lua_pushliteral(L, "");
  return 1;
}

int bind_transfer_push_state(lua_State *L, const char *state) {
  lua_pushnil(L);
  lua_pushstring(L, state);
  return 2;
}

/* line() -> line | nil, "again" | nil, "done", what follows the last line end | nil, "too_large"
 * | nil, "memory". For a body that is not read as events. */
static int line(lua_State *L) {
  struct lua_transfer *self = bind_transfer_check(L);
  struct transfer *transfer = self->transfer;
  if (!transfer)
    return bind_transfer_push_state(L, "done");
  if (transfer->lent)
    return bind_transfer_push_state(L, "memory");
  const char *bytes;
  size_t length;
  enum lines_result result;
  do
    result = lines_next(&self->lines, &transfer->body.bytes, &bytes, &length);
  while (result == LINES_MORE && transfer_demand(transfer));
  if (result == LINES_LINE) {
    push_bytes(L, transfer, bytes, length);
    return 1;
  }
  if (result == LINES_TOO_LARGE)
    return bind_transfer_push_state(L, "too_large");
  transfer->entry.news = false;
  if (!transfer->entry.done)
    return bind_transfer_push_state(L, "again");
  push_buffer(L, transfer, &transfer->body.bytes);
  bind_transfer_push_state(L, "done");
  lua_pushvalue(L, -3);
  return 3;
}

/* Drops the line that was handed out last, so that the buffer begins with what nobody has seen. */
static void drop_line(struct lua_transfer *self) {
  buffer_consume(&self->transfer->body.bytes, self->lines.consumed);
  self->lines.consumed = self->lines.searched = 0;
}

/* bytes(max) -> what has come, at most so many bytes | nil, "again" | nil, "done" | nil, "memory".
 * For a body that is not read as events. */
static int bytes(lua_State *L) {
  struct lua_transfer *self = bind_transfer_check(L);
  struct transfer *transfer = self->transfer;
  lua_Number most = luaL_optnumber(L, 2, (lua_Number)SIZE_MAX);
  luaL_argcheck(L, most >= 1, 2, "must be at least 1");
  if (!transfer)
    return bind_transfer_push_state(L, "done");
  if (transfer->lent)
    return bind_transfer_push_state(L, "memory");
  drop_line(self);
  struct buffer *buffer = &transfer->body.bytes;
  if (buffer->length == 0)
    transfer_demand(transfer);
  if (buffer->length == 0) {
    transfer->entry.news = false;
    return bind_transfer_push_state(L, transfer->entry.done ? "done" : "again");
  }
  size_t length = most < (lua_Number)buffer->length ? (size_t)most : buffer->length;
  push_bytes(L, transfer, buffer_bytes(buffer), length);
  buffer_consume(buffer, length);
  return 1;
}

/* Refuses JSON before it becomes values that cost too much, and what is too large to be shown. */
static void bound_body(struct transfer *transfer, bool is_json, bool is_wanted) {
  struct buffer *bytes = &transfer->body.bytes;
  bool is_success = transfer->status / 100 == 2;
  if (is_json && transfer->failure == TRANSFER_OK && is_success &&
      json_is_costly(buffer_bytes(bytes), bytes->length))
    transfer_refuse(transfer, TRANSFER_COSTLY);
  size_t most = is_success || is_wanted ? SIZE_MAX : KEPT_ERROR;
  if (transfer->failure == TRANSFER_TOO_LARGE || transfer->failure == TRANSFER_COSTLY)
    most = KEPT_BODY;
  if (bytes->length > most) {
    bytes->length = most;
    buffer_trim(bytes);
  }
}

/* A large body becomes the string alone, which stands in the userdata's table. */
static int push_body(lua_State *L, struct transfer *transfer) {
  get_uservalue(L, 1);
  lua_getfield(L, -1, "body");
  if (!lua_isnil(L, -1))
    return 1;
  lua_pop(L, 1);
  push_buffer(L, transfer, &transfer->body.bytes);
  if (transfer->body.bytes.length < LARGE_BODY || transfer->lent)
    return 1;
  lua_pushvalue(L, -1);
  lua_setfield(L, -3, "body");
  buffer_free(&transfer->body.bytes);
  return 1;
}

/* body(is_json, is_wanted) -> the body once the transfer is done, as far as it came and was not
 * read as lines or bytes | nil before. Of one that is refused no more than its beginning.
 * `is_json`: it is about to be decoded; `is_wanted`: whatever the status. */
static int body(lua_State *L) {
  struct lua_transfer *self = bind_transfer_check(L);
  struct transfer *transfer = self->transfer;
  if (!transfer) {
    lua_pushliteral(L, "");
    return 1;
  }
  if (!transfer->lent)
    drop_line(self);
  transfer_collect(transfer);
  transfer->entry.news = false;
  if (!transfer->entry.done)
    return 0;
  if (!transfer->lent)
    bound_body(transfer, lua_toboolean(L, 2), lua_toboolean(L, 3));
  return push_body(L, transfer);
}

static int done(lua_State *L) {
  const struct transfer *transfer = bind_transfer_check(L)->transfer;
  lua_pushboolean(L, !transfer || transfer->entry.done);
  return 1;
}

/* has_news() -> whether bytes, headers or the end came since event() or body() last asked */
static int has_news(lua_State *L) {
  const struct transfer *transfer = bind_transfer_check(L)->transfer;
  lua_pushboolean(L, !transfer || transfer->entry.news);
  return 1;
}

/* What the TLS library found in the certificate of the server or of the proxy, in its own numbers;
 * 0: nothing. */
static long verify_result_of(CURL *easy) {
  long result = 0;
  curl_easy_getinfo(easy, CURLINFO_SSL_VERIFYRESULT, &result);
  if (result == 0)
    curl_easy_getinfo(easy, CURLINFO_PROXY_SSL_VERIFYRESULT, &result);
  return result;
}

/* failure() -> nil when it succeeded or is not done | name, message, libcurl's code, and where
 * that is about a certificate what the TLS library found in it */
static int failure(lua_State *L) {
  static const char *const names[] = {
      [TRANSFER_CONNECTION] = "connection",
      [TRANSFER_LOST] = "lost",
      [TRANSFER_REFUSED] = "refused",
      [TRANSFER_DOWNGRADED] = "downgraded",
      [TRANSFER_CONNECT_TIMEOUT] = "connect",
      [TRANSFER_FIRST_BYTE_TIMEOUT] = "first_byte",
      [TRANSFER_IDLE_TIMEOUT] = "idle",
      [TRANSFER_TOTAL_TIMEOUT] = "total",
      [TRANSFER_TRUNCATED] = "truncated",
      [TRANSFER_PROXY] = "proxy",
      [TRANSFER_FLOODED] = "flooded",
      [TRANSFER_TOO_LARGE] = "too_large",
      [TRANSFER_LARGE_DOWNLOAD] = "large_download",
      [TRANSFER_COSTLY] = "costly",
      [TRANSFER_LARGE_HEADERS] = "large_headers",
      [TRANSFER_ENCODING] = "encoding",
      [TRANSFER_NO_MEMORY] = "memory",
      [TRANSFER_FILE] = "file",
      [TRANSFER_CANCELLED] = "cancelled",
  };
  struct transfer *transfer = bind_transfer_check(L)->transfer;
  enum transfer_failure failure = transfer ? transfer->failure : TRANSFER_CANCELLED;
  lua_Integer code = transfer ? (lua_Integer)transfer->code : 0;
  if (failure == TRANSFER_OK)
    return 0;
  if (transfer)
    push_bytes(L, transfer, transfer->message, strlen(transfer->message));
  else
    lua_pushliteral(L, "");
  lua_pushstring(L, names[failure]);
  lua_insert(L, -2);
  lua_pushinteger(L, code);
  if (code != CURLE_PEER_FAILED_VERIFICATION || !transfer->entry.easy)
    return 3;
  lua_pushinteger(L, (lua_Integer)verify_result_of(transfer->entry.easy));
  return 4;
}

/* unprocessed() -> whether the server cannot have acted on the request */
static int unprocessed(lua_State *L) {
  const struct transfer *transfer = bind_transfer_check(L)->transfer;
  lua_pushboolean(L, transfer && transfer_is_unprocessed(transfer));
  return 1;
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
  CURL *easy =
      bind_transfer_check(L)->transfer ? bind_transfer_check(L)->transfer->entry.easy : NULL;
  double seconds[sizeof times / sizeof *times];
  long connects = 0;
  if (easy)
    curl_easy_getinfo(easy, CURLINFO_NUM_CONNECTS, &connects);
  for (size_t i = 0; easy && i < sizeof times / sizeof *times; i++) {
    curl_off_t microseconds = 0;
    curl_easy_getinfo(easy, times[i].info, &microseconds);
    seconds[i] = (double)microseconds / 1e6;
  }
  lua_createtable(L, 0, easy ? sizeof times / sizeof *times + 1 : 0);
  for (size_t i = 0; easy && i < sizeof times / sizeof *times; i++) {
    lua_pushnumber(L, seconds[i]);
    lua_setfield(L, -2, times[i].name);
  }
  if (easy) {
    lua_pushboolean(L, connects == 0);
    lua_setfield(L, -2, "reused");
  }
  return 1;
}

/* received() -> bytes of the body that came over the wire so far */
static int received(lua_State *L) {
  const struct transfer *transfer = bind_transfer_check(L)->transfer;
  curl_off_t bytes = 0;
  if (transfer && transfer->entry.easy)
    curl_easy_getinfo(transfer->entry.easy, CURLINFO_SIZE_DOWNLOAD_T, &bytes);
  lua_pushinteger(L, (lua_Integer)bytes);
  return 1;
}

/* limit(seconds): at most this long from now */
static int limit(lua_State *L) {
  struct transfer *transfer = bind_transfer_check(L)->transfer;
  if (transfer)
    transfer_limit(transfer, luaL_checknumber(L, 2));
  return 0;
}

void bind_transfer_free_parts(struct lua_transfer *self) {
  sse_free(&self->sse);
  buffer_free(&self->copy);
}

/* The loop may have been collected before. */
static int collect_transfer(lua_State *L) {
  struct lua_transfer *self = bind_transfer_check(L);
  transfer_free(self->transfer);
  self->transfer = NULL;
  bind_transfer_free_parts(self);
  return 0;
}

/* close(in_doubt): where it is under way and in doubt, its connection takes no new stream (HTTP/2)
 */
static int close_transfer(lua_State *L) {
  struct lua_transfer *self = bind_transfer_check(L);
  if (self->transfer)
    self->transfer->is_doubted = lua_toboolean(L, 2);
  if (self->transfer && self->transfer->lent) {
    if (self->transfer->entry.loop)
      loop_remove(self->transfer->entry.loop, &self->transfer->entry);
    return 0;
  }
  if (self->transfer)
    transfer_close(self->transfer, self->loop ? *self->loop : NULL);
  self->transfer = NULL;
  bind_transfer_free_parts(self);
  return 0;
}

static int tostring(lua_State *L) {
  const struct transfer *transfer = bind_transfer_check(L)->transfer;
  const char *state = !transfer ? "closed" : transfer->entry.done ? "done" : "under way";
  lua_pushfstring(L, TRANSFER " (%s)", state);
  return 1;
}

static const luaL_Reg metamethods[] = {
    {"__gc", collect_transfer},
    {"__close", close_transfer},
    {"__tostring", tostring},
    {NULL, NULL},
};

static const luaL_Reg methods[] = {
    {"status", status},
    {"headers", headers},
    {"line", line},
    {"bytes", bytes},
    {"body", body},
    {"done", done},
    {"has_news", has_news},
    {"failure", failure},
    {"timings", timings},
    {"unprocessed", unprocessed},
    {"received", received},
    {"limit", limit},
    {"close", close_transfer},
    {NULL, NULL},
};

void bind_transfer_open(lua_State *L) {
  bind_type_make(L, TRANSFER, metamethods, methods);
}
