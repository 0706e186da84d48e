/* The body of a transfer as events: transfer:event() or transfer:event_with_id(), and while deltas
 * follow each other transfer:next_event(), transfer:next_text() and transfer:skip_deltas(). Before
 * them transfer:form(), after them transfer:rest().
 *
 * A run (delta_run.c) takes in the text of every delta that continues it. For such a delta
 * `next_event` returns its table and true, `next_text` its string and true (nothing if it brings no
 * text of the message), `skip_deltas` nothing. All else they return as transfer:event() does:
 *
 *   table            a delta
 *   data, name       any other event
 *   nil, "again" | nil, "done" | nil, "too_large" | nil, "full" (the run is) | nil, "memory"
 *   nil, "piece"     the end of what transfer:raw_piece() found begun (pieces.c), once
 *
 * "done" comes once, after the last event, whether the transfer succeeded or failed. */
#include "lua/transfer.h"

enum reading { EVENTS, TEXTS, REST };

enum { LARGE_EVENT = 1024 * 1024 }; /* the bytes of a larger one are not kept beside its values */

/* Upvalues: the type's metatable, and the strings of a delta's table. Most events are deltas. */
enum {
  METATABLE = 1,
  TYPE,
  INDEX,
  DELTA,
  CONTENT_BLOCK_DELTA,
  FIRST_NAMES,
  UPVALUES = FIRST_NAMES - 1 + 2 * DELTA_KINDS
};

static void push_constant(lua_State *L, int string) {
  lua_pushvalue(L, lua_upvalueindex(string));
}

static void push_delta(lua_State *L, const struct delta *delta) {
  int names = FIRST_NAMES + 2 * (int)delta->kind;
  lua_createtable(L, 0, 3);
  push_constant(L, TYPE);
  push_constant(L, CONTENT_BLOCK_DELTA);
  lua_rawset(L, -3);
  push_constant(L, INDEX);
  lua_pushinteger(L, delta->index);
  lua_rawset(L, -3);
  push_constant(L, DELTA);
  lua_createtable(L, 0, 2);
  push_constant(L, TYPE);
  push_constant(L, names);
  lua_rawset(L, -3);
  push_constant(L, names + 1);
  lua_pushlstring(L, delta->text, delta->length);
  lua_rawset(L, -3);
  lua_rawset(L, -3);
}

/* Pushes what a delta that went into the run becomes; returns 0 if that is nothing. */
static int push_run(lua_State *L, const struct delta *delta, enum reading reading) {
  if (reading == EVENTS)
    push_delta(L, delta);
  else if (reading == TEXTS && delta->kind == DELTA_TEXT && delta->length > 0)
    lua_pushlstring(L, delta->text, delta->length);
  else
    return 0;
  lua_pushboolean(L, true);
  return 2;
}

static int push_cut(lua_State *L, const struct delta_cut *cut, enum reading reading) {
  if (cut->kind == CUT_RUN)
    return push_run(L, &cut->delta, reading);
  if (cut->kind == CUT_DELTA) {
    push_delta(L, &cut->delta);
    return 1;
  }
  lua_pushlstring(L, cut->event.data, cut->event.data_length);
  lua_pushlstring(L, cut->event.name, cut->event.name_length);
  return 2;
}

/* Gets more bytes to cut events from: SSE_EVENT if there are some, else SSE_MORE. */
static enum sse_result get_more(struct lua_transfer *self) {
  if (self->in_piece)
    return SSE_MORE;
  bool came = transfer_demand(self->transfer);
  if (self->has_copy) {
    came = self->transfer->body.bytes.length > 0;
    if (!bind_transfer_move_all(self))
      return SSE_NO_MEMORY;
  }
  return came ? SSE_EVENT : SSE_MORE;
}

static enum sse_result cut_event(struct lua_transfer *self, struct delta_run *run,
                                 struct buffer *bytes, struct delta_cut *cut) {
  for (;;) {
    enum sse_result result = delta_run_cut(run, &self->sse, bytes, cut);
    if (result != SSE_MORE)
      return result;
    result = get_more(self);
    if (result != SSE_EVENT)
      return result;
  }
}

static int push_end(lua_State *L, struct lua_transfer *self, enum sse_result result) {
  struct transfer *transfer = self->transfer;
  bool in_piece = self->in_piece;
  self->in_piece = false;
  if (result == SSE_MORE && in_piece && !(transfer->entry.done && transfer->body.bytes.length == 0))
    return bind_transfer_push_state(L, "piece");
  if (result != SSE_MORE)
    return bind_transfer_push_state(L, result == SSE_TOO_LARGE ? "too_large"
                                       : result == SSE_FULL    ? "full"
                                                               : "memory");
  transfer->entry.news = false;
  return bind_transfer_push_state(L, transfer->entry.done ? "done" : "again");
}

static int read(lua_State *L, struct lua_transfer *self, struct delta_run *run,
                enum reading reading) {
  if (!self->transfer)
    return bind_transfer_push_state(L, "done");
  if (self->transfer->lent)
    return bind_transfer_push_state(L, "memory");
  struct buffer *bytes = bind_transfer_bytes(self);
  struct delta_cut cut;
  int results = 0;
  while (results == 0) {
    enum sse_result result = cut_event(self, run, bytes, &cut);
    if (result != SSE_EVENT)
      return push_end(L, self, result);
    transfer_lend(self->transfer);
    results = push_cut(L, &cut, reading);
    transfer_take_back(self->transfer);
    if (self->sse.consumed > LARGE_EVENT)
      sse_drop(&self->sse, bytes);
  }
  return results;
}

static int event(lua_State *L) {
  return read(L, bind_transfer_check(L), NULL, EVENTS);
}

