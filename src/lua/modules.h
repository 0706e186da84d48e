/* The parts of the C module. Each opener adds its functions and values to the module table on top
 * of the stack, or methods to the type of another, and leaves the stack as it was. */
#ifndef ANTHROPIC_LUA_MODULES_H
#define ANTHROPIC_LUA_MODULES_H

#include "lua/type.h"

#pragma GCC visibility push(hidden)

void bind_aws_events_open(lua_State *L); /* after transfer_open */
void bind_body_open(lua_State *L);       /* after transfer_open */
void bind_content_open(lua_State *L);
void bind_delta_run_open(lua_State *L);
void bind_digest_open(lua_State *L);
void bind_escapes_open(lua_State *L);
void bind_events_open(lua_State *L); /* after transfer_open */
void bind_fed_open(lua_State *L);    /* after transfer_open */
void bind_folder_open(lua_State *L);
void bind_frames_open(lua_State *L);
void bind_headers_open(lua_State *L);
void bind_json_open(lua_State *L);
void bind_json_partial_open(lua_State *L); /* after json_open */
void bind_loop_open(lua_State *L);
void bind_private_file_open(lua_State *L);
void bind_process_open(lua_State *L);
void bind_recording_open(lua_State *L); /* after transfer_open */
void bind_sink_open(lua_State *L);
void bind_sse_open(lua_State *L);
void bind_transfer_open(lua_State *L);
void bind_weight_open(lua_State *L);

struct loop;
struct loop_entry;
struct sink;
struct transfer;

/* Pushes a transfer that is not under way, made from the options table at index 2. It keeps alive
 * the loop, whose userdata at index 1 holds a pointer to it or NULL. NULL: pushed were nil, a
 * message, and "file" if a file is the reason, else nil. */
struct transfer *bind_transfer_push(lua_State *L);

/* Ends a transfer with the answer in the options table at index 2. */
void bind_transfer_answer(lua_State *L, struct transfer *transfer);

/* Starts the command in the list at index 2 and pushes it; the userdata at index 1 is `loop`.
 * NULL: pushed were nil and a message. */
struct loop_entry *bind_process_push(lua_State *L, struct loop **loop);

/* The name of the Lua type of struct delta_run. (delta_run.c) */
#define DELTA_RUN "anthropic.delta_run"

/* The sink at a stack index; raises if it is not one. (sink.c) */
struct sink *bind_sink_check(lua_State *L, int index);

#pragma GCC visibility pop

#endif
