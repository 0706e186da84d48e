/* What the files of the Lua type of a transfer share: the type itself (transfer.c), its methods
 * that read events (events.c, aws_events.c), pieces (pieces.c) and the rest (body.c), those for
 * what is recorded (recording.c), and the transfer that is fed (fed.c). */
#ifndef ANTHROPIC_LUA_TRANSFER_H
#define ANTHROPIC_LUA_TRANSFER_H

#include "decode/aws_event_stream.h"
#include "decode/body_form.h"
#include "decode/delta_run.h"
#include "decode/lines.h"
#include "decode/pieces.h"
#include "lua/modules.h"
#include "net/transfer.h"

#pragma GCC visibility push(hidden)

#define TRANSFER "anthropic.transfer"

/* The transfer is NULL once closed.
 *
 * Finalizers run wherever Lua allocates, and may step the loop, or close the transfer that is being
 * read here. While it is lent, closing it only cancels it, and its memory stays until the userdata
 * is collected. It stays lent if Lua runs out of memory then: part of an event may be lost. */
struct lua_transfer {
  struct transfer *transfer;
  struct loop **loop; /* in its userdata, kept alive by the uservalue; *loop: NULL once closed.
                         NULL: the transfer is fed */
  struct body_start start;
  struct sse sse;
  struct aws_event_stream aws_events;
  struct lines lines;
  struct delta_run *run; /* from follow(); the uservalue keeps it alive */

  /* If the body is read in pieces, its events are cut from a copy. */
  struct pieces pieces;
  struct buffer copy;
  bool has_copy;    /* events are cut from there */
  bool by_pieces;   /* the copy came from raw_piece() only */
  bool in_piece;    /* event() reads no further than the piece */
  bool is_cut_open; /* the copy may begin inside an event */
};

/* The transfer at stack index 1; raises if it is not one. */
struct lua_transfer *bind_transfer_check(lua_State *L);

/* Sets how many bytes an event, a frame or a line may have. */
void bind_transfer_bound_events(struct lua_transfer *self, size_t most);

/* The buffer from which events are cut. */
static inline struct buffer *bind_transfer_bytes(struct lua_transfer *self) {
  return self->has_copy ? &self->copy : &self->transfer->body.bytes;
}

/* Moves all that waits to the buffer from which events are cut. False: no memory. (pieces.c) */
bool bind_transfer_move_all(struct lua_transfer *self);

/* Pushes the next piece and whether it goes on with an event that began before it; "" if event()
 * has to be called first; or nil and a state. Returns the number of results. (pieces.c) */
int bind_pieces_push(lua_State *L, struct lua_transfer *self, bool is_stream);

/* Frees what the userdata holds beside its transfer. */
void bind_transfer_free_parts(struct lua_transfer *self);

/* Pushes bytes that the transfer owns, as a string. */
void bind_transfer_push_bytes(lua_State *L, struct transfer *transfer, const char *bytes,
                              size_t length);
void bind_transfer_push_buffer(lua_State *L, struct transfer *transfer,
                               const struct buffer *buffer);

/* Pushes nil and the state; returns the number of results. */
int bind_transfer_push_state(lua_State *L, const char *state);

#pragma GCC visibility pop

#endif
