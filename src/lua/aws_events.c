/* The messages of AWS's event stream: of a transfer's body, and of bytes that another transport
 * brings: core.aws_events(max_event_bytes) -> decoder. */
#include "lua/transfer.h"

#include <string.h>

#define DECODER "anthropic.aws_events.decoder"

enum { LARGE_FRAME = 1024 * 1024 }; /* whose bytes are not kept beside its values */

/* While a message is being made into Lua strings the buffer is lent: see sse.c. */
struct decoder {
  struct aws_event_stream stream;
  struct buffer buffer;
  bool lent;
};

static void push_text(lua_State *L, const struct aws_text *text) {
  lua_pushlstring(L, text->length ? text->bytes : "", text->length);
}

static int push_message(lua_State *L, const struct aws_message *message) {
  push_text(L, &message->payload);
  push_text(L, &message->kind);
  push_text(L, &message->name);
  push_text(L, &message->text);
  return 4;
}

/* aws_event() -> payload, kind, name, text | nil, "again" | nil, "done" | nil,
 * "broken" | nil, "too_large" | nil, "memory" */
static int aws_event(lua_State *L) {
  struct lua_transfer *self = bind_transfer_check(L);
  struct transfer *transfer = self->transfer;
  struct aws_message message;
  enum aws_result result;
  if (!transfer)
    return bind_transfer_push_state(L, "done");
  if (transfer->lent)
    return bind_transfer_push_state(L, "memory");
  do
    result = aws_event_stream_next(&self->aws_events, &transfer->body.bytes, &message);
  while (result == AWS_MORE && transfer_demand(transfer));
  if (result == AWS_MESSAGE) {
    transfer_lend(transfer);
    int results = push_message(L, &message);
    transfer_take_back(transfer);
    if (self->aws_events.consumed > LARGE_FRAME)
      aws_event_stream_drop(&self->aws_events, &transfer->body.bytes);
    return results;
  }
  if (result != AWS_MORE)
    return bind_transfer_push_state(L, result == AWS_BROKEN ? "broken" : "too_large");
  transfer->entry.news = false;
  return bind_transfer_push_state(L, transfer->entry.done ? "done" : "again");
}

static struct decoder *check_decoder(lua_State *L) {
  struct decoder *decoder = bind_type_check(L, 1, DECODER);
  if (decoder->lent)
    luaL_error(L, "not enough memory");
  return decoder;
}

static int new_decoder(lua_State *L) {
  double limit = luaL_checknumber(L, 1);
  luaL_argcheck(L, limit >= 1 && limit < 9007199254740992.0, 1, "must be at least 1");
  struct decoder *decoder = lua_newuserdata(L, sizeof *decoder);
  memset(decoder, 0, sizeof *decoder);
  decoder->stream.max_frame_bytes = (size_t)limit;
  luaL_getmetatable(L, DECODER);
  lua_setmetatable(L, -2);
  return 1;
}

/* feed(bytes) */
static int feed(lua_State *L) {
  struct decoder *decoder = check_decoder(L);
  size_t length;
  const char *bytes = luaL_checklstring(L, 2, &length);
  return buffer_append(&decoder->buffer, bytes, length) ? 0 : luaL_error(L, "not enough memory");
}

/* next() -> payload, kind, name, text | nil, "again" | nil, "broken" | nil, "too_large" */
static int next(lua_State *L) {
  struct decoder *decoder = check_decoder(L);
  struct aws_message message;
  enum aws_result result = aws_event_stream_next(&decoder->stream, &decoder->buffer, &message);
  if (result != AWS_MESSAGE) {
    lua_pushnil(L);
    lua_pushstring(L, result == AWS_MORE ? "again" : result == AWS_BROKEN ? "broken" : "too_large");
    return 2;
  }
  decoder->lent = true;
  int results = push_message(L, &message);
  decoder->lent = false;
  return results;
}

/* rest() -> how many bytes of a frame that is not whole are there */
static int rest(lua_State *L) {
  struct decoder *decoder = check_decoder(L);
  lua_pushnumber(L, (lua_Number)(decoder->buffer.length - decoder->stream.consumed));
  return 1;
}

static int close_decoder(lua_State *L) {
  struct decoder *decoder = bind_type_check(L, 1, DECODER);
  buffer_free(&decoder->buffer);
  return 0;
}

void bind_aws_events_open(lua_State *L) {
  static const luaL_Reg of_transfer[] = {{"aws_event", aws_event}, {NULL, NULL}};
  static const luaL_Reg metamethods[] = {{"__gc", close_decoder}, {NULL, NULL}};
  static const luaL_Reg methods[] = {{"feed", feed}, {"next", next}, {"rest", rest}, {NULL, NULL}};
  bind_type_add(L, TRANSFER, of_transfer, 0);
  bind_type_make(L, DECODER, metamethods, methods);
  lua_pushcfunction(L, new_decoder);
  lua_setfield(L, -2, "aws_events");
}