/* raw_piece(is_stream) -> what has come up to and with the next empty line, at the end the rest;
 * whether it continues an event that began before it; and what it brought, as event() returns it,
 * or nil, "piece" if it brought nothing
 * "" if event() has to be called first, until nil, "piece": what was read before is in no piece
 * nil, "again" | nil, "done" | nil, "full": it is larger than the answer may be | nil, "memory"
 *
 * `is_stream`: false if form() does not know yet: then the piece is what comes before the bytes
 * that form() looks at, and brings nothing. */
static int raw_piece(lua_State *L) {
  struct lua_transfer *self = bind_transfer_check(L);
  bool is_stream = lua_toboolean(L, 2);
  if (!self->transfer)
    return bind_transfer_push_state(L, "done");
  if (self->transfer->lent)
    return bind_transfer_push_state(L, "memory");
  int results = bind_pieces_push(L, self, is_stream);
  if (results != 2 || lua_isnil(L, -2) || !is_stream)
    return results;
  results += event(L);
  self->in_piece = false;
  return results;
}

/* event_with_id() -> data, name, id of any event as it came, "" if missing | as event() */
static int event_with_id(lua_State *L) {
  struct lua_transfer *self = bind_transfer_check(L);
  struct transfer *transfer = self->transfer;
  struct sse_event event;
  enum sse_result result;
  if (!transfer)
    return bind_transfer_push_state(L, "done");
  if (transfer->lent)
    return bind_transfer_push_state(L, "memory");
  do
    result = sse_next(&self->sse, &transfer->body.bytes, &event);
  while (result == SSE_MORE && transfer_demand(transfer));
  if (result != SSE_EVENT)
    return push_end(L, self, result);
  transfer_lend(transfer);
  lua_pushlstring(L, event.data, event.data_length);
  lua_pushlstring(L, event.name, event.name_length);
  lua_pushlstring(L, event.id, event.id_length);
  transfer_take_back(transfer);
  if (self->sse.consumed > LARGE_EVENT)
    sse_drop(&self->sse, &transfer->body.bytes);
  return 3;
}

static const char *name_of(enum body_form form) {
  static const char *const names[] = {
      [FORM_EVENTS] = "events", [FORM_JSON] = "json", [FORM_TEXT] = "text"};
  return names[form];
}

/* form() -> "events" | "json" | "text" | nil, "again" | nil, "done" if nothing came that decides.
 * Takes nothing out of the body. */
static int form(lua_State *L) {
  struct lua_transfer *self = bind_transfer_check(L);
  struct transfer *transfer = self->transfer;
  if (!transfer)
    return bind_transfer_push_state(L, "done");
  enum body_form form;
  bool too_long;
  do {
    form = body_form_read(&self->start, buffer_bytes(&transfer->body.bytes),
                          transfer->body.bytes.length);
    too_long = self->start.line >= transfer->body.max_bytes ||
               self->start.searched >= transfer->body.max_bytes;
  } while (form == FORM_UNKNOWN && !too_long && transfer_demand(transfer));
  if (too_long) /* a reader of text is told so */
    form = FORM_TEXT;
  else if (form == FORM_UNKNOWN && transfer->entry.done && self->start.has_comments)
    form = FORM_EVENTS;
  if (form != FORM_UNKNOWN) {
    lua_pushstring(L, name_of(form));
    return 1;
  }
  transfer->entry.news = false;
  return bind_transfer_push_state(L, transfer->entry.done ? "done" : "again");
}

/* rest() -> data, name of what event() has left at the end, as if an empty line ended it | nil */
static int rest(lua_State *L) {
  struct lua_transfer *self = bind_transfer_check(L);
  struct transfer *transfer = self->transfer;
  struct delta_cut cut = {.kind = CUT_OTHER};
  if (!transfer || transfer->lent || !transfer->entry.done ||
      sse_rest(&self->sse, bind_transfer_bytes(self), &cut.event) != SSE_EVENT)
    return 0;
  transfer_lend(transfer);
  int results = push_cut(L, &cut, EVENTS);
  transfer_take_back(transfer);
  return results;
}

/* follow(run): deltas that continue the run go into it */
static int follow(lua_State *L) {
  struct lua_transfer *self = bind_transfer_check(L);
  struct delta_run *run = luaL_checkudata(L, 2, DELTA_RUN);
  get_uservalue(L, 1);
  lua_pushvalue(L, 2);
  lua_setfield(L, -2, "run");
  self->run = run;
  return 0;
}

static int read_run(lua_State *L, enum reading reading) {
  struct lua_transfer *self = bind_transfer_check(L);
  return read(L, self, self->run, reading);
}

static int next_event(lua_State *L) {
  return read_run(L, EVENTS);
}

static int next_text(lua_State *L) {
  return read_run(L, TEXTS);
}

static int skip_deltas(lua_State *L) {
  return read_run(L, REST);
}

void bind_events_open(lua_State *L) {
  static const luaL_Reg methods[] = {{"form", form},
                                     {"event", event},
                                     {"event_with_id", event_with_id},
                                     {"raw_piece", raw_piece},
                                     {"follow", follow},
                                     {"next_event", next_event},
                                     {"next_text", next_text},
                                     {"skip_deltas", skip_deltas},
                                     {"rest", rest},
                                     {NULL, NULL}};
  lua_pushliteral(L, "type");
  lua_pushliteral(L, "index");
  lua_pushliteral(L, "delta");
  lua_pushliteral(L, "content_block_delta");
  for (int kind = 0; kind < DELTA_KINDS; kind++) {
    lua_pushstring(L, delta_names[kind].type);
    lua_pushstring(L, delta_names[kind].field);
  }
  bind_type_add(L, TRANSFER, methods, UPVALUES - METATABLE);
}
