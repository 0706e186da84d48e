/* Written by tools/interface.lua: do not edit. */
#ifndef ANTHROPIC_LUA_INTERFACE_H
#define ANTHROPIC_LUA_INTERFACE_H

#define ANTHROPIC_INTERFACE "f49847e56f213a80"

#endif
