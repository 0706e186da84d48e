#define _POSIX_C_SOURCE 200809L
#include "net/loop.h"

#include "net/connections.h"
#include "net/deadlines.h"
#include "net/easy_pool.h"
#include "net/entry_list.h"
#include "net/http2.h"
#include "net/loop_entry.h"
#include "net/poller.h"
#include "util/clock.h"
#include "util/held_signal.h"

#include <math.h>
#include <stdlib.h>
#include <unistd.h>

enum { MAX_IDLE_CONNECTIONS = 64 };

static const double LONGEST_STEP = 0.005; /* seconds; what one socket takes is up to libcurl */

struct loop {
  CURLM *multi;
  struct connections connections; /* they have the poller */
  pid_t owner;
  struct held_signal sigpipe;
  struct entry_list entries;
  struct entry_list watched;
  struct ready_list ready;
  struct deadlines deadlines;
  struct poller_batch batch;
  size_t next_event;  /* of these: what a step leaves is the next one's */
  size_t served;      /* sockets since timeouts were last looked at */
  double last_look;   /* at the sockets */
  double stood_still; /* seconds between two looks, the most since timeouts were last looked at */
  struct http2 http2;
  bool has_leavers; /* entries that are done and not gone */
  struct easy_pool easy_pool;
};

/* --- libcurl's callbacks --------------------------------------------------------------------- */

static int on_timer(CURLM *multi, long milliseconds, void *userdata) {
  struct loop *loop = userdata;
  (void)multi;
  loop->deadlines.curl = milliseconds < 0 ? HUGE_VAL : clock_now() + (double)milliseconds / 1000;
  return 0;
}

static void arm(struct loop *loop) {
  deadlines_arm(&loop->deadlines, loop->connections.poller);
}

/* The ready list is read by a step alone. Makes one due at once, so that the host calls it. */
static void call_for_step(struct loop *loop) {
  if (loop->ready.first)
    loop->deadlines.curl = clock_now();
}

/* --- opening, forking, closing --------------------------------------------------------------- */

struct loop *loop_new(void) {
  struct loop *loop = calloc(1, sizeof *loop);
  if (!loop)
    return NULL;
  loop->deadlines.alarm = HUGE_VAL;
  deadlines_reset(&loop->deadlines);
  return loop;
}

/* The loop knows an entry that is under way or ready, and no other. */
static void release(struct loop_entry *entry) {
  if (!entry->active && !entry->ready)
    entry->loop = NULL;
}

static void unmark_ready(struct loop *loop, struct loop_entry *entry) {
  ready_list_remove(&loop->ready, entry);
  release(entry);
}

static void unlink_entry(struct loop *loop, struct loop_entry *entry) {
  entry_list_remove(&loop->entries, entry);
  release(entry);
}

/* An entry that ended leaves the multi handle at once, which closes or keeps its connection. What
 * libcurl holds back of a paused one is taken from it first: it would lose that memory (HTTP/2). */
static void detach(struct loop *loop, struct loop_entry *entry) {
  if (!entry->active)
    return;
  if (entry->is_http2 && entry->retires)
    http2_retire(&loop->http2, entry, loop->entries.first);
  signal_hold(&loop->sigpipe, SIGPIPE);
  if (entry->paused)
    curl_easy_pause(entry->easy, CURLPAUSE_CONT);
  curl_multi_remove_handle(loop->multi, entry->easy);
  signal_release(&loop->sigpipe, true);
  unlink_entry(loop, entry);
}

static void close_multi(struct loop *loop) {
  signal_hold(&loop->sigpipe, SIGPIPE);
  curl_multi_cleanup(loop->multi);
  signal_release(&loop->sigpipe, true);
  loop->multi = NULL;
  loop->batch.count = loop->next_event = 0;
  connections_clear(&loop->connections);
}

/* In a forked child the multi handle, its easy handles and its resolver threads are the parent's:
 * using or freeing them could write to the parent's connections or wait for a thread that does
 * not exist here. They are given up; only the descriptors are closed. */
static void abandon_parent(struct loop *loop) {
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
  poller_free(loop->connections.poller);
  loop->connections.poller = NULL;
  loop->multi = NULL;
  loop->batch.count = loop->next_event = 0;
  deadlines_reset(&loop->deadlines);
}

static void notice_fork(struct loop *loop) {
  if (loop->connections.poller && loop->owner != getpid())
    abandon_parent(loop);
}

