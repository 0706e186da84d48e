#define _POSIX_C_SOURCE 200809L
#include "net/loop.h"

#include "net/http2.h"
#include "net/loop_entry.h"
#include "net/poller.h"
#include "net/sigpipe.h"
#include "net/socket_list.h"
#include "util/clock.h"

#include <fcntl.h>
#include <math.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
  BATCH = 64,
  MAX_IDLE_CONNECTIONS = 64,
  MAX_IDLE_HANDLES = 16,
  FIRST_TO_LOOK = 0x080000,   /* libcurl: see end_unclean */
  FIRST_TO_DANGLE = 0x075300, /* see can_be_used_again */
  FIRST_WITHOUT_DANGLING = 0x080100
};

static const double LONGEST_STEP = 0.005; /* seconds; what one socket takes is up to libcurl */

struct loop {
  CURLM *multi;
  struct poller *poller;
  pid_t owner;
  struct sigpipe_guard guard;
  struct loop_entry *entries;
  size_t active;
  struct loop_entry *first_ready;
  struct loop_entry *last_ready;
  double curl_deadline;  /* when libcurl wants to be called, or HUGE_VAL */
  double entry_deadline; /* no entry runs out of time before this */
  double alarm;          /* when the host wants a step, or HUGE_VAL */
  bool is_watched;       /* the host has the descriptor: the poller's timer is for it */
  double armed;          /* what that is set to */
  size_t served;         /* sockets since timeouts were last looked at */
  struct poller_event events[BATCH];
  size_t event_count, next_event; /* of these: what a step leaves is the next one's */
  /* Every one that libcurl has open. libcurl does not report when it closes one that never
   * connected (a timeout, the slower of two address families), so some may be closed by now. */
  struct socket_list sockets;
  bool looks; /* at idle sockets before they are used again */
  struct http2 http2;
  bool has_leavers; /* entries that are done and not gone */
  CURL *idle_handles[MAX_IDLE_HANDLES];
  size_t idle_count;
};

/* --- libcurl's callbacks --------------------------------------------------------------------- */

static struct loop_entry *entry_of(CURL *easy) {
  char *private = NULL;
  curl_easy_getinfo(easy, CURLINFO_PRIVATE, &private);
  return (struct loop_entry *)(void *)private;
}

static int on_socket(CURL *easy, curl_socket_t socket, int what, void *userdata, void *unused) {
  struct loop *loop = userdata;
  (void)unused;
  bool readable = what == CURL_POLL_IN || what == CURL_POLL_INOUT;
  bool writable = what == CURL_POLL_OUT || what == CURL_POLL_INOUT;
  struct loop_entry *entry = readable || writable ? entry_of(easy) : NULL;
  if (entry) {
    entry->socket = (int)socket;
    socket_list_set_used(&loop->sockets, (int)socket);
  }
  return poller_watch(loop->poller, (int)socket, readable, writable) ? 0 : -1;
}

static int on_timer(CURLM *multi, long milliseconds, void *userdata) {
  struct loop *loop = userdata;
  (void)multi;
  loop->curl_deadline = milliseconds < 0 ? HUGE_VAL : clock_now() + (double)milliseconds / 1000;
  return 0;
}

static curl_socket_t on_open(void *userdata, curlsocktype purpose, struct curl_sockaddr *address) {
  struct loop *loop = userdata;
  (void)purpose;
  int type = address->socktype;
#ifdef SOCK_CLOEXEC
  type |= SOCK_CLOEXEC;
#endif
  int descriptor = socket(address->family, type, address->protocol);
  if (descriptor < 0)
    return CURL_SOCKET_BAD;
#ifndef SOCK_CLOEXEC
  fcntl(descriptor, F_SETFD, FD_CLOEXEC);
#endif
  if (!socket_list_add(&loop->sockets, descriptor)) {
    close(descriptor);
    return CURL_SOCKET_BAD;
  }
  return descriptor;
}

static int on_close(void *userdata, curl_socket_t socket) {
  struct loop *loop = userdata;
  poller_watch(loop->poller, (int)socket, false, false);
  socket_list_remove(&loop->sockets, (int)socket);
  return close((int)socket);
}

