/* What the files of the Lua type of a transfer share: the type itself (transfer.c), its methods
 * that read events (events.c) and those for what is recorded (recording.c). */
#ifndef ANTHROPIC_LUA_TRANSFER_H
#define ANTHROPIC_LUA_TRANSFER_H

#include "decode/body_form.h"
#include "decode/delta_run.h"
#include "decode/lines.h"
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
  struct loop **loop; /* in its userdata, kept alive by the uservalue; NULL there once closed */
  struct body_start start;
  struct sse sse;
  struct lines lines;
  struct delta_run *run; /* what follow() was given; kept alive by the uservalue */
};

/* The transfer at stack index 1; raises where it is not one. */
struct lua_transfer *bind_transfer_check(lua_State *L);

/* Pushes nil and the state; the number of results. */
int bind_transfer_push_state(lua_State *L, const char *state);

#pragma GCC visibility pop

#endif
