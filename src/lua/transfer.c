/* The Lua type of net/transfer.h: loop:start{ ... } -> transfer. Its body is read as events by
 * events.c, in pieces by pieces.c, and in other ways by body.c. */
#include "lua/transfer.h"

#include "lua/request.h"
#include "net/loop.h"
#include "net/transfer_callbacks.h"

#include <string.h>

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
  self->sse.takes_json = bind_request_flag(L, "takes_json");
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

/* headers() -> the final response's status line and headers as they came; "" until all have come */
static int headers(lua_State *L) {
  struct transfer *transfer = bind_transfer_check(L)->transfer;
  if (!transfer)
    return 0;
  if (transfer->status)
    bind_transfer_push_buffer(L, transfer, &transfer->head.lines);
  else
    lua_pushliteral(L, "");
  return 1;
}

void bind_transfer_push_bytes(lua_State *L, struct transfer *transfer, const char *bytes,
                              size_t length) {
  transfer_lend(transfer);
  lua_pushlstring(L, length ? bytes : "", length);
  transfer_take_back(transfer);
}

void bind_transfer_push_buffer(lua_State *L, struct transfer *transfer,
                               const struct buffer *buffer) {
  bind_transfer_push_bytes(L, transfer, buffer_bytes(buffer), buffer->length);
}

int bind_transfer_push_state(lua_State *L, const char *state) {
  lua_pushnil(L);
  lua_pushstring(L, state);
  return 2;
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

/* failure() -> nil when it succeeded or is not done | name, message, libcurl's code, and if that is
 * about a certificate what the TLS library found in it. What is pushed is read before: a finalizer
 * may close the transfer meanwhile. */
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
  CURL *easy = transfer ? transfer->entry.easy : NULL;
  bool is_about_certificate = easy && code == CURLE_PEER_FAILED_VERIFICATION;
  long found = is_about_certificate ? verify_result_of(easy) : 0;
  if (failure == TRANSFER_OK)
    return 0;
  if (transfer)
    bind_transfer_push_bytes(L, transfer, transfer->message, strlen(transfer->message));
  else
    lua_pushliteral(L, "");
  lua_pushstring(L, names[failure]);
  lua_insert(L, -2);
  lua_pushinteger(L, code);
  if (!is_about_certificate)
    return 3;
  lua_pushinteger(L, (lua_Integer)found);
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

/* limit(seconds): ends it at the latest after this time */
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

/* close(in_doubt): if it is under way and in doubt, its connection takes no new stream (HTTP/2)
 */
static int close_transfer(lua_State *L) {
  struct lua_transfer *self = bind_transfer_check(L);
  if (self->transfer)
    self->transfer->is_doubted = lua_toboolean(L, 2);
  if (self->transfer && self->transfer->lent) {
    if (self->transfer->entry.loop)
      loop_remove(self->transfer->entry.loop, &self->transfer->entry);
    transfer_finish(self->transfer, TRANSFER_CANCELLED); /* a fed transfer has no loop */
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
    {"status", status},           {"headers", headers},   {"done", done},
    {"has_news", has_news},       {"failure", failure},   {"timings", timings},
    {"unprocessed", unprocessed}, {"received", received}, {"limit", limit},
    {"close", close_transfer},    {NULL, NULL},
};

void bind_transfer_open(lua_State *L) {
  bind_type_make(L, TRANSFER, metamethods, methods);
}
