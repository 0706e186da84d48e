#include "net/loop_step.h"

#include "net/loop_state.h"
#include "util/clock.h"

#include <math.h>

static const double LONGEST_STEP = 0.005; /* seconds; what one socket takes is up to libcurl */

static bool has_event(const struct loop *loop, port_socket socket) {
  for (size_t i = 0; i < loop->batch.count; i++)
    if (loop->batch.events[i].socket == socket)
      return true;
  return false;
}

/* By HTTP/2 a server stops sending on all streams if nobody reads, and libcurl reads one stream
 * after the other: after the host stood still, each stream needs its time anew. */
static bool put_off(struct loop *loop, struct loop_entry *entry) {
  return entry->is_http2 && has_event(loop, connections_socket_of(&loop->connections, entry)) &&
         entry->callbacks->put_off(entry, loop->stood_still);
}

/* Timeouts only move away while bytes come, so the earliest that was noted is a lower bound. */
static void expire(struct loop *loop) {
  double now = clock_now();
  if (now < loop->deadlines.entry)
    return;
  loop->deadlines.entry = HUGE_VAL;
  for (struct loop_entry *entry = loop->entries.first, *next; entry; entry = next) {
    next = entry->next;
    if (entry->callbacks->deadline(entry) > now || put_off(loop, entry)) {
      loop_state_note_deadline(loop, entry);
      continue;
    }
    entry->callbacks->expire(entry);
    loop_state_detach(loop, entry);
  }
}

CURLcode loop_step_complete(struct loop *loop, struct loop_entry *entry, CURLcode code) {
  bool lacks_memory = code == CURLE_ABORTED_BY_CALLBACK && loop->connections.lacks_memory;
  return entry->callbacks->complete(entry, lacks_memory ? CURLE_OUT_OF_MEMORY : code);
}

static void collect_completions(struct loop *loop) {
  int left;
  CURLMsg *message;
  while ((message = curl_multi_info_read(loop->multi, &left))) {
    if (message->msg != CURLMSG_DONE)
      continue;
    struct loop_entry *entry = loop_entry_of(message->easy_handle);
    connections_note_idle(&loop->connections, message->easy_handle);
    CURLcode code = loop_step_complete(loop, entry, message->data.result);
    loop_state_detach(loop, entry);
    if (entry->is_http2 && code != CURLE_OK &&
        connections_socket_of(&loop->connections, entry) != NO_SOCKET)
      http2_suspect(&loop->http2, entry, code, loop->entries.first);
  }
}

void loop_step_give_up(struct loop *loop, CURLMcode code) {
  bool lacks_memory = code == CURLM_OUT_OF_MEMORY || loop->connections.lacks_memory;
  collect_completions(loop);
  while (loop->entries.first) {
    struct loop_entry *entry = loop->entries.first;
    entry->callbacks->complete(entry, lacks_memory ? CURLE_OUT_OF_MEMORY : CURLE_FAILED_INIT);
    loop_state_detach(loop, entry);
  }
  loop_state_close(loop);
  loop->deadlines.curl = HUGE_VAL;
}

static bool perform(struct loop *loop, curl_socket_t socket, int what) {
  int running;
  http2_begin_step(&loop->http2);
  CURLMcode code = curl_multi_socket_action(loop->multi, socket, what, &running);
  if (code != CURLM_OK)
    loop_step_give_up(loop, code);
  return code == CURLM_OK;
}

static void let_leave(struct loop *loop) {
  loop->has_leavers = false;
  for (struct loop_entry *entry = loop->entries.first, *next; entry; entry = next) {
    next = entry->next;
    if (entry->done)
      loop_state_detach(loop, entry);
  }
}

static struct loop_entry *watched_at(const struct loop *loop, port_socket socket) {
  struct loop_entry *entry = loop->watched.first;
  while (entry && entry->socket != socket)
    entry = entry->next;
  return entry;
}

static bool serve_sockets(struct loop *loop) {
  double until = clock_now() + LONGEST_STEP;
  while (loop->next_event < loop->batch.count) {
    const struct poller_event *event = &loop->batch.events[loop->next_event++];
    int what = (event->readable ? CURL_CSELECT_IN : 0) | (event->writable ? CURL_CSELECT_OUT : 0) |
               (event->failed ? CURL_CSELECT_ERR : 0);
    loop->served++;
    struct loop_entry *watched = watched_at(loop, event->socket);
    if (watched)
      watched->callbacks->readable(watched);
    else if (!perform(loop, event->socket, what))
      return false;
    if (clock_now() >= until)
      break;
  }
  return true;
}

void loop_step_work(struct loop *loop, bool with_sockets) {
  signal_hold(&loop->sigpipe, PORT_BROKEN_PIPE);
  bool works = !with_sockets || serve_sockets(loop);
  if (works && loop->deadlines.curl <= clock_now()) {
    loop->deadlines.curl = HUGE_VAL;
    works = perform(loop, CURL_SOCKET_TIMEOUT, 0);
  }
  /* of many streams, only the first hears of their connection's end: workaround: libcurl < 8.1 */
  while (works) {
    collect_completions(loop);
    port_socket socket = http2_next_suspect(&loop->http2, loop->entries.first);
    if (socket == NO_SOCKET)
      break;
    works = perform(loop, socket, CURL_CSELECT_IN);
  }
  if (loop->has_leavers)
    let_leave(loop);
  signal_release(&loop->sigpipe, true);
}

bool loop_step(struct loop *loop, double seconds) {
  if (loop->next_event == loop->batch.count) {
    double now = clock_now();
    double until = seconds < 0 ? HUGE_VAL : now + seconds;
    loop->stood_still = fmax(loop->stood_still, now - loop->last_look);
    if (loop->ready.first)
      until = now;
    long milliseconds = deadlines_milliseconds(fmin(until, deadlines_next(&loop->deadlines)), now);
    loop->next_event = 0;
    poller_wait(loop->connections.poller, milliseconds, &loop->batch);
    loop->last_look = clock_now();
  }
  bool has_work = loop->next_event < loop->batch.count || loop->deadlines.curl <= clock_now();
  if (has_work)
    loop_step_work(loop, true);
  /* bytes may wait on a socket that has not had its turn yet */
  if (loop->next_event == loop->batch.count &&
      (!loop->batch.has_more || loop->served >= loop->connections.sockets.count)) {
    loop->served = 0;
    loop->stood_still = fmax(loop->stood_still, clock_now() - loop->last_look);
    expire(loop);
    loop->stood_still = 0;
  }
  return has_work;
}