/* At most a day; -1 where there is no such time. */
static long milliseconds_until(double time, double now) {
  if (time == HUGE_VAL)
    return -1;
  double seconds = time - now;
  return seconds < 86400 ? (long)ceil(fmax(seconds, 0) * 1000) : 86400000;
}

static double next_deadline(const struct loop *loop) {
  return fmin(fmin(loop->curl_deadline, loop->entry_deadline), loop->alarm);
}

/* A timer that comes too soon costs an empty step; setting it anew for each request costs more. */
static void arm(struct loop *loop) {
  double deadline = next_deadline(loop);
  double now = clock_now();
  if (!loop->is_watched || (loop->armed > now && loop->armed <= deadline))
    return;
  poller_set_timer(loop->poller, milliseconds_until(deadline, now));
  loop->armed = deadline;
}

/* The ready list is read by a step alone. Makes one due at once, so that the host calls it. */
static void call_for_step(struct loop *loop) {
  if (loop->first_ready)
    loop->curl_deadline = clock_now();
}

/* --- opening, forking, closing --------------------------------------------------------------- */

struct loop *loop_new(void) {
  struct loop *loop = calloc(1, sizeof *loop);
  if (!loop)
    return NULL;
  loop->curl_deadline = loop->entry_deadline = loop->alarm = loop->armed = HUGE_VAL;
  return loop;
}

/* The loop knows an entry that is under way or ready, and no other. */
static void release(struct loop_entry *entry) {
  if (!entry->active && !entry->ready)
    entry->loop = NULL;
}

static void unlink_entry(struct loop *loop, struct loop_entry *entry) {
  if (entry->previous)
    entry->previous->next = entry->next;
  else
    loop->entries = entry->next;
  if (entry->next)
    entry->next->previous = entry->previous;
  entry->next = entry->previous = NULL;
  entry->active = false;
  loop->active--;
  release(entry);
}

static void unmark_ready(struct loop *loop, struct loop_entry *entry) {
  if (!entry->ready)
    return;
  struct loop_entry **link = &loop->first_ready;
  struct loop_entry *before = NULL;
  while (*link != entry) {
    before = *link;
    link = &before->next_ready;
  }
  *link = entry->next_ready;
  if (loop->last_ready == entry)
    loop->last_ready = before;
  entry->ready = false;
  entry->next_ready = NULL;
  release(entry);
}

/* An entry that ended leaves the multi handle at once, which closes or keeps its connection. What
 * libcurl holds back of a paused one is taken from it first: it would lose that memory (HTTP/2). */
static void detach(struct loop *loop, struct loop_entry *entry) {
  if (!entry->active)
    return;
  if (entry->is_http2 && entry->retires)
    http2_retire(&loop->http2, entry, loop->entries);
  sigpipe_block(&loop->guard);
  if (entry->paused)
    curl_easy_pause(entry->easy, CURLPAUSE_CONT);
  curl_multi_remove_handle(loop->multi, entry->easy);
  sigpipe_restore(&loop->guard);
  unlink_entry(loop, entry);
}

/* Without memory libcurl closes sockets without telling (it did not get to publish them). */
static void close_multi(struct loop *loop) {
  sigpipe_block(&loop->guard);
  curl_multi_cleanup(loop->multi);
  sigpipe_restore(&loop->guard);
  loop->multi = NULL;
  loop->event_count = loop->next_event = 0;
  while (loop->sockets.count > 0)
    poller_watch(loop->poller, loop->sockets.items[--loop->sockets.count].descriptor, false, false);
  loop->sockets.idle = 0;
}

/* In a forked child the multi handle, its easy handles and its resolver threads are the parent's:
 * using or freeing them could write to the parent's connections or wait for a thread that does
 * not exist here. They are given up; only the descriptors are closed. */