static bool open_loop(struct loop *loop) {
  notice_fork(loop);
  if (loop->multi)
    return true;
  if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
    return false;
  if (!loop->connections.poller)
    loop->connections.poller = poller_new();
  loop->multi = curl_multi_init();
  loop->owner = getpid();
  if (loop->connections.poller && loop->multi &&
      connections_attach(&loop->connections, loop->multi) &&
      curl_multi_setopt(loop->multi, CURLMOPT_TIMERFUNCTION, on_timer) == CURLM_OK &&
      curl_multi_setopt(loop->multi, CURLMOPT_TIMERDATA, loop) == CURLM_OK &&
      curl_multi_setopt(loop->multi, CURLMOPT_MAXCONNECTS, (long)MAX_IDLE_CONNECTIONS) ==
          CURLM_OK) {
    call_for_step(loop); /* for the parent's */
    arm(loop);
    return true;
  }
  poller_free(loop->connections.poller);
  loop->connections.poller = NULL;
  if (loop->multi)
    close_multi(loop);
  return false;
}

void loop_free(struct loop *loop) {
  if (!loop)
    return;
  notice_fork(loop);
  while (loop->entries.first)
    loop_remove(loop, loop->entries.first);
  while (loop->watched.first)
    loop_unwatch(loop, loop->watched.first);
  while (loop->ready.first)
    unmark_ready(loop, loop->ready.first);
  if (loop->multi)
    close_multi(loop);
  easy_pool_free(&loop->easy_pool);
  poller_free(loop->connections.poller);
  connections_free(&loop->connections);
  free(loop);
}

int loop_fd(struct loop *loop) {
  if (!open_loop(loop))
    return -1;
  loop->deadlines.is_watched = true;
  arm(loop);
  return poller_fd(loop->connections.poller);
}

/* --- working --------------------------------------------------------------------------------- */

static void note_deadline(struct loop *loop, const struct loop_entry *entry) {
  loop->deadlines.entry = fmin(loop->deadlines.entry, entry->callbacks->deadline(entry));
}

static bool has_event(const struct loop *loop, int socket) {
  for (size_t i = 0; i < loop->batch.count; i++)
    if (loop->batch.events[i].socket == socket)
      return true;
  return false;
}

/* By HTTP/2 a server sends no more on any stream where nobody reads, and libcurl reads one stream
 * after the other: where the host stood still, each needs time anew. */
static bool put_off(struct loop *loop, struct loop_entry *entry) {
  return entry->is_http2 && loop->stood_still > 0 &&
         has_event(loop, connections_socket_of(&loop->connections, entry)) &&
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
      note_deadline(loop, entry);
      continue;
    }
    entry->callbacks->expire(entry);
    detach(loop, entry);
  }
}

static void collect_completions(struct loop *loop) {
  int left;
  CURLMsg *message;
  while ((message = curl_multi_info_read(loop->multi, &left))) {
    if (message->msg != CURLMSG_DONE)
      continue;
    struct loop_entry *entry = loop_entry_of(message->easy_handle);
    connections_note_idle(&loop->connections, message->easy_handle);
    CURLcode code = entry->callbacks->complete(entry, message->data.result);
    detach(loop, entry);
    if (entry->is_http2 && code != CURLE_OK &&
        connections_socket_of(&loop->connections, entry) >= 0)
      http2_suspect(&loop->http2, entry, code, loop->entries.first);
  }
}

/* A multi handle that reports an error can do nothing more for its entries, and what it knows of
 * its sockets may be wrong (libcurl 7.88 then divides by zero). The next use makes a new one.
 * workaround: libcurl 7.88 */
static void give_up(struct loop *loop, CURLMcode code) {
  collect_completions(loop);
  while (loop->entries.first) {
    struct loop_entry *entry = loop->entries.first;
    entry->callbacks->complete(entry, code == CURLM_OUT_OF_MEMORY ? CURLE_OUT_OF_MEMORY
                                                                  : CURLE_FAILED_INIT);
    detach(loop, entry);
  }
  close_multi(loop);
  loop->deadlines.curl = HUGE_VAL;
}

static bool perform(struct loop *loop, curl_socket_t socket, int what) {
  int running;
  http2_begin_step(&loop->http2);
  CURLMcode code = curl_multi_socket_action(loop->multi, socket, what, &running);
  if (code != CURLM_OK)
    give_up(loop, code);
  return code == CURLM_OK;
}

static void let_leave(struct loop *loop) {
  loop->has_leavers = false;
  for (struct loop_entry *entry = loop->entries.first, *next; entry; entry = next) {
    next = entry->next;
    if (entry->done)
      detach(loop, entry);
  }
}

