#include "net/loop_state.h"

#include "util/clock.h"

#include <math.h>

enum { MAX_IDLE_CONNECTIONS = 64 };

/* --- entries --------------------------------------------------------------------------------- */

/* The loop knows an entry that is under way or ready, and no other. */
static void release(struct loop_entry *entry) {
  if (!entry->active && !entry->ready)
    entry->loop = NULL;
}

void loop_state_unmark_ready(struct loop *loop, struct loop_entry *entry) {
  ready_list_remove(&loop->ready, entry);
  release(entry);
}

static void unlink_entry(struct loop *loop, struct loop_entry *entry) {
  entry_list_remove(&loop->entries, entry);
  release(entry);
}

/* First takes from libcurl what it has buffered for a paused entry: it would leak that memory
 * (HTTP/2). */
void loop_state_detach(struct loop *loop, struct loop_entry *entry) {
  if (!entry->active)
    return;
  if (entry->is_http2 && entry->retires)
    http2_retire(&loop->http2, entry, loop->entries.first);
  signal_hold(&loop->sigpipe, PORT_BROKEN_PIPE);
  if (entry->paused)
    curl_easy_pause(entry->easy, CURLPAUSE_CONT);
  curl_multi_remove_handle(loop->multi, entry->easy);
  signal_release(&loop->sigpipe, true);
  unlink_entry(loop, entry);
}

void loop_state_note_deadline(struct loop *loop, const struct loop_entry *entry) {
  loop->deadlines.entry = fmin(loop->deadlines.entry, entry->callbacks->deadline(entry));
}

void loop_state_call_for_step(struct loop *loop) {
  if (loop->ready.first)
    loop->deadlines.curl = clock_now();
}

void loop_state_arm(struct loop *loop) {
  deadlines_arm(&loop->deadlines, loop->connections.poller);
}

/* --- the multi handle ------------------------------------------------------------------------ */

static int on_timer(CURLM *multi, long milliseconds, void *userdata) {
  struct loop *loop = userdata;
  (void)multi;
  loop->deadlines.curl = milliseconds < 0 ? HUGE_VAL : clock_now() + (double)milliseconds / 1000;
  return 0;
}

void loop_state_close(struct loop *loop) {
  signal_hold(&loop->sigpipe, PORT_BROKEN_PIPE);
  curl_multi_cleanup(loop->multi);
  signal_release(&loop->sigpipe, true);
  loop->multi = NULL;
  loop->batch.count = loop->next_event = 0;
  connections_clear(&loop->connections);
}

/* In a forked child the multi handle, its easy handles and its resolver threads are the parent's:
 * using or freeing them could write to the parent's connections or wait for a thread that does
 * not exist here. They are given up; only the descriptors are closed. The poller is put away first:
 * without it, callbacks find no fork to act on. */
static void abandon_parent(struct loop *loop) {
  loop->inherited = loop->connections.poller;
  loop->connections.poller = NULL;
  while (loop->entries.first) {
    struct loop_entry *entry = loop->entries.first;
    entry->easy = NULL;
    entry->callbacks->abandon(entry);
    unlink_entry(loop, entry);
  }
  while (loop->watched.first) {
    struct loop_entry *entry = loop->watched.first;
    entry_list_remove(&loop->watched, entry);
    entry->callbacks->abandon(entry);
  }
  connections_abandon(&loop->connections);
  loop->multi = NULL;
  loop->batch.count = loop->next_event = 0;
  deadlines_reset(&loop->deadlines);
}

void loop_state_notice_fork(struct loop *loop) {
  if (loop->connections.poller && fork_mark_is_foreign(&loop->owner))
    abandon_parent(loop);
}

void loop_state_forget_parent(struct loop *loop) {
  poller_free(loop->inherited);
  loop->inherited = NULL;
}

bool loop_state_open(struct loop *loop) {
  loop_state_notice_fork(loop);
  if (loop->multi)
    return true;
  if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
    return false;
  if (!loop->connections.poller)
    loop->connections.poller = poller_new();
  loop_state_forget_parent(loop);
  loop->multi = curl_multi_init();
  fork_mark_set(&loop->owner);
  if (loop->connections.poller && loop->multi &&
      connections_attach(&loop->connections, loop->multi) &&
      curl_multi_setopt(loop->multi, CURLMOPT_TIMERFUNCTION, on_timer) == CURLM_OK &&
      curl_multi_setopt(loop->multi, CURLMOPT_TIMERDATA, loop) == CURLM_OK &&
      curl_multi_setopt(loop->multi, CURLMOPT_MAXCONNECTS, (long)MAX_IDLE_CONNECTIONS) ==
          CURLM_OK) {
    loop_state_call_for_step(loop); /* for the parent's entries; the caller arms it */
    return true;
  }
  if (loop->multi)
    loop_state_close(loop);
  return false; /* the poller stays: entries may be watched by it */
}
