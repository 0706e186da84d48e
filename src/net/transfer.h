/* One HTTP exchange on a curl easy handle: request out, status, headers and body in. No Lua.
 *
 * A request goes out once: when libcurl would send it again (a kept connection ended before an
 * answer, or the server refused the stream), the transfer fails instead. libcurl before 7.80 cannot
 * be kept from it: there, a request that must not be sent twice takes a new connection.
 *
 * The body of a success goes straight to the sink, if there is one. Otherwise, and if the status is
 * a failure, it waits in one bounded buffer. While it is read piece by piece
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

/* Makes a transfer that is not under way. Its handle is one that the loop (which may be NULL) has
 * kept, or a new one. NULL with *code set when libcurl refused an option or memory ran out. The
 * caller frees it with transfer_free or transfer_close. */
struct transfer *transfer_new(struct loop *loop, const struct transfer_options *options,
                              CURLcode *code);

/* Makes a transfer without a loop, for an answer that the caller feeds to it; at most
 * `max_body_bytes` may wait in it. NULL when memory ran out. The caller frees it as any other. */
struct transfer *transfer_new_fed(long status, size_t max_body_bytes);

/* Feeds it bytes of its answer. False if the transfer has failed, now or before. */
bool transfer_feed(struct transfer *transfer, const char *bytes, size_t length);

/* Starts it; see loop_add. */
bool transfer_start(struct transfer *transfer, struct loop *loop);

/* Adds one "Name: value" line to the request, before it starts. False when memory ran out. */
bool transfer_add_header(struct transfer *transfer, const char *line);

/* Gives the request a body of the contents of `count` parts (multipart.h), before it starts. False
 * if a file cannot be read, which fails the transfer, or if memory ran out. */
bool transfer_add_joined(struct transfer *transfer, const struct part *parts, size_t count);

/* Gives the request a body of `count` parts, at least one, before it starts. Each is then added in
 * turn. False when memory ran out. */
bool transfer_begin_parts(struct transfer *transfer, size_t count);

/* Adds the next part (multipart.h). False if its file cannot be read, which fails the transfer, or
 * if memory ran out. */
bool transfer_add_part(struct transfer *transfer, const struct part *part);

/* Cancels it if it is under way and frees everything. NULL is fine. */
void transfer_free(struct transfer *transfer);

/* The same, but the loop keeps the easy handle if another transfer can use it. Both may be NULL.
 */
void transfer_close(struct transfer *transfer, struct loop *loop);

/* Call when the reader has used up what it can: a paused transfer goes on. True if bytes came at
 * once. */
bool transfer_demand(struct transfer *transfer);

/* Call when the reader wants the body as a whole. Does nothing while it is lent: call again. */
void transfer_collect(struct transfer *transfer);

/* Fails the transfer for what the reader found in its body, even if the body came whole. */
void transfer_refuse(struct transfer *transfer, enum transfer_failure failure);

/* For a caller that runs foreign code while it reads what the transfer holds: a finalizer may step
 * the loop. What comes meanwhile waits in libcurl. Do not close or read a lent transfer. */
void transfer_lend(struct transfer *transfer);

/* Once for each transfer_lend. */
void transfer_take_back(struct transfer *transfer);

/* Ends the transfer at the latest `seconds` from now. */
void transfer_limit(struct transfer *transfer, double seconds);

#pragma GCC visibility pop

#endif
