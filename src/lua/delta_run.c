/* The Lua type of struct delta_run: core.delta_run() -> run, which a transfer's readers feed. */
#include "lua/modules.h"

#include "decode/delta_run.h"

#include <math.h>
#include <stdint.h>
#include <string.h>

static struct delta_run *check_run(lua_State *L) {
  return bind_type_check(L, 1, DELTA_RUN);
}

static int new_run(lua_State *L) {
  struct delta_run *run = lua_newuserdata(L, sizeof *run);
  memset(run, 0, sizeof *run);
  luaL_getmetatable(L, DELTA_RUN);
  lua_setmetatable(L, -2);
  return 1;
}

/* follow(type, index, text, room): from now on takes in the deltas of this type in this block,
 * after this text, up to `room` bytes (nil: no limit). If delta_read cannot read the index, it
 * takes in nothing.
 */
static int follow(lua_State *L) {
  struct delta_run *run = check_run(L);
  const char *type = luaL_checkstring(L, 2);
  int kind = 0;
  while (kind < DELTA_KINDS && strcmp(type, delta_names[kind].type) != 0)
    kind++;
  luaL_argcheck(L, kind < DELTA_KINDS, 2, "no delta of growing text");
  lua_Number number = luaL_checknumber(L, 3);
  long index = number >= 0 && number < 1e9 ? (long)number : -1;
  size_t length;
  const char *text = luaL_checklstring(L, 4, &length);
  if (!buffer_append(&run->text, text, length))
    return luaL_error(L, "not enough memory");
  size_t most = bind_size(luaL_optnumber(L, 5, HUGE_VAL));
  delta_run_follow(run, (enum delta_kind)kind, (lua_Number)index == number ? index : -1,
                   most > run->text.length ? most : run->text.length);
  return 0;
}

static int push_text(lua_State *L) {
  const struct buffer *text = lua_touserdata(L, 1);
  lua_pushlstring(L, buffer_bytes(text), text->length);
  return 1;
}

/* Puts a text back before what a finalizer has added meanwhile. Without memory for both, the later
 * text is lost, and so is the stream: the caller raises. */
static void put_back(struct delta_run *run, struct buffer *taken) {
  run->room += taken->length;
  (void)buffer_append(taken, buffer_bytes(&run->text), run->text.length);
  buffer_free(&run->text);
  run->text = *taken;
}

/* take() -> the text that came since the last take() | nil if none came. The run gains no room by
 * it. Finalizers, which run wherever Lua allocates, find an empty run, and may call follow() with
 * another text; if Lua runs out of memory, the text stays. */
static int take(lua_State *L) {
  struct delta_run *run = check_run(L);
  if (run->text.length == 0)
    return 0;
  lua_pushcfunction(L, push_text);
  struct buffer taken = run->text;
  bool followed = run->follows;
  run->text = (struct buffer){0};
  run->room -= taken.length;
  run->follows = false;
  lua_pushlightuserdata(L, &taken);
  int status = lua_pcall(L, 1, 1, 0);
  run->follows = run->follows || followed;
  if (status != 0) {
    put_back(run, &taken);
    return lua_error(L);
  }
  buffer_free(&taken);
  return 1;
}

/* stop(): takes in no more */
static int stop(lua_State *L) {
  check_run(L)->follows = false;
  return 0;
}

static int free_run(lua_State *L) {
  struct delta_run *run = check_run(L);
  run->follows = false;
  buffer_free(&run->text);
  return 0;
}

static const luaL_Reg metamethods[] = {
    {"__gc", free_run},
    {NULL, NULL},
};

static const luaL_Reg methods[] = {
    {"follow", follow},
    {"take", take},
    {"stop", stop},
    {NULL, NULL},
};

void bind_delta_run_open(lua_State *L) {
  bind_type_make(L, DELTA_RUN, metamethods, methods);
  lua_pushcfunction(L, new_run);
  lua_setfield(L, -2, "delta_run");
}
