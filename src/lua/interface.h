/* Written by tools/interface.lua: do not edit. */
#ifndef ANTHROPIC_LUA_INTERFACE_H
#define ANTHROPIC_LUA_INTERFACE_H

#define ANTHROPIC_INTERFACE "5ec220246f033808"

#endif