static void abandon_parent(struct loop *loop) {
  while (loop->entries) {
    struct loop_entry *entry = loop->entries;
    entry->easy = NULL;
    entry->callbacks->abandon(entry);
    unlink_entry(loop, entry);
  }
  socket_list_remove_closed(&loop->sockets);
  for (size_t i = 0; i < loop->sockets.count; i++)
    close(loop->sockets.items[i].descriptor);
  loop->sockets.count = loop->sockets.idle = 0;
  poller_free(loop->poller);
  loop->poller = NULL;
  loop->multi = NULL;
  loop->event_count = loop->next_event = 0;
  loop->curl_deadline = loop->entry_deadline = loop->armed = HUGE_VAL;
}

static void notice_fork(struct loop *loop) {
  if (loop->poller && loop->owner != getpid())
    abandon_parent(loop);
}

static bool open_loop(struct loop *loop) {
  notice_fork(loop);
  if (loop->multi)
    return true;
  if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
    return false;
  if (!loop->poller)
    loop->poller = poller_new();
  loop->multi = curl_multi_init();
  loop->owner = getpid();
  loop->looks = curl_version_info(CURLVERSION_NOW)->version_num < FIRST_TO_LOOK;
  if (loop->poller && loop->multi &&
      curl_multi_setopt(loop->multi, CURLMOPT_SOCKETFUNCTION, on_socket) == CURLM_OK &&
      curl_multi_setopt(loop->multi, CURLMOPT_SOCKETDATA, loop) == CURLM_OK &&
      curl_multi_setopt(loop->multi, CURLMOPT_TIMERFUNCTION, on_timer) == CURLM_OK &&
      curl_multi_setopt(loop->multi, CURLMOPT_TIMERDATA, loop) == CURLM_OK &&
      curl_multi_setopt(loop->multi, CURLMOPT_MAXCONNECTS, (long)MAX_IDLE_CONNECTIONS) ==
          CURLM_OK) {
    call_for_step(loop); /* for the parent's */
    arm(loop);
    return true;
  }
  poller_free(loop->poller);
  loop->poller = NULL;
  if (loop->multi)
    close_multi(loop);
  return false;
}

void loop_free(struct loop *loop) {
  if (!loop)
    return;
  notice_fork(loop);
  while (loop->entries)
    loop_remove(loop, loop->entries);
  while (loop->first_ready)
    unmark_ready(loop, loop->first_ready);
  if (loop->multi)
    close_multi(loop);
  while (loop->idle_count > 0)
    curl_easy_cleanup(loop_take_easy(loop));
  poller_free(loop->poller);
  socket_list_free(&loop->sockets);
  free(loop);
}

int loop_fd(struct loop *loop) {
  if (!open_loop(loop))
    return -1;
  loop->is_watched = true;
  arm(loop);
  return poller_fd(loop->poller);
}

/* --- working --------------------------------------------------------------------------------- */

static void note_deadline(struct loop *loop, const struct loop_entry *entry) {
  loop->entry_deadline = fmin(loop->entry_deadline, entry->callbacks->deadline(entry));
}

/* Timeouts only move away while bytes come, so the earliest that was noted is a lower bound. */
static void expire(struct loop *loop) {
  double now = clock_now();
  if (now < loop->entry_deadline)
    return;
  loop->entry_deadline = HUGE_VAL;
  for (struct loop_entry *entry = loop->entries, *next; entry; entry = next) {
    next = entry->next;
    if (entry->callbacks->deadline(entry) > now) {
      note_deadline(loop, entry);
      continue;
    }
    entry->callbacks->expire(entry);
    detach(loop, entry);
  }
}

/* Of HTTP/2, where something may well wait, libcurl has always read it before it goes on. */
static void note_idle(struct loop *loop, CURL *easy) {
  long version = 0;
  curl_socket_t socket = CURL_SOCKET_BAD;
  curl_easy_getinfo(easy, CURLINFO_HTTP_VERSION, &version);
  curl_easy_getinfo(easy, CURLINFO_ACTIVESOCKET, &socket);
  if (version < CURL_HTTP_VERSION_2_0 && socket != CURL_SOCKET_BAD)
    socket_list_set_idle(&loop->sockets, (int)socket);
}