static struct loop_entry *watched_at(const struct loop *loop, int descriptor) {
  struct loop_entry *entry = loop->watched.first;
  while (entry && entry->socket != descriptor)
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

static void work(struct loop *loop, bool with_sockets) {
  signal_hold(&loop->sigpipe, SIGPIPE);
  bool works = !with_sockets || serve_sockets(loop);
  if (works && loop->deadlines.curl <= clock_now()) {
    loop->deadlines.curl = HUGE_VAL;
    works = perform(loop, CURL_SOCKET_TIMEOUT, 0);
  }
  /* of many streams, only the first hears of the end of their connection: workaround: libcurl < 8.1
   */
  while (works) {
    collect_completions(loop);
    int socket = http2_next_suspect(&loop->http2, loop->entries.first);
    if (socket < 0)
      break;
    works = perform(loop, socket, CURL_CSELECT_IN);
  }
  if (loop->has_leavers)
    let_leave(loop);
  signal_release(&loop->sigpipe, true);
}

bool loop_add(struct loop *loop, struct loop_entry *entry) {
  if (!open_loop(loop))
    return false;
  curl_easy_setopt(entry->easy, CURLOPT_PRIVATE, entry);
  connections_join(&loop->connections, entry, loop->entries.first);
  http2_join(&loop->http2, entry);
  if (curl_multi_add_handle(loop->multi, entry->easy) != CURLM_OK)
    return false;
  entry->loop = loop;
  entry_list_add(&loop->entries, entry);
  note_deadline(loop, entry);
  work(loop, false);   /* it is sent at once where a connection is there */
  call_for_step(loop); /* libcurl may have moved other entries on, too */
  arm(loop);
  return true;
}

void loop_remove(struct loop *loop, struct loop_entry *entry) {
  notice_fork(loop);
  if (entry->loop != loop)
    return;
  entry->callbacks->cancel(entry);
  detach(loop, entry);
  unmark_ready(loop, entry);
}

bool loop_watch(struct loop *loop, struct loop_entry *entry, int descriptor) {
  if (!open_loop(loop) || !poller_watch(loop->connections.poller, descriptor, true, false))
    return false;
  entry->loop = loop;
  entry->socket = descriptor;
  entry_list_add(&loop->watched, entry);
  return true;
}

void loop_unwatch(struct loop *loop, struct loop_entry *entry) {
  notice_fork(loop);
  if (entry->active) {
    poller_watch(loop->connections.poller, entry->socket, false, false);
    entry_list_remove(&loop->watched, entry);
  }
  unmark_ready(loop, entry);
}

void loop_resume(struct loop *loop, struct loop_entry *entry) {
  notice_fork(loop);
  if (!entry->active)
    return;
  signal_hold(&loop->sigpipe, SIGPIPE);
  CURLcode code = curl_easy_pause(entry->easy, CURLPAUSE_CONT);
  signal_release(&loop->sigpipe, true);
  if (code != CURLE_OK)
    entry->callbacks->complete(entry, code);
  if (entry->done)
    detach(loop, entry);
  else
    note_deadline(loop, entry);
  if (code == CURLE_ABORTED_BY_CALLBACK) /* on_socket failed: that ends the whole multi handle */
    give_up(loop, CURLM_ABORTED_BY_CALLBACK);
  call_for_step(loop);
  arm(loop);
}

bool loop_wait(struct loop *loop, double seconds) {
  if (!open_loop(loop))
    return false;
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
    work(loop, true);
  /* bytes may wait on a socket that has not had its turn yet */
  if (loop->next_event == loop->batch.count &&
      (!loop->batch.has_more || loop->served >= loop->connections.sockets.count)) {
    loop->served = 0;
    loop->stood_still = fmax(loop->stood_still, clock_now() - loop->last_look);
    expire(loop);
    loop->stood_still = 0;
  }
  arm(loop);
  return has_work;
}

bool loop_set_alarm(struct loop *loop, double time) {
  if (time == loop->deadlines.alarm)
    return true;
  if (!open_loop(loop))
    return false;
  loop->deadlines.alarm = time;
  arm(loop);
  return true;
}

struct easy_pool *loop_easy_pool(struct loop *loop) {
  return &loop->easy_pool;
}

size_t loop_active(const struct loop *loop) {
  return loop->entries.count;
}

size_t loop_connections(struct loop *loop) {
  notice_fork(loop);
  return connections_count(&loop->connections);
}

void loop_note_deadline(struct loop *loop, const struct loop_entry *entry) {
  notice_fork(loop);
  if (!entry->active)
    return;
  note_deadline(loop, entry);
  arm(loop);
}

void loop_leave(struct loop *loop) {
  loop->has_leavers = true;
}

bool loop_note_log(struct loop *loop, struct loop_entry *entry, curl_infotype type,
                   const char *bytes, size_t length) {
  if (http2_note(&loop->http2, type, bytes, length))
    return true;
  loop_leave(loop);
  if (connections_socket_of(&loop->connections, entry) >= 0)
    socket_end(entry->socket);
  return false;
}

/* --- the ready list -------------------------------------------------------------------------- */

void loop_mark_ready(struct loop *loop, struct loop_entry *entry) {
  ready_list_add(&loop->ready, entry);
}

/* The reader may have taken the news already. */
struct loop_entry *loop_next_ready(struct loop *loop) {
  struct loop_entry *entry;
  while ((entry = loop->ready.first)) {
    unmark_ready(loop, entry);
    if (entry->news)
      break;
  }
  return entry;
}
