/* Many transfers at once: a curl multi handle behind one pollable descriptor. No Lua.
 *
 * Everything is made on first use and made anew in a forked child, where the parent's connections
 * are left alone and transfers that were under way end as cancelled. */
#ifndef ANTHROPIC_NET_LOOP_H
#define ANTHROPIC_NET_LOOP_H

#include <curl/curl.h>
#include <stdbool.h>
#include <stddef.h>

#pragma GCC visibility push(hidden)

struct http2;
struct loop;
struct transfer;

/* NULL when memory ran out. The caller frees it with loop_free. */
struct loop *loop_new(void);

/* Cancels what is under way and closes all connections. Transfers stay their owners' to free. */
void loop_free(struct loop *loop);

/* Readable whenever loop_wait has work, timers included; -1 where there is no such descriptor or
 * none could be made. It changes after a fork. Owned by the loop. */
int loop_fd(struct loop *loop);

/* Starts a transfer: where a connection is idle, its request is sent at once. It may have failed
 * when this returns. False when memory or descriptors ran out. The loop does not own it: its owner
 * ends it with transfer_free, which removes it here. */
bool loop_add(struct loop *loop, struct transfer *transfer);

/* Takes a transfer out, cancelled if it is not done. */
void loop_remove(struct loop *loop, struct transfer *transfer);

/* Lets a paused transfer go on. */
void loop_resume(struct loop *loop, struct transfer *transfer);

/* Does the work at hand, waiting up to `seconds` (negative: for ever) for some to come, unless a
 * transfer is ready. Returns early on a signal. Bounded: a step handles at most 64 sockets, and
 * after 5 ms leaves the rest of them to the next one. False when there was no work for libcurl. */
bool loop_wait(struct loop *loop, double seconds);

/* Makes a step necessary at a time (of clock_now); HUGE_VAL: none. False when memory or
 * descriptors ran out. */
bool loop_set_alarm(struct loop *loop, double time);

/* Transfers under way; after a fork the parent's, until the child's first step. */
size_t loop_active(const struct loop *loop);

/* Open sockets, idle connections included. */
size_t loop_connections(struct loop *loop);

/* A transfer with news that came since it was last returned here and were not read, first come
 * first served; NULL: none. */
struct transfer *loop_next_ready(struct loop *loop);

/* For transfer.c: a handle that was given, or NULL. The caller's to free. */
CURL *loop_take_easy(struct loop *loop);

/* For transfer.c: keeps a handle that no transfer uses, or frees it. */
void loop_give_easy(struct loop *loop, CURL *easy);

/* For transfer.c: the transfer's timeouts changed. */
void loop_note_deadline(struct loop *loop, const struct transfer *transfer);

/* For transfer.c: what its transfers by HTTP/2 have in common. */
struct http2 *loop_http2(struct loop *loop);

/* For transfer.c, from libcurl's callbacks: a transfer that is done leaves when libcurl returns. */
void loop_leave(struct loop *loop);

/* The same, and its connection ends at once, whatever libcurl does. */
void loop_break(struct loop *loop, struct transfer *transfer);

/* For transfer.c: puts a transfer into the ready list. */
void loop_mark_ready(struct loop *loop, struct transfer *transfer);

#pragma GCC visibility pop

#endif
