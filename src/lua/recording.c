/* What a transfer has recorded: transfer:pieces(). For tests only. */
#include "lua/transfer.h"

/* pieces() -> { { seconds since the start, bytes }, ... } of the body, if it is recorded */
static int pieces(lua_State *L) {
  lua_newtable(L);
  struct transfer *transfer = bind_transfer_check(L)->transfer;
  if (!transfer)
    return 1;
  const struct recording *recording = &transfer->body.recording;
  size_t count = recording_count(recording), start = 0;
  transfer_lend(transfer);
  for (size_t i = 0; i < count; i++) {
    struct recording_piece piece = recording_piece(recording, i);
    lua_createtable(L, 2, 0);
    lua_pushnumber(L, piece.seconds);
    lua_rawseti(L, -2, 1);
    lua_pushlstring(L, buffer_bytes(&recording->bytes) + start, piece.end - start);
    lua_rawseti(L, -2, 2);
    lua_rawseti(L, -2, (int)i + 1);
    start = piece.end;
  }
  transfer_take_back(transfer);
  return 1;
}

void bind_recording_open(lua_State *L) {
  static const luaL_Reg methods[] = {{"pieces", pieces}, {NULL, NULL}};
  bind_type_add(L, TRANSFER, methods, 0);
}
