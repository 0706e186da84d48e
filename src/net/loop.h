/* Many transfers at once: a curl multi handle behind one pollable descriptor. It knows them as
 * entries (loop_entry.h). No Lua.
 *
 * Everything is made on first use and made anew in a forked child, where the parent's connections
 * are left alone and entries that were under way are cancelled.
 *
 * How another event loop steps this one. The host watches loop_fd for reading, level-triggered, and
 * calls loop_wait(loop, 0) whenever it is readable: that does all there is to do without waiting,
 * and leaves what takes too long to the next call, for which the descriptor stays readable.
 * Afterwards it calls loop_next_ready until NULL, for the entries with news. That is all: timeouts
 * need no timer of the host's: the descriptor is readable when one runs out, and at a time that the
 * host sets with loop_set_alarm. Before each round the host calls loop_fd again: the descriptor
 * changes after a fork. If loop_fd is -1 (poll(2) only), the host calls loop_wait now and then, at
 * least every few milliseconds, or lets it block when nothing else is to be done.
 *
 * A loop belongs to one thread. Entries are added and removed between the steps, never from their
 * callbacks. In Lua the same is `core.loop()` (lua/loop.c), and a host is one short file in
 * lua/anthropic/loop/. */
#ifndef ANTHROPIC_NET_LOOP_H
#define ANTHROPIC_NET_LOOP_H

#include "port/socket.h"

#include <curl/curl.h>
#include <stdbool.h>
#include <stddef.h>

#pragma GCC visibility push(hidden)

struct easy_pool;
struct loop;
struct loop_entry;

/* NULL when memory ran out. The caller frees it with loop_free. */
struct loop *loop_new(void);

/* Cancels what is under way and closes all connections. Their owners free the entries. */
void loop_free(struct loop *loop);

/* Readable whenever loop_wait has work, timers included; -1 if there is no such descriptor or none
 * could be made. It changes after a fork. Owned by the loop. */
int loop_fd(struct loop *loop);

/* Starts an entry: if a connection is idle, its request is sent at once. It may be done when this
 * returns. False when memory or descriptors ran out. The loop does not own it: its owner takes
 * it out with loop_remove before it is freed. */
bool loop_add(struct loop *loop, struct loop_entry *entry);

/* Takes an entry out, and cancels it if it is under way. One that is not in the loop is fine. */
void loop_remove(struct loop *loop, struct loop_entry *entry);

/* Watches a socket, or what the poller takes for one, for an entry, which needs no handle. Does
 * nothing when memory or descriptors ran out. */
void loop_watch(struct loop *loop, struct loop_entry *entry, port_socket socket);

/* Ends the watch, before the socket is closed, and takes the entry out of the ready list. */
void loop_unwatch(struct loop *loop, struct loop_entry *entry);

/* Lets a paused entry go on. */
void loop_resume(struct loop *loop, struct loop_entry *entry);

/* Notes that the deadline of an entry under way has changed. */
void loop_note_deadline(struct loop *loop, const struct loop_entry *entry);

/* Puts an entry into the ready list: it has news. */
void loop_mark_ready(struct loop *loop, struct loop_entry *entry);

/* For libcurl's callbacks: makes an entry that is done leave when libcurl returns. */
void loop_leave(struct loop *loop);

/* Takes a line of libcurl's log of an HTTP/2 entry. False if the connection was ended, whatever
 * libcurl does, because its peer has sent too much that means nothing. The entry leaves when
 * libcurl returns, and must be done by then. */
bool loop_note_log(struct loop *loop, struct loop_entry *entry, curl_infotype type,
                   const char *bytes, size_t length);

/* Does the work at hand, waiting up to `seconds` (negative: for ever) for some to come, unless an
 * entry is ready. Returns early on a signal. Bounded: a step handles at most 64 sockets, and
 * after 5 ms leaves the rest of them to the next one. False when there was no work for libcurl. */
bool loop_wait(struct loop *loop, double seconds);

/* Makes a step necessary at a time (of clock_now); HUGE_VAL: none. False when memory or
 * descriptors ran out. */
bool loop_set_alarm(struct loop *loop, double time);

/* Whether that time has come. */
bool loop_is_due(const struct loop *loop);

/* Sets the time (of clock_now) from which loop_is_late is true, so that the host has its turn. */
void loop_set_limit(struct loop *loop, double time);

/* Whether that time has passed. */
bool loop_is_late(const struct loop *loop);

/* Entries under way; after a fork the parent's, until the child's first step. */
size_t loop_active(const struct loop *loop);

/* Open sockets, idle connections included. */
size_t loop_connections(struct loop *loop);

/* The next entry with unread news that came since it was last returned here, first come first
 * served. NULL if no entry has news, or if loop_is_late is true: then a step is due for the rest.
 * `has_more`: there may be others, or such a rest. */
struct loop_entry *loop_next_ready(struct loop *loop, bool *has_more);

/* Handles for entries to come. Owned by the loop. */
struct easy_pool *loop_easy_pool(struct loop *loop);

#pragma GCC visibility pop

#endif
