/* Written by tools/interface.lua: do not edit. */
#ifndef ANTHROPIC_LUA_INTERFACE_H
#define ANTHROPIC_LUA_INTERFACE_H

#define ANTHROPIC_INTERFACE "1b086ad05d6605c9"

#endif
