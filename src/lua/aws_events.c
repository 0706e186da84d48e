/* The messages of AWS's event stream, of a transfer's body. */
#include "lua/transfer.h"

enum { LARGE_FRAME = 1024 * 1024 }; /* the bytes of a larger one are not kept beside its values */

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

void bind_aws_events_open(lua_State *L) {
  static const luaL_Reg methods[] = {{"aws_event", aws_event}, {NULL, NULL}};
  bind_type_add(L, TRANSFER, methods, 0);
}
