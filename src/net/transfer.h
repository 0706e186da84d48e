/* One HTTP exchange on a curl easy handle: request out, status, headers and body in. No Lua.
 *
 * A request goes out once: where libcurl would send it again (its connection, which was kept, ended
 * before an answer; the server refused the stream), the transfer fails instead. Where libcurl
 * cannot be kept from it (before 7.80), one that must not be sent twice takes a new connection.
 *
 * The body of a success goes straight to the sink, where there is one. Otherwise, and where the
 * status tells of a failure, it waits in one bounded buffer. While it is read piece by piece
 * (events), the transfer pauses when the buffer holds a window's worth and goes on when the reader
 * has used it up; when the whole body is wanted, transfer_collect lifts the window up to
 * `max_body_bytes`. */
#ifndef ANTHROPIC_NET_TRANSFER_H
#define ANTHROPIC_NET_TRANSFER_H

#include "net/easy_options.h"
#include "net/transfer_state.h"

#pragma GCC visibility push(hidden)

struct loop;
struct part;

/* Makes a transfer that is not under way, with a handle that the loop (which may be NULL) has kept
 * where it has one. NULL with *code set when libcurl refused an option or memory ran out. The
 * caller frees it with transfer_free or transfer_close. */
struct transfer *transfer_new(struct loop *loop, const struct transfer_options *options,
                              CURLcode *code);

/* Makes one whose answer the caller has by other ways: its bytes are fed to it, at most so many at
 * a time, and no loop has it. NULL when memory ran out. The caller frees it as any other. */
struct transfer *transfer_new_fed(long status, size_t max_body_bytes);

/* Takes bytes of its answer. False where it has failed, now or before. */
bool transfer_feed(struct transfer *transfer, const char *bytes, size_t length);

/* Starts it; see loop_add. */
bool transfer_start(struct transfer *transfer, struct loop *loop);

/* Adds one "Name: value" line to the request, before it starts. False when memory ran out. */
bool transfer_add_header(struct transfer *transfer, const char *line);

/* Gives the request a body of what `count` parts hold (multipart.h), before it starts. False with
 * the transfer failed, where a file cannot be read, or when memory ran out. */
bool transfer_add_joined(struct transfer *transfer, const struct part *parts, size_t count);

/* Gives the request a body of `count` parts, at least one, before it starts. Each is then added in
 * turn. False when memory ran out. */
bool transfer_begin_parts(struct transfer *transfer, size_t count);

/* Adds the next part (multipart.h). False with the transfer failed, where its file cannot be read,
 * or when memory ran out. */
bool transfer_add_part(struct transfer *transfer, const struct part *part);

/* Cancels it if it is under way and frees everything. NULL is fine. */
void transfer_free(struct transfer *transfer);

/* The same, but the loop keeps the easy handle where another transfer can use it. Both may be NULL.
 */
void transfer_close(struct transfer *transfer, struct loop *loop);

/* The reader has used up what it can: lets a paused transfer go on. True when bytes came at once.
 */
bool transfer_demand(struct transfer *transfer);

/* The reader wants the body as a whole. Nothing happens while it is lent: ask again. */
void transfer_collect(struct transfer *transfer);

/* Makes a body that came whole a failure, for what its reader found in it. */
void transfer_refuse(struct transfer *transfer, enum transfer_failure failure);

/* For a caller that runs foreign code while it reads what the transfer holds: a finalizer may step
 * the loop. What comes meanwhile waits in libcurl. Not to be closed or read from while lent. */
void transfer_lend(struct transfer *transfer);

/* Once for each transfer_lend. */
void transfer_take_back(struct transfer *transfer);

/* Ends the transfer at the latest `seconds` from now. */
void transfer_limit(struct transfer *transfer, double seconds);

#pragma GCC visibility pop

#endif
