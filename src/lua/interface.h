/* Written by tools/interface.lua: do not edit. */
#ifndef ANTHROPIC_LUA_INTERFACE_H
#define ANTHROPIC_LUA_INTERFACE_H

#define ANTHROPIC_INTERFACE "6fe645b757bf6102"

#endif
