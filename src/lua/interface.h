/* Written by tools/interface.lua: do not edit. */
#ifndef ANTHROPIC_LUA_INTERFACE_H
#define ANTHROPIC_LUA_INTERFACE_H

#define ANTHROPIC_INTERFACE "c0e150a1c0149520"

#endif