/* libcurl tells which socket an entry uses after it has read from it. */
static int socket_of(struct loop *loop, struct loop_entry *entry) {
  if (entry->socket < 0 && entry->local_port > 0)
    entry->socket = socket_list_find(&loop->sockets, entry->local_port, entry->remote_port);
  return entry->socket;
}

static void collect_completions(struct loop *loop) {
  int left;
  CURLMsg *message;
  while ((message = curl_multi_info_read(loop->multi, &left))) {
    if (message->msg != CURLMSG_DONE)
      continue;
    struct loop_entry *entry = entry_of(message->easy_handle);
    if (loop->looks)
      note_idle(loop, message->easy_handle);
    CURLcode code = entry->callbacks->complete(entry, message->data.result);
    detach(loop, entry);
    if (entry->is_http2 && code != CURLE_OK && socket_of(loop, entry) >= 0)
      http2_suspect(entry, code, loop->entries);
  }
}

/* Whether no entry under way uses a socket: one that ended may have left it to the next already.
 */
static bool is_unused(void *context, int descriptor) {
  const struct loop *loop = context;
  for (const struct loop_entry *entry = loop->entries; entry; entry = entry->next)
    if (entry->socket == descriptor)
      return false;
  return true;
}

/* What waits on an idle connection is no answer to the next request: a refusal that came too late,
 * an answer nobody asked for, or the end. Before 8.0 libcurl takes all but the end of a plain
 * connection for the answer. Nobody can help what comes between this look and the request.
 * workaround: libcurl < 8.0 */
static void end_unclean(struct loop *loop) {
  if (loop->sockets.idle > 0)
    socket_list_end_unclean(&loop->sockets, is_unused, loop);
}

/* A multi handle that reports an error can do nothing more for its entries, and what it knows of
 * its sockets may be wrong (libcurl 7.88 then divides by zero). The next use makes a new one.
 * workaround: libcurl 7.88 */
static void give_up(struct loop *loop, CURLMcode code) {
  collect_completions(loop);
  while (loop->entries) {
    struct loop_entry *entry = loop->entries;
    entry->callbacks->complete(entry, code == CURLM_OUT_OF_MEMORY ? CURLE_OUT_OF_MEMORY
                                                                  : CURLE_FAILED_INIT);
    detach(loop, entry);
  }
  close_multi(loop);
  loop->curl_deadline = HUGE_VAL;
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
  for (struct loop_entry *entry = loop->entries, *next; entry; entry = next) {
    next = entry->next;
    if (entry->done)
      detach(loop, entry);
  }
}

static bool serve_sockets(struct loop *loop) {
  double until = clock_now() + LONGEST_STEP;
  while (loop->next_event < loop->event_count) {
    const struct poller_event *event = &loop->events[loop->next_event++];
    int what = (event->readable ? CURL_CSELECT_IN : 0) | (event->writable ? CURL_CSELECT_OUT : 0) |
               (event->failed ? CURL_CSELECT_ERR : 0);
    loop->served++;
    if (!perform(loop, event->socket, what))
      return false;
    if (clock_now() >= until)
      break;
  }
  return true;
}

static void work(struct loop *loop, bool with_sockets) {
  sigpipe_block(&loop->guard);
  bool works = !with_sockets || serve_sockets(loop);
  if (works && loop->curl_deadline <= clock_now()) {
    loop->curl_deadline = HUGE_VAL;
    works = perform(loop, CURL_SOCKET_TIMEOUT, 0);
  }
  /* of many streams, only the first hears of the end of their connection: workaround: libcurl < 8.1
   */
  while (works) {
    collect_completions(loop);
    int socket = http2_next_suspect(loop->entries);
    if (socket < 0)
      break;
    works = perform(loop, socket, CURL_CSELECT_IN);
  }
  if (loop->has_leavers)
    let_leave(loop);
  sigpipe_restore(&loop->guard);
}

