/* What core.c puts together: each function registers its part in the table on top of the stack. */
#ifndef ANTHROPIC_LUA_MODULES_H
#define ANTHROPIC_LUA_MODULES_H

#include "compat.h"

void json_open(lua_State *L);

#endif
