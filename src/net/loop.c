#include "net/loop.h"

#include "net/loop_state.h"
#include "net/loop_step.h"
#include "util/clock.h"

#include <math.h>
#include <stdlib.h>

/* --- its life -------------------------------------------------------------------------------- */

struct loop *loop_new(void) {
  struct loop *loop = calloc(1, sizeof *loop);
  if (!loop)
    return NULL;
  loop->deadlines.alarm = loop->limit = HUGE_VAL;
  deadlines_reset(&loop->deadlines);
  return loop;
}

void loop_free(struct loop *loop) {
  if (!loop)
    return;
  loop_state_notice_fork(loop);
  while (loop->entries.first)
    loop_remove(loop, loop->entries.first);
  while (loop->watched.first)
    loop_unwatch(loop, loop->watched.first);
  while (loop->ready.first)
    loop_state_unmark_ready(loop, loop->ready.first);
  if (loop->multi)
    loop_state_close(loop);
  easy_pool_free(&loop->easy_pool);
  poller_free(loop->connections.poller);
  loop_state_forget_parent(loop);
  connections_free(&loop->connections);
  fork_mark_free(&loop->owner);
  free(loop);
}

int loop_fd(struct loop *loop) {
  if (!loop_state_open(loop))
    return -1;
  loop->deadlines.is_watched = true;
  loop_state_arm(loop);
  return poller_fd(loop->connections.poller);
}

/* --- entries --------------------------------------------------------------------------------- */

bool loop_add(struct loop *loop, struct loop_entry *entry) {
  if (!loop_state_open(loop))
    return false;
  curl_easy_setopt(entry->easy, CURLOPT_PRIVATE, entry);
  connections_join(&loop->connections, entry, loop->entries.first);
  http2_join(&loop->http2, entry);
  if (curl_multi_add_handle(loop->multi, entry->easy) != CURLM_OK)
    return false;
  entry->loop = loop;
  entry_list_add(&loop->entries, entry);
  loop_state_note_deadline(loop, entry);
  loop_step_work(loop, false);    /* sends it at once if a connection is idle */
  loop_state_call_for_step(loop); /* libcurl may have moved other entries on, too */
  loop_state_arm(loop);
  return true;
}

void loop_remove(struct loop *loop, struct loop_entry *entry) {
  loop_state_notice_fork(loop);
  if (entry->loop != loop)
    return;
  entry->callbacks->cancel(entry);
  loop_state_detach(loop, entry);
  loop_state_unmark_ready(loop, entry);
}

void loop_watch(struct loop *loop, struct loop_entry *entry, port_socket socket) {
  if (!loop_state_open(loop) || !poller_watch(loop->connections.poller, socket, true, false))
    return;
  entry->loop = loop;
  entry->socket = socket;
  entry_list_add(&loop->watched, entry);
}

void loop_unwatch(struct loop *loop, struct loop_entry *entry) {
  loop_state_notice_fork(loop);
  if (entry->active) {
    poller_watch(loop->connections.poller, entry->socket, false, false);
    entry_list_remove(&loop->watched, entry);
  }
  loop_state_unmark_ready(loop, entry);
}

void loop_resume(struct loop *loop, struct loop_entry *entry) {
  loop_state_notice_fork(loop);
  if (!entry->active)
    return;
  signal_hold(&loop->sigpipe, PORT_BROKEN_PIPE);
  CURLcode code = curl_easy_pause(entry->easy, CURLPAUSE_CONT);
  signal_release(&loop->sigpipe, true);
  if (code != CURLE_OK)
    loop_step_complete(loop, entry, code);
  if (entry->done)
    loop_state_detach(loop, entry);
  else
    loop_state_note_deadline(loop, entry);
  if (code == CURLE_ABORTED_BY_CALLBACK) /* on_socket failed: that ends the whole multi handle */
    loop_step_give_up(loop, CURLM_ABORTED_BY_CALLBACK);
  loop_state_call_for_step(loop);
  loop_state_arm(loop);
}

/* --- working --------------------------------------------------------------------------------- */

bool loop_wait(struct loop *loop, double seconds) {
  if (!loop_state_open(loop))
    return false;
  bool has_work = loop_step(loop, seconds);
  loop_state_arm(loop);
  return has_work;
}

bool loop_set_alarm(struct loop *loop, double time) {
  if (time == loop->deadlines.alarm)
    return true;
  if (!loop_state_open(loop))
    return false;
  loop->deadlines.alarm = time;
  loop_state_arm(loop);
  return true;
}

bool loop_is_due(const struct loop *loop) {
  return loop->deadlines.alarm <= clock_now();
}

void loop_set_limit(struct loop *loop, double time) {
  loop->limit = time;
}

bool loop_is_late(const struct loop *loop) {
  return clock_now() > loop->limit;
}

struct easy_pool *loop_easy_pool(struct loop *loop) {
  return &loop->easy_pool;
}

size_t loop_active(const struct loop *loop) {
  return loop->entries.count;
}

size_t loop_connections(struct loop *loop) {
  loop_state_notice_fork(loop);
  return connections_count(&loop->connections);
}

void loop_note_deadline(struct loop *loop, const struct loop_entry *entry) {
  loop_state_notice_fork(loop);
  if (!entry->active)
    return;
  loop_state_note_deadline(loop, entry);
  loop_state_arm(loop);
}

void loop_leave(struct loop *loop) {
  loop->has_leavers = true;
}

bool loop_note_log(struct loop *loop, struct loop_entry *entry, curl_infotype type,
                   const char *bytes, size_t length) {
  if (http2_note(&loop->http2, type, bytes, length))
    return true;
  loop_leave(loop);
  if (connections_socket_of(&loop->connections, entry) != NO_SOCKET)
    port_socket_end(entry->socket);
  return false;
}

/* --- the ready list -------------------------------------------------------------------------- */

void loop_mark_ready(struct loop *loop, struct loop_entry *entry) {
  ready_list_add(&loop->ready, entry);
}

/* The reader may have taken the news already. */
struct loop_entry *loop_next_ready(struct loop *loop, bool *has_more) {
  struct loop_entry *entry = NULL;
  if (loop->ready.first && loop_is_late(loop)) {
    loop_state_call_for_step(loop);
    loop_state_arm(loop);
  } else
    while ((entry = loop->ready.first)) {
      loop_state_unmark_ready(loop, entry);
      if (entry->news)
        break;
    }
  *has_more = loop->ready.first != NULL;
  return entry;
}
