/* The body of a transfer in pieces, as it came, for transfer:raw_piece() (events.c). Its events are
 * cut from a copy. */
#include "lua/transfer.h"

bool bind_transfer_move_all(struct lua_transfer *self) {
  struct buffer *bytes = &self->transfer->body.bytes;
  if (!buffer_append(&self->copy, buffer_bytes(bytes), bytes->length))
    return false;
  buffer_consume(bytes, bytes->length);
  self->by_pieces = false;
  return true;
}

/* Whether nothing of the body was read as events. */
static bool is_untouched(const struct lua_transfer *self) {
  return !self->has_copy && !self->sse.after_bom && self->sse.consumed == 0;
}

/* Moves what event() has begun to read to the copy, where event() reads it to its end. */
static bool begin_pieces(struct lua_transfer *self) {
  bool is_untouched_yet = is_untouched(self);
  self->is_cut_open = !is_untouched_yet;
  self->pieces = (struct pieces){.uses_crlf = self->pieces.uses_crlf};
  if (!self->has_copy && !is_untouched_yet) {
    self->copy = self->transfer->body.bytes;
    self->transfer->body.bytes = (struct buffer){0};
  }
  self->has_copy = self->by_pieces = true;
  self->in_piece = !is_untouched_yet;
  return is_untouched_yet;
}

/* The length of the next piece that has come; 0: none. Before form() knows what the body is, a
 * piece holds only bytes that form() has skipped. */
static size_t next_piece(struct lua_transfer *self, bool is_stream) {
  struct transfer *transfer = self->transfer;
  const struct buffer *bytes = &transfer->body.bytes;
  size_t length;
  do {
    size_t most = is_stream ? bytes->length : self->start.line;
    length = pieces_next(&self->pieces, buffer_bytes(bytes), most);
  } while (length == 0 && is_stream && bytes->length < transfer->body.max_bytes &&
           transfer_demand(transfer));
  bool is_rest = length == 0 && is_stream && transfer->entry.done;
  return is_rest && bytes->length < transfer->body.max_bytes ? bytes->length : length;
}

static void note_taken(struct body_start *start, size_t length) {
  start->line -= length < start->line ? length : start->line;
  start->searched -= length < start->searched ? length : start->searched;
}

/* Whether the piece continues an event that began before it. */
static bool goes_on(struct lua_transfer *self) {
  self->is_cut_open = self->is_cut_open && !sse_is_spent(&self->sse, &self->copy);
  return self->is_cut_open;
}

int bind_pieces_push(lua_State *L, struct lua_transfer *self, bool is_stream) {
  struct transfer *transfer = self->transfer;
  if (!self->by_pieces && !begin_pieces(self)) {
    lua_pushliteral(L, "");
    return 1;
  }
  struct buffer *bytes = &transfer->body.bytes;
  size_t length = next_piece(self, is_stream);
  if (length == 0 && bytes->length >= transfer->body.max_bytes)
    return bind_transfer_push_state(L, "full");
  if (length == 0) {
    transfer->entry.news = false;
    return bind_transfer_push_state(L, transfer->entry.done ? "done" : "again");
  }
  transfer_lend(transfer);
  lua_pushlstring(L, buffer_bytes(bytes), length);
  transfer_take_back(transfer);
  lua_pushboolean(L, goes_on(self));
  if (!buffer_append(&self->copy, buffer_bytes(bytes), length))
    return bind_transfer_push_state(L, "memory");
  buffer_consume(bytes, length);
  note_taken(&self->start, length);
  self->in_piece = is_stream;
  return 2;
}
