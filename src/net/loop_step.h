/* One step of a loop: libcurl's work on the sockets on which something came, and all that is due by
 * now. No Lua. */
#ifndef ANTHROPIC_NET_LOOP_STEP_H
#define ANTHROPIC_NET_LOOP_STEP_H

#include <curl/curl.h>
#include <stdbool.h>

#pragma GCC visibility push(hidden)

struct loop;
struct loop_entry;

/* loop_wait (loop.h) of a loop that is open. */
bool loop_step(struct loop *loop, double seconds);

/* Makes libcurl do what it can at once, if `with_sockets` also on the sockets, and takes out the
 * entries that end. */
void loop_step_work(struct loop *loop, bool with_sockets);

/* Tells an entry's owner that its handle is done; returns what the owner makes of the code. An
 * abort for lack of memory for a socket becomes CURLE_OUT_OF_MEMORY. */
CURLcode loop_step_complete(struct loop *loop, struct loop_entry *entry, CURLcode code);

/* A multi handle that reports an error can do nothing more for its entries, and what it knows of
 * its sockets may be wrong (libcurl 7.88 then divides by zero). The next use makes a new one.
 * workaround: libcurl 7.88 */
void loop_step_give_up(struct loop *loop, CURLMcode code);

#pragma GCC visibility pop

#endif
