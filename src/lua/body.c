/* The methods of a transfer whose body is not read as events: line, bytes and body. */
#include "lua/transfer.h"
#include "json/weight.h"

enum {
  LARGE_BODY = 1024 * 1024,     /* a larger one is not held twice */
  KEPT_BODY = 4 * 1024 * 1024,  /* at most, of a refused body */
  KEPT_ERROR = 16 * 1024 * 1024 /* at most, of an error's body */
};

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
    bind_transfer_push_bytes(L, transfer, bytes, length);
    return 1;
  }
  if (result == LINES_TOO_LARGE)
    return bind_transfer_push_state(L, "too_large");
  transfer->entry.news = false;
  if (!transfer->entry.done)
    return bind_transfer_push_state(L, "again");
  bind_transfer_push_buffer(L, transfer, &transfer->body.bytes);
  bind_transfer_push_state(L, "done");
  lua_pushvalue(L, -3);
  return 3;
}

/* Drops the line that was handed out last, so that the buffer begins with what is still unread. */
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
  bind_transfer_push_bytes(L, transfer, buffer_bytes(buffer), length);
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

/* A large body is kept only as the string, in the userdata's table. */
static int push_body(lua_State *L, struct transfer *transfer) {
  get_uservalue(L, 1);
  lua_getfield(L, -1, "body");
  if (!lua_isnil(L, -1))
    return 1;
  lua_pop(L, 1);
  bind_transfer_push_buffer(L, transfer, &transfer->body.bytes);
  if (transfer->body.bytes.length < LARGE_BODY || transfer->lent)
    return 1;
  lua_pushvalue(L, -1);
  lua_setfield(L, -3, "body");
  buffer_free(&transfer->body.bytes);
  return 1;
}

/* body(is_json, is_wanted) -> the body once the transfer is done, as far as it came and was not
 * read as lines or bytes | nil before. Of a refused body, only its beginning. `is_json`: it is
 * about to be decoded; `is_wanted`: whole, whatever the status. */
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

void bind_body_open(lua_State *L) {
  static const luaL_Reg methods[] = {
      {"line", line}, {"bytes", bytes}, {"body", body}, {NULL, NULL}};
  bind_type_add(L, TRANSFER, methods, 0);
}
