/* A transfer without a network, for an answer that comes by other means: core.fed(status,
 * max_event_bytes, max_body_bytes) -> transfer, which gets its bytes by transfer:feed(bytes), until
 * transfer:finish(). It is read as any other (transfer.c, events.c). */
#include "lua/transfer.h"

#include <string.h>

static size_t check_size(lua_State *L, int index) {
  size_t size = bind_size(luaL_checknumber(L, index));
  luaL_argcheck(L, size >= 1, index, "must be at least 1");
  return size;
}

static int new_fed(lua_State *L) {
  long status = (long)luaL_checkinteger(L, 1);
  size_t max_event_bytes = check_size(L, 2), max_body_bytes = check_size(L, 3);
  struct lua_transfer *self = lua_newuserdata(L, sizeof *self);
  memset(self, 0, sizeof *self);
  bind_transfer_bound_events(self, max_event_bytes);
  self->sse.takes_json = true;
  luaL_getmetatable(L, TRANSFER);
  lua_setmetatable(L, -2);
  lua_newtable(L);
  set_uservalue(L, -2);
  self->transfer = transfer_new_fed(status, max_body_bytes);
  return self->transfer ? 1 : luaL_error(L, "not enough memory");
}

static struct transfer *check_fed(lua_State *L) {
  struct lua_transfer *self = bind_transfer_check(L);
  luaL_argcheck(L, !self->loop, 1, "is not fed");
  return self->transfer;
}

/* feed(bytes) -> whether they were taken; else failure() says why */
static int feed(lua_State *L) {
  struct transfer *transfer = check_fed(L);
  size_t length;
  const char *bytes = luaL_checklstring(L, 2, &length);
  lua_pushboolean(L, transfer && !transfer->lent && transfer_feed(transfer, bytes, length));
  return 1;
}

/* finish(): no more comes */
static int finish(lua_State *L) {
  struct transfer *transfer = check_fed(L);
  if (transfer)
    transfer_finish(transfer, TRANSFER_OK);
  return 0;
}

void bind_fed_open(lua_State *L) {
  static const luaL_Reg methods[] = {{"feed", feed}, {"finish", finish}, {NULL, NULL}};
  bind_type_add(L, TRANSFER, methods, 0);
  lua_pushcfunction(L, new_fed);
  lua_setfield(L, -2, "fed");
}
