/* What a loop consists of: the multi handle, its entries, and how both begin and end. Code that
 * runs transfers includes loop.h. No Lua. */
#ifndef ANTHROPIC_NET_LOOP_STATE_H
#define ANTHROPIC_NET_LOOP_STATE_H

#include "net/connections.h"
#include "net/deadlines.h"
#include "net/easy_pool.h"
#include "net/entry_list.h"
#include "net/http2.h"
#include "net/loop_entry.h"
#include "net/poller.h"
#include "port/fork_mark.h"
#include "port/held_signal.h"

#include <curl/curl.h>
#include <stdbool.h>
#include <stddef.h>

#pragma GCC visibility push(hidden)

struct loop {
  CURLM *multi;
  struct connections connections; /* they have the poller */
  struct poller *inherited; /* the parent's: open until there is another, so that numbers differ */
  struct fork_mark owner;
  struct held_signal sigpipe;
  struct entry_list entries;
  struct entry_list watched;
  struct ready_list ready;
  struct deadlines deadlines;
  struct poller_batch batch;
  size_t next_event;  /* of `batch`: the next step goes on from here */
  size_t served;      /* sockets since timeouts were last looked at */
  double limit;       /* from this time on loop_is_late is true */
  double last_look;   /* at the sockets */
  double stood_still; /* seconds between two looks, the most since timeouts were last looked at */
  struct http2 http2;
  bool has_leavers; /* entries that are done and still in the list */
  struct easy_pool easy_pool;
};

/* Opens the multi handle and the poller if they are not open; a forked child opens new ones. False
 * when memory or descriptors ran out. */
bool loop_state_open(struct loop *loop);

/* Call before anything of a loop is used: in a forked child, gives up what is the parent's. */
void loop_state_notice_fork(struct loop *loop);

/* Closes what is left of the parent's in a forked child. */
void loop_state_forget_parent(struct loop *loop);

/* Closes the multi handle with all its connections. No entry is under way. */
void loop_state_close(struct loop *loop);

/* Takes an entry that has ended, or is to end, out of the multi handle, which closes or keeps its
 * connection. One that is not under way is fine. */
void loop_state_detach(struct loop *loop, struct loop_entry *entry);

/* Takes one out of the ready list. */
void loop_state_unmark_ready(struct loop *loop, struct loop_entry *entry);

/* Notes that the deadline of an entry under way has changed. */
void loop_state_note_deadline(struct loop *loop, const struct loop_entry *entry);

/* Makes a step due at once if the ready list has entries: the host reads it after a step only. */
void loop_state_call_for_step(struct loop *loop);

/* Sets the descriptor's timer for what is due next. */
void loop_state_arm(struct loop *loop);

#pragma GCC visibility pop

#endif