bool loop_add(struct loop *loop, struct loop_entry *entry) {
  if (!open_loop(loop))
    return false;
  curl_easy_setopt(entry->easy, CURLOPT_PRIVATE, entry);
  curl_easy_setopt(entry->easy, CURLOPT_OPENSOCKETFUNCTION, on_open);
  curl_easy_setopt(entry->easy, CURLOPT_OPENSOCKETDATA, loop);
  curl_easy_setopt(entry->easy, CURLOPT_CLOSESOCKETFUNCTION, on_close);
  curl_easy_setopt(entry->easy, CURLOPT_CLOSESOCKETDATA, loop);
  entry->socket = -1;
  end_unclean(loop);
  http2_join(&loop->http2, entry);
  if (curl_multi_add_handle(loop->multi, entry->easy) != CURLM_OK)
    return false;
  entry->loop = loop;
  entry->active = true;
  entry->next = loop->entries;
  if (loop->entries)
    loop->entries->previous = entry;
  loop->entries = entry;
  loop->active++;
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

void loop_resume(struct loop *loop, struct loop_entry *entry) {
  notice_fork(loop);
  if (!entry->active)
    return;
  sigpipe_block(&loop->guard);
  CURLcode code = curl_easy_pause(entry->easy, CURLPAUSE_CONT);
  sigpipe_restore(&loop->guard);
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
  if (loop->next_event == loop->event_count) {
    double now = clock_now();
    double until = seconds < 0 ? HUGE_VAL : now + seconds;
    if (loop->first_ready)
      until = now;
    long milliseconds = milliseconds_until(fmin(until, next_deadline(loop)), now);
    loop->next_event = 0;
    loop->event_count = poller_wait(loop->poller, milliseconds, loop->events, BATCH);
  }
  bool has_work = loop->next_event < loop->event_count || loop->curl_deadline <= clock_now();
  if (has_work)
    work(loop, true);
  /* bytes may wait on a socket that has not had its turn yet (one place may go to the timer) */
  if (loop->next_event == loop->event_count &&
      (loop->event_count < BATCH - 1 || loop->served >= loop->sockets.count)) {
    loop->served = 0;
    expire(loop);
  }
  arm(loop);
  return has_work;
}

bool loop_set_alarm(struct loop *loop, double time) {
  if (time == loop->alarm)
    return true;
  if (!open_loop(loop))
    return false;
  loop->alarm = time;
  arm(loop);
  return true;
}

size_t loop_active(const struct loop *loop) {
  return loop->active;
}

size_t loop_connections(struct loop *loop) {
  notice_fork(loop);
  socket_list_remove_closed(&loop->sockets);
  return loop->sockets.count;
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
  if (socket_of(loop, entry) >= 0)
    socket_end(entry->socket);
  return false;
}

/* --- handles between two entries ------------------------------------------------------------- */

CURL *loop_take_easy(struct loop *loop) {
  return loop->idle_count > 0 ? loop->idle_handles[--loop->idle_count] : NULL;
}

/* From 7.83 to 8.0 libcurl reads what it has freed where a handle's second answer begins with a
 * header line that goes on with the one before (curl's pull request 11103).
 * workaround: libcurl 7.83 to 8.0 */
static bool can_be_used_again(void) {
  unsigned version = curl_version_info(CURLVERSION_NOW)->version_num;
  return version < FIRST_TO_DANGLE || version >= FIRST_WITHOUT_DANGLING;
}

void loop_give_easy(struct loop *loop, CURL *easy) {
  if (loop->idle_count < MAX_IDLE_HANDLES && can_be_used_again())
    loop->idle_handles[loop->idle_count++] = easy;
  else
    curl_easy_cleanup(easy);
}

/* --- the ready list -------------------------------------------------------------------------- */

void loop_mark_ready(struct loop *loop, struct loop_entry *entry) {
  if (entry->ready)
    return;
  entry->ready = true;
  if (loop->last_ready)
    loop->last_ready->next_ready = entry;
  else
    loop->first_ready = entry;
  loop->last_ready = entry;
}

/* The reader may have taken the news already. */
struct loop_entry *loop_next_ready(struct loop *loop) {
  struct loop_entry *entry;
  while ((entry = loop->first_ready)) {
    unmark_ready(loop, entry);
    if (entry->news)
      break;
  }
  return entry;
}
