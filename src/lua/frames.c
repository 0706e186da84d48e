/* Whether a coroutine can be suspended where it is: core.can_yield(thread). Needed because
 * nginx hides coroutine.isyieldable, and Lua 5.1 and 5.2 lack it. */
#include "lua/modules.h"

#include <lualib.h>
#include <string.h>

#if LUA_VERSION_NUM >= 503 || defined(LUA_JITLIBNAME)

static bool is_yieldable(lua_State *L) {
  return lua_isyieldable(L);
}

#else

/* Whether the function at `function` is a metamethod of the value on top of the stack, except
 * `__call`, which is called as any function is. */
static bool is_metamethod_of_top(lua_State *thread, int function) {
  bool found = false;
  int top = lua_gettop(thread);
  if (lua_getmetatable(thread, top))
    for (lua_pushnil(thread); !found && lua_next(thread, top + 1); lua_settop(thread, top + 2))
      found = lua_rawequal(thread, -1, function) && lua_type(thread, -2) == LUA_TSTRING &&
              strncmp(lua_tostring(thread, -2), "__", 2) == 0 && /* a method may stand there, too */
              strcmp(lua_tostring(thread, -2), "__call") != 0;
  lua_settop(thread, top);
  return found;
}

/* Whether the function at `function` is a metamethod of any value in the frame, temporaries too. */
static bool is_metamethod_in(lua_State *thread, int function, const lua_Debug *frame) {
  bool found = false;
  for (int i = 1; !found && lua_getlocal(thread, frame, i); i++) {
    found = is_metamethod_of_top(thread, function);
    lua_pop(thread, 1);
  }
  return found;
}

/* Lua has no name for a metamethod or a finalizer, which C code calls: it is a metamethod of an
 * argument, or of a value of the caller. Lua has no name for a nameless function either. */
static bool is_called_by_c(lua_State *thread, lua_Debug *frame, const lua_Debug *caller) {
  lua_getinfo(thread, "f", frame);
  int function = lua_gettop(thread);
  bool found =
      is_metamethod_in(thread, function, frame) || is_metamethod_in(thread, function, caller);
  lua_pop(thread, 1);
  return found;
}

#if LUA_VERSION_NUM == 502 /* workaround: Lua 5.2 */

/* The C functions of this version that can be suspended. */
static bool can_be_left(lua_State *thread, lua_Debug *frame) {
  static const char *const names[] = {"pcall", "xpcall", "dofile"};
  bool found = false;
  lua_getinfo(thread, "f", frame);
  for (int i = 0; !found && i < 3; i++) {
    lua_getglobal(thread, names[i]);
    found = lua_rawequal(thread, -1, -2);
    lua_pop(thread, 1);
  }
  lua_pop(thread, 1);
  return found;
}

static bool is_iterator(const lua_Debug *frame) {
  (void)frame;
  return false; /* it can be suspended */
}

#else

static bool can_be_left(lua_State *thread, lua_Debug *frame) {
  (void)thread;
  (void)frame;
  return false;
}

static bool is_iterator(const lua_Debug *frame) {
  return frame->name && strcmp(frame->name, "(for generator)") == 0;
}

#endif

/* Finds out by looking at the thread's stack. */
static bool is_yieldable(lua_State *L) {
  luaL_checktype(L, 1, LUA_TTHREAD);
  lua_State *thread = lua_tothread(L, 1);
  lua_Debug frame, caller;
  bool can = lua_checkstack(thread, LUA_MINSTACK) != 0;
  /* frame 0 is the C function that asks, or that resumes */
  for (int level = 1; can && lua_getstack(thread, level, &frame); level++) {
    lua_getinfo(thread, "Sn", &frame);
    bool is_named = frame.name || !lua_getstack(thread, level + 1, &caller) ||
                    (lua_getinfo(thread, "S", &caller) && strcmp(caller.what, "tail") == 0);
    if (strcmp(frame.what, "C") == 0)
      can = can_be_left(thread, &frame);
    else if (is_iterator(&frame))
      can = false;
    else if (!is_named && strcmp(frame.what, "tail") != 0)
      can = !is_called_by_c(thread, &frame, &caller);
  }
  return can;
}

#endif

/* can_yield(thread): for the running thread itself; on Lua 5.1 and 5.2 also for one that has
 * resumed another */
static int can_yield(lua_State *L) {
  lua_pushboolean(L, is_yieldable(L));
  return 1;
}

void bind_frames_open(lua_State *L) {
  lua_pushcfunction(L, can_yield);
  lua_setfield(L, -2, "can_yield");
}
