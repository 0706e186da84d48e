/* The body of a transfer as events: transfer:event(), and transfer:reader(run, name).
 *
 * A run (lua_delta_run.c) takes in the text of every delta that goes on with it. Of such a delta
 * the readers differ: `event` gives its table and true, `text` its string and true (nothing where
 * it brings no text of the message), `rest` nothing. All else they give as transfer:event() does:
 *
 *   table            a delta
 *   data, name       any other event
 *   nil, "again" | nil, "done" | nil, "too_large" | nil, "memory"
 *
 * "done" comes once, after the last event, whether the transfer succeeded or failed. */
#include "lua_transfer.h"

enum reading { EVENTS, TEXTS, REST };

/* Upvalues. The first two are the readers' (the run is there to be kept alive); the strings of a
 * delta's table are upvalues because most events of a stream are deltas. */
enum {
  TRANSFER = 1,
  RUN,
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

/* What a delta that went into the run becomes; 0 where that is nothing. */
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

static enum sse_result cut_event(struct lua_transfer *self, struct delta_run *run,
                                 struct delta_cut *cut) {
  enum sse_result result;
  do
    result = delta_run_cut(run, &self->sse, &self->transfer->body, cut);
  while (result == SSE_MORE && transfer_demand(self->transfer));
  return result;
}

static int push_end(lua_State *L, struct transfer *transfer, enum sse_result result) {
  if (result != SSE_MORE)
    return transfer_push_state(L, result == SSE_TOO_LARGE ? "too_large" : "memory");
  transfer->news = false;
  return transfer_push_state(L, transfer->done ? "done" : "again");
}

static int read(lua_State *L, struct lua_transfer *self, struct delta_run *run,
                enum reading reading) {
  if (!self->transfer)
    return transfer_push_state(L, "done");
  if (self->lent)
    return transfer_push_state(L, "memory");
  struct delta_cut cut;
  int results = 0;
  while (results == 0) {
    enum sse_result result = cut_event(self, run, &cut);
    if (result != SSE_EVENT)
      return push_end(L, self->transfer, result);
    self->lent = true;
    results = push_cut(L, &cut, reading);
    self->lent = false;
  }
  return results;
}

static int event(lua_State *L) {
  return read(L, transfer_check(L), NULL, EVENTS);
}

static int read_run(lua_State *L, enum reading reading) {
  struct lua_transfer *self = lua_touserdata(L, lua_upvalueindex(TRANSFER));
  return read(L, self, self->run, reading);
}

static int event_reader(lua_State *L) {
  return read_run(L, EVENTS);
}

static int text_reader(lua_State *L) {
  return read_run(L, TEXTS);
}

static int rest_reader(lua_State *L) {
  return read_run(L, REST);
}

/* reader(run, "event" | "text" | "rest") -> function */
static int reader(lua_State *L) {
  static const char *const names[] = {"event", "text", "rest", NULL};
  static const lua_CFunction functions[] = {event_reader, text_reader, rest_reader};
  transfer_check(L)->run = delta_run_check(L, 2);
  lua_CFunction function = functions[luaL_checkoption(L, 3, NULL, names)];
  lua_settop(L, 2);
  for (int name = TYPE; name <= UPVALUES; name++)
    lua_pushvalue(L, lua_upvalueindex(name));
  lua_pushcclosure(L, function, UPVALUES);
  return 1;
}

void events_add(lua_State *L) {
  static const luaL_Reg methods[] = {{"event", event}, {"reader", reader}, {NULL, NULL}};
  lua_pushnil(L);
  lua_pushnil(L);
  lua_pushliteral(L, "type");
  lua_pushliteral(L, "index");
  lua_pushliteral(L, "delta");
  lua_pushliteral(L, "content_block_delta");
  for (int kind = 0; kind < DELTA_KINDS; kind++) {
    lua_pushstring(L, delta_names[kind].type);
    lua_pushstring(L, delta_names[kind].field);
  }
  luaL_setfuncs(L, methods, UPVALUES);
}
