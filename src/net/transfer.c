#define _POSIX_C_SOURCE 200809L
#include "net/transfer.h"

#include "net/content_encoding.h"
#include "net/loop.h"
#include "net/multipart.h"
#include "util/clock.h"
#include "util/sink.h"

#include <curl/mprintf.h>
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
  MAX_HEADER_BYTES = 256 * 1024, /* of one response; libcurl's own limit is above it */
  KEEP_ALIVE_SECONDS = 60,
  SILENCE = 5 /* seconds without a byte, after which a cancelled stream (HTTP/2) tells of a dead
                 connection */
};

static void tell(struct transfer *transfer) {
  transfer->entry.news = true;
  if (transfer->entry.loop)
    loop_mark_ready(transfer->entry.loop, &transfer->entry);
}

static void note_deadline(struct transfer *transfer) {
  if (transfer->entry.active)
    loop_note_deadline(transfer->entry.loop, &transfer->entry);
}

/* --- libcurl's callbacks: they append, count and set flags ----------------------------------- */

static bool is_status_line(const char *line, size_t length) {
  return length > 5 && memcmp(line, "HTTP/", 5) == 0;
}

static bool is_blank(const char *line, size_t length) {
  return length > 0 && (line[0] == '\r' || line[0] == '\n');
}

/* libcurl fails where it is to undo an encoding that it does not know. Where no word that is named
 * is an encoding, the content is as it is, and it need not undo any. (From 8.5 on it decides that
 * before it shows the line, and fails all the same.) */
static void set_encoding(struct transfer *transfer, unsigned encoding) {
  if (encoding == transfer->encoding)
    return;
  transfer->encoding = encoding;
  curl_easy_setopt(transfer->entry.easy, CURLOPT_HTTP_CONTENT_DECODING,
                   encoding == ENCODING_UNKNOWN ? 0L : 1L);
}

static bool goes_to_sink(const struct transfer *transfer) {
  return transfer->sink && transfer->status / 100 == 2;
}

/* Counts what is no header of the final response. False where that is too much. */
static bool count_other_headers(struct transfer *transfer, size_t length) {
  transfer->other_headers += length;
  if (transfer->other_headers <= MAX_HEADER_BYTES)
    return true;
  transfer_finish(transfer, TRANSFER_LARGE_HEADERS);
  return false;
}

/* libcurl passes whole lines, also those of interim (1xx) responses; a status line begins anew. */
static size_t on_header(char *line, size_t size, size_t count, void *userdata) {
  struct transfer *transfer = userdata;
  size_t length = size * count;
  if (transfer->status) /* trailers */
    return count_other_headers(transfer, length) ? length : 0;
  unsigned encoding = content_encoding_read(line, length);
  if (is_status_line(line, length)) {
    if (!count_other_headers(transfer, transfer->response_headers.length))
      return 0;
    buffer_clear(&transfer->response_headers);
    set_encoding(transfer, 0);
  }
  if (encoding)
    set_encoding(transfer, transfer->encoding | encoding);
  if (length > MAX_HEADER_BYTES - transfer->response_headers.length) {
    transfer_finish(transfer, TRANSFER_LARGE_HEADERS);
    return 0;
  }
  if (!buffer_append(&transfer->response_headers, line, length)) {
    transfer_finish(transfer, TRANSFER_NO_MEMORY);
    return 0;
  }
  long status = 0;
  if (!is_blank(line, length))
    return length;
  curl_easy_getinfo(transfer->entry.easy, CURLINFO_RESPONSE_CODE, &status);
  if (status >= 200) {
    transfer->status = status;
    transfer->last_byte = clock_now();
    note_deadline(transfer); /* of the idle timeout, which begins here */
    tell(transfer);
  }
  if (goes_to_sink(transfer) && transfer->encoding & ENCODING_KNOWN) {
    snprintf(transfer->message, sizeof transfer->message, "a file is not written from it");
    transfer_finish(transfer, TRANSFER_ENCODING);
    return 0;
  }
  return length;
}

/* Decides where the body goes, when its first bytes are there. Where a length is announced, libcurl
 * takes no more than that. */
static void begin_body(struct transfer *transfer) {
  curl_off_t announced = -1;
  curl_easy_getinfo(transfer->entry.easy, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &announced);
  transfer->has_body = true;
  transfer->body.is_announced = announced >= 0;
  transfer->body.is_encoded = transfer->encoding & ENCODING_KNOWN;
  transfer->body.sink = goes_to_sink(transfer) ? transfer->sink : NULL;
}

/* Bytes of an encoded body that came over the wire so far. */
static int64_t taken_of(const struct transfer *transfer) {
  curl_off_t taken = 0;
  if (transfer->body.is_encoded)
    curl_easy_getinfo(transfer->entry.easy, CURLINFO_SIZE_DOWNLOAD_T, &taken);
  return taken;
}

static void fail_by_body(struct transfer *transfer, enum body_result result) {
  static const enum transfer_failure failures[] = {
      [BODY_TOO_LARGE] = TRANSFER_TOO_LARGE,
      [BODY_LARGE_DOWNLOAD] = TRANSFER_LARGE_DOWNLOAD,
      [BODY_NO_MEMORY] = TRANSFER_NO_MEMORY,
  };
  if (result == BODY_NOT_WRITTEN)
    transfer_fail_file(transfer, "write", transfer->sink->path, transfer->body.problem);
  else
    transfer_finish(transfer, failures[result]);
}

static size_t on_body(char *bytes, size_t size, size_t count, void *userdata) {
  struct transfer *transfer = userdata;
  struct body *body = &transfer->body;
  size_t length = size * count;
  if (transfer->entry.done) /* nobody reads it any more */
    return length;
  transfer->last_byte = clock_now();
  if (!transfer->has_body)
    begin_body(transfer);
  if (transfer->lent || !body_has_room(body, taken_of(transfer))) {
    transfer->entry.paused = true;
    transfer->held = transfer->lent > 0;
    return CURL_WRITEFUNC_PAUSE;
  }
  enum body_result result =
      body_write(body, transfer->last_byte - transfer->started, bytes, length);
  if (result != BODY_TAKEN) {
    fail_by_body(transfer, result);
    return 0;
  }
  if (!body->sink)
    tell(transfer);
  return length;
}

#if LIBCURL_VERSION_NUM >= 0x075000
/* Called before each time that the request is sent. libcurl sends it again where a connection that
 * it kept ends without an answer, and where a server refuses a stream. */
static int before_sending(void *userdata, char *remote, char *local, int remote_port,
                          int local_port) {
  struct transfer *transfer = userdata;
  (void)remote;
  (void)local;
  transfer->entry.remote_port = remote_port;
  transfer->entry.local_port = local_port;
  transfer->held_back = transfer->is_sent;
  transfer->is_sent = true;
  return transfer->held_back ? CURL_PREREQFUNC_ABORT : CURL_PREREQFUNC_OK;
}
#endif

static bool begins_with(const char *text, size_t length, const char *words) {
  return length >= strlen(words) && memcmp(text, words, strlen(words)) == 0;
}

static bool ends_with(const char *text, size_t length, const char *words) {
  size_t count = strlen(words);
  return length >= count && memcmp(text + length - count, words, count) == 0;
}

/* By HTTP/2 libcurl reads on while a transfer is paused, for the others of its connection, and
 * keeps what comes of it: as much as the window lets a server send (32 MiB before 8.1, then 10
 * MiB). */
static void note_bytes(struct transfer *transfer, curl_infotype type, const char *bytes,
                       size_t length) {
  if (!transfer->entry.active || transfer->entry.done)
    return;
  if (!loop_note_log(transfer->entry.loop, &transfer->entry, type, bytes, length))
    transfer_finish(transfer, TRANSFER_FLOODED);
  else if (transfer->entry.paused && type == CURLINFO_DATA_IN) {
    transfer->waiting += length;
    if (transfer->waiting + transfer->body.bytes.length > transfer->body.max_bytes) {
      transfer_finish(transfer, TRANSFER_TOO_LARGE);
      loop_leave(transfer->entry.loop);
    }
  }
}

/* What a server says of a request by HTTP/2 stands in libcurl's log alone: that it refused the
 * stream (which libcurl does not say where others had used the connection before), that it ends the
 * connection and has processed nothing of it, or that it wants HTTP/1.1. */
static int on_log(CURL *easy, curl_infotype type, char *text, size_t length, void *userdata) {
  struct transfer *transfer = userdata;
  (void)easy;
  if (type != CURLINFO_TEXT) {
    note_bytes(transfer, type, text, length);
    return 0;
  }
  bool is_away = begins_with(text, length, "recveived GOAWAY") || /* before 8.1 */
                 begins_with(text, length, "received GOAWAY");
  if (begins_with(text, length, "REFUSED_STREAM") ||
      (is_away && ends_with(text, length, ", last_stream=0\n")))
    transfer->is_refused = true;
  else if (begins_with(text, length, "Downgrades to HTTP/1.1"))
    transfer->downgrades = true;
  return 0;
}

/* Whether a file that is sent could not be read. */
static bool fail_by_part(struct transfer *transfer) {
  const char *path;
  const char *problem = multipart_problem(transfer->multipart, &path);
  if (problem)
    transfer_fail_file(transfer, "read", path, problem);
  return problem != NULL;
}

static void on_part(void *context) {
  struct transfer *transfer = context;
  if (fail_by_part(transfer))
    return;
  transfer->last_sent = transfer->last_byte = clock_now();
  note_deadline(transfer);
}

/* --- the end --------------------------------------------------------------------------------- */

void transfer_finish(struct transfer *transfer, enum transfer_failure failure) {
  if (transfer->entry.done)
    return;
  transfer->entry.done = true;
  transfer->failure = failure;
  tell(transfer);
}

void transfer_fail_file(struct transfer *transfer, const char *verb, const char *path,
                        const char *problem) {
  snprintf(transfer->message, sizeof transfer->message, "cannot %s %.400s: %s", verb,
           path ? path : "a file", problem);
  transfer_finish(transfer, TRANSFER_FILE);
}

/* Whether libcurl gets as much memory as the headers may take, asked after it went without some. */
static bool has_memory(void) {
  char *text = curl_maprintf("%*s", MAX_HEADER_BYTES, "");
  curl_free(text);
  return text != NULL;
}

/* From 8.6 on libcurl tells of a line of the headers that is above its limit (100 KiB). Before,
 * that was a line that it had no memory for, and what comes of the line is not shown to anyone:
 * then it was too large where memory is to be had. */
static bool has_large_header(const struct transfer *transfer, CURLcode code) {
  enum { TOO_LARGE = 100, FIRST_TO_TELL = 0x080600 };
  curl_off_t first_byte = 0;
  curl_easy_getinfo(transfer->entry.easy, CURLINFO_STARTTRANSFER_TIME_T, &first_byte);
  if (transfer->status || first_byte == 0)
    return false;
  return (int)code == TOO_LARGE ||
         (code == CURLE_OUT_OF_MEMORY &&
          curl_version_info(CURLVERSION_NOW)->version_num < FIRST_TO_TELL && has_memory());
}

bool transfer_is_unprocessed(const struct transfer *transfer) {
  if (transfer->is_refused && !transfer->status)
    return true;
  if (transfer->is_counted)
    return !transfer->is_sent;
  return transfer->failure == TRANSFER_CONNECT_TIMEOUT ||
         transfer->code == CURLE_COULDNT_RESOLVE_PROXY ||
         transfer->code == CURLE_COULDNT_RESOLVE_HOST || transfer->code == CURLE_COULDNT_CONNECT;
}

/* Whether a proxy refused in a way that will not be different next time. A proxy that is too busy,
 * or does not reach the server, may do so later. */
static bool is_refused_by_proxy(const struct transfer *transfer, CURLcode code) {
  long status = 0;
  curl_easy_getinfo(transfer->entry.easy, CURLINFO_HTTP_CONNECTCODE, &status);
  if (code != CURLE_OK && status / 100 == 4)
    return status != 408 && status != 425 && status != 429;
#if LIBCURL_VERSION_NUM >= 0x074900
  static const CURLproxycode refusals[] = {
      CURLPX_IDENTD,         CURLPX_IDENTD_DIFFER,     CURLPX_NO_AUTH,
      CURLPX_REQUEST_FAILED, CURLPX_REPLY_NOT_ALLOWED, CURLPX_USER_REJECTED,
      CURLPX_LONG_USER,      CURLPX_LONG_PASSWD,       CURLPX_REPLY_COMMAND_NOT_SUPPORTED,
  };
  long reason = CURLPX_OK;
  if (code != CURLE_PROXY ||
      curl_easy_getinfo(transfer->entry.easy, CURLINFO_PROXY_ERROR, &reason) != CURLE_OK)
    return false;
  for (size_t i = 0; i < sizeof refusals / sizeof *refusals; i++)
    if (refusals[i] == (CURLproxycode)reason)
      return true;
#endif
  return false;
}

/* Ends the transfer with what libcurl made of it. */
static void finish_with(struct transfer *transfer, CURLcode code) {
  static const struct {
    CURLcode code;
    enum transfer_failure failure;
  } failures[] = {
      {CURLE_PARTIAL_FILE, TRANSFER_TRUNCATED},
      {CURLE_OUT_OF_MEMORY, TRANSFER_NO_MEMORY},
      /* the one timeout that is left to libcurl */
      {CURLE_OPERATION_TIMEDOUT, TRANSFER_CONNECT_TIMEOUT},
  };
  if (transfer->entry.done)
    return;
  transfer->code = code;
  if (code == CURLE_OK) {
    /* libcurl calls an answer that broke off inside its headers a success */
    transfer_finish(transfer, transfer->status ? TRANSFER_OK : TRANSFER_TRUNCATED);
    return;
  }
  /* a multipart body that was sent in part cannot be rewound */
  bool is_repeated = transfer->held_back || code == CURLE_SEND_FAIL_REWIND;
  if (is_repeated)
    transfer->code = CURLE_GOT_NOTHING; /* what it would be if libcurl did not try again */
  if (transfer->is_refused && !transfer->status) {
    transfer_finish(transfer, TRANSFER_REFUSED);
    return;
  }
  if (is_repeated) {
    transfer_finish(transfer, transfer->downgrades ? TRANSFER_DOWNGRADED : TRANSFER_LOST);
    return;
  }
  if (has_large_header(transfer, code)) {
    transfer_finish(transfer, TRANSFER_LARGE_HEADERS);
    return;
  }
  snprintf(transfer->message, sizeof transfer->message, "%s",
           transfer->curl_message[0] ? transfer->curl_message : curl_easy_strerror(code));
  /* libcurl has a limit of its own for what it unpacks while the transfer is paused */
  if (code == CURLE_OUT_OF_MEMORY && transfer->encoding & ENCODING_KNOWN && has_memory()) {
    transfer_finish(transfer, TRANSFER_TOO_LARGE);
    return;
  }
  if (code == CURLE_BAD_CONTENT_ENCODING && !transfer->has_body) { /* else it broke on the way */
    transfer_finish(transfer, TRANSFER_ENCODING);
    return;
  }
  if (is_refused_by_proxy(transfer, code)) {
    transfer_finish(transfer, TRANSFER_PROXY);
    return;
  }
  for (size_t i = 0; i < sizeof failures / sizeof *failures; i++)
    if (failures[i].code == code) {
      transfer_finish(transfer, failures[i].failure);
      return;
    }
  transfer_finish(transfer, TRANSFER_CONNECTION);
}

/* When the first of its timeouts will run out, and which. */
static double first_timeout(const struct transfer *transfer, enum transfer_failure *failure) {
  double deadline = HUGE_VAL;
  bool is_sending = transfer->last_sent > 0 && multipart_unsent(transfer->multipart) > 0;
  *failure = TRANSFER_OK;
#define CONSIDER(applies, seconds, since, name)                                                    \
  if ((applies) && (seconds) > 0 && (since) + (seconds) < deadline) {                              \
    deadline = (since) + (seconds);                                                                \
    *failure = (name);                                                                             \
  }
  CONSIDER(true, transfer->total_timeout, transfer->started, TRANSFER_TOTAL_TIMEOUT)
  CONSIDER(!transfer->status, transfer->first_byte_timeout,
           fmax(transfer->started, transfer->last_sent), TRANSFER_FIRST_BYTE_TIMEOUT)
  CONSIDER((transfer->status || is_sending) && !transfer->entry.paused, transfer->idle_timeout,
           transfer->last_byte, TRANSFER_IDLE_TIMEOUT)
#undef CONSIDER
  return deadline;
}

/* --- what the loop is told ------------------------------------------------------------------- */

static double deadline(const struct loop_entry *entry) {
  enum transfer_failure failure;
  return first_timeout((const struct transfer *)entry, &failure);
}

/* The connection may be dead. */
static void expire(struct loop_entry *entry) {
  enum transfer_failure failure;
  entry->retires = !entry->done;
  first_timeout((const struct transfer *)entry, &failure);
  transfer_finish((struct transfer *)entry, failure);
}

static CURLcode complete(struct loop_entry *entry, CURLcode code) {
  struct transfer *transfer = (struct transfer *)entry;
  finish_with(transfer, code);
  return transfer->code;
}

static bool is_silent(const struct transfer *transfer) {
  return !transfer->entry.paused && clock_now() - transfer->last_byte >= SILENCE;
}

static void cancel(struct loop_entry *entry) {
  struct transfer *transfer = (struct transfer *)entry;
  entry->retires = !entry->done && (transfer->is_doubted || is_silent(transfer));
  transfer_finish(transfer, TRANSFER_CANCELLED);
}

static void abandon(struct loop_entry *entry) {
  struct transfer *transfer = (struct transfer *)entry;
  transfer->headers = NULL;
  transfer_finish(transfer, TRANSFER_CANCELLED);
}

static const struct loop_callbacks callbacks = {deadline, expire, complete, cancel, abandon};

/* --- set-up ---------------------------------------------------------------------------------- */

/* For libcurl 0 would mean its own default; here it means none. */
static long milliseconds(double seconds) {
  double value = ceil(seconds * 1000);
  return value > 0 && value < 2147483647.0 ? (long)value : 2147483647L;
}

/* A libcurl that cannot speak TLS to a proxy has no such options. */
static CURLcode of_proxy(CURLcode code) {
  return code == CURLE_UNKNOWN_OPTION || code == CURLE_NOT_BUILT_IN ? CURLE_OK : code;
}

static CURLcode set_protocols(CURL *easy) {
#if LIBCURL_VERSION_NUM >= 0x075500
  return curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
#else
  return curl_easy_setopt(easy, CURLOPT_PROTOCOLS, (long)(CURLPROTO_HTTP | CURLPROTO_HTTPS));
#endif
}

/* A transfer that ends while its host's name is looked up must not wait for the resolver: what is
 * left of that goes on in a thread of its own, and is then freed there. (lua/core.c sees to it that
 * the thread's code stays loaded.) */
static CURLcode leave_resolver(CURL *easy) {
#if LIBCURL_VERSION_NUM >= 0x075700
  return curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L);
#else
  (void)easy;
  return CURLE_OK;
#endif
}

#define SET(call)                                                                                  \
  if (code == CURLE_OK)                                                                            \
  code = (call)

/* Reading a file of authorities takes longer than a frame of a game. libcurl keeps what it has read
 * for later connections, but only where it is given no directory as well, and some builds have both
 * by default. So it gets what the caller named; else its own file; else its own directory. */
static CURLcode set_authorities(CURL *easy, const char *file, const char *directory) {
  CURLcode code = CURLE_OK;
  SET(curl_easy_setopt(easy, CURLOPT_CAINFO, file));
  SET(curl_easy_setopt(easy, CURLOPT_CAPATH, directory));
  return code;
}

static CURLcode set_default_authorities(CURL *easy) {
#if LIBCURL_VERSION_NUM >= 0x075400
  const char *file = NULL, *directory = NULL;
  CURLcode code = curl_easy_getinfo(easy, CURLINFO_CAINFO, &file);
  SET(curl_easy_getinfo(easy, CURLINFO_CAPATH, &directory));
  SET(set_authorities(easy, file, file ? NULL : directory));
  return code;
#else
  const curl_version_info_data *info = curl_version_info(CURLVERSION_NOW);
  return set_authorities(easy, info->cainfo, info->cainfo ? NULL : info->capath);
#endif
}

/* What all transfers have in common. */
static CURLcode set_up(CURL *easy) {
  CURLcode code = CURLE_OK;
  SET(set_default_authorities(easy));
  SET(set_protocols(easy));
  SET(leave_resolver(easy));
  SET(curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_header));
  SET(curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body));
  SET(curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L));
  SET(curl_easy_setopt(easy, CURLOPT_ACCEPT_ENCODING, "")); /* all that libcurl knows */
  SET(curl_easy_setopt(easy, CURLOPT_TCP_KEEPALIVE, 1L));
  SET(curl_easy_setopt(easy, CURLOPT_TCP_KEEPIDLE, (long)KEEP_ALIVE_SECONDS));
  SET(curl_easy_setopt(easy, CURLOPT_TCP_KEEPINTVL, (long)KEEP_ALIVE_SECONDS));
  SET(curl_easy_setopt(easy, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L));
  SET(curl_easy_setopt(easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2));
  SET(of_proxy(curl_easy_setopt(easy, CURLOPT_PROXY_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2)));
  return code;
}

/* What only some have. */
static CURLcode set_route(CURL *easy, const struct transfer_options *options) {
  CURLcode code = CURLE_OK;
  if (options->proxy)
    SET(curl_easy_setopt(easy, CURLOPT_PROXY, options->proxy));
  if (options->ca_file || options->ca_path)
    SET(set_authorities(easy, options->ca_file, options->ca_path));
  if (options->ca_file)
    SET(of_proxy(curl_easy_setopt(easy, CURLOPT_PROXY_CAINFO, options->ca_file)));
  if (options->ca_path)
    SET(of_proxy(curl_easy_setopt(easy, CURLOPT_PROXY_CAPATH, options->ca_path)));
  if (options->certificate_file)
    SET(curl_easy_setopt(easy, CURLOPT_SSLCERT, options->certificate_file));
  if (options->key_file)
    SET(curl_easy_setopt(easy, CURLOPT_SSLKEY, options->key_file));
  if (options->unix_socket)
    SET(curl_easy_setopt(easy, CURLOPT_UNIX_SOCKET_PATH, options->unix_socket));
  if (options->insecure) {
    SET(curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 0L));
    SET(curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 0L));
    SET(of_proxy(curl_easy_setopt(easy, CURLOPT_PROXY_SSL_VERIFYPEER, 0L)));
    SET(of_proxy(curl_easy_setopt(easy, CURLOPT_PROXY_SSL_VERIFYHOST, 0L)));
  }
  return code;
}

static CURLcode set_method(CURL *easy, const struct transfer_options *options) {
  if (strcmp(options->method, "HEAD") == 0)
    return curl_easy_setopt(easy, CURLOPT_NOBODY, 1L);
  CURLcode code = curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, options->method);
  if (code != CURLE_OK || !options->body)
    return code;
  code = curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)options->body_length);
  return code != CURLE_OK ? code : curl_easy_setopt(easy, CURLOPT_POSTFIELDS, options->body);
}

/* Has libcurl tell before it sends. One that cannot sends twice on connections that it kept alone.
 */
static CURLcode set_sending(struct transfer *transfer, const struct transfer_options *options) {
  CURL *easy = transfer->entry.easy;
  CURLcode code = CURLE_OK;
#if LIBCURL_VERSION_NUM >= 0x075000
  transfer->is_counted =
      curl_easy_setopt(easy, CURLOPT_PREREQFUNCTION, before_sending) == CURLE_OK &&
      curl_easy_setopt(easy, CURLOPT_PREREQDATA, transfer) == CURLE_OK;
#endif
  if (options->fresh || (options->once && !transfer->is_counted))
    SET(curl_easy_setopt(easy, CURLOPT_FRESH_CONNECT, 1L));
  if (options->max_idle > 0) /* libcurl counts whole seconds, and compares with "more than" */
    SET(curl_easy_setopt(easy, CURLOPT_MAXAGE_CONN, options->max_idle - 1));
  if (options->http2) {
    SET(curl_easy_setopt(easy, CURLOPT_DEBUGFUNCTION, on_log));
    SET(curl_easy_setopt(easy, CURLOPT_DEBUGDATA, transfer));
    SET(curl_easy_setopt(easy, CURLOPT_VERBOSE, 1L));
  }
  return code;
}

/* Whether the host of a URL is an address that is followed by an interface: [fe80::1%25eth0]. */
static bool has_zone(const char *url) {
  const char *host = strstr(url, "://[");
  const char *zone = host ? strchr(host, '%') : NULL;
  return zone && memchr(host, ']', (size_t)(zone - host)) == NULL;
}

/* What each has. */
static CURLcode set_request(struct transfer *transfer, const struct transfer_options *options) {
  CURL *easy = transfer->entry.easy;
  CURLcode code = CURLE_OK;
  transfer->entry.is_http2 = options->http2;
  transfer->entry.has_zone = has_zone(options->url);
  SET(curl_easy_setopt(easy, CURLOPT_URL, options->url));
  SET(set_method(easy, options));
  SET(curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, transfer->curl_message));
  SET(curl_easy_setopt(easy, CURLOPT_HEADERDATA, transfer));
  SET(curl_easy_setopt(easy, CURLOPT_WRITEDATA, transfer));
  SET(curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, milliseconds(options->connect_timeout)));
  SET(curl_easy_setopt(easy, CURLOPT_HTTP_VERSION,
                       (long)(options->http2 ? CURL_HTTP_VERSION_2TLS : CURL_HTTP_VERSION_1_1)));
  SET(curl_easy_setopt(easy, CURLOPT_PIPEWAIT, options->http2 ? 1L : 0L));
  return code;
}

#undef SET

/* Takes a handle that has been used before, or makes one. */
static CURLcode take_easy(struct transfer *transfer, struct loop *loop) {
  transfer->entry.easy = loop ? loop_take_easy(loop) : NULL;
  if (!transfer->entry.easy)
    transfer->entry.easy = curl_easy_init();
  return transfer->entry.easy ? set_up(transfer->entry.easy) : CURLE_OUT_OF_MEMORY;
}

struct transfer *transfer_new(struct loop *loop, const struct transfer_options *options,
                              CURLcode *code) {
  struct transfer *transfer = calloc(1, sizeof *transfer);
  *code = CURLE_OUT_OF_MEMORY;
  if (!transfer)
    return NULL;
  transfer->entry.callbacks = &callbacks;
  body_demand(&transfer->body);
  transfer->body.max_bytes = options->max_body_bytes;
  transfer->body.max_sink_bytes = options->max_download_bytes;
  transfer->body.is_recorded = options->record;
  transfer->sink = options->sink;
  transfer->first_byte_timeout = options->first_byte_timeout;
  transfer->idle_timeout = options->idle_timeout;
  transfer->total_timeout = options->total_timeout;
  *code = take_easy(transfer, loop);
  if (*code == CURLE_OK)
    *code = set_request(transfer, options);
  if (*code == CURLE_OK)
    *code = set_sending(transfer, options);
  if (*code == CURLE_OK)
    *code = set_route(transfer->entry.easy, options);
  if (*code != CURLE_OK)
    goto fail;
  /* libcurl would ask a server whether it may send a large body, and wait up to a second; what
   * comes compressed is unpacked, but not asked for: it makes a stream's events late */
  if (transfer_add_header(transfer, "Expect:") && transfer_add_header(transfer, "Accept-Encoding:"))
    return transfer;
  *code = CURLE_OUT_OF_MEMORY;
fail:
  transfer_free(transfer);
  return NULL;
}

bool transfer_add_header(struct transfer *transfer, const char *line) {
  struct curl_slist *headers = curl_slist_append(transfer->headers, line);
  if (!headers)
    return false;
  bool is_first = !transfer->headers; /* which stays the list's head */
  transfer->headers = headers;
  return !is_first ||
         curl_easy_setopt(transfer->entry.easy, CURLOPT_HTTPHEADER, headers) == CURLE_OK;
}

bool transfer_add_file(struct transfer *transfer, const char *path) {
  transfer->multipart = multipart_of_file(transfer->entry.easy, path, on_part, transfer);
  return transfer->multipart && !fail_by_part(transfer);
}

bool transfer_begin_parts(struct transfer *transfer, size_t count) {
  transfer->multipart = multipart_new(transfer->entry.easy, count, on_part, transfer);
  return transfer->multipart != NULL;
}

bool transfer_add_part(struct transfer *transfer, const struct part *part) {
  if (multipart_add(transfer->multipart, part))
    return true;
  fail_by_part(transfer);
  return false;
}

bool transfer_start(struct transfer *transfer, struct loop *loop) {
  transfer->started = transfer->last_byte = clock_now();
  return loop_add(loop, &transfer->entry);
}

void transfer_free(struct transfer *transfer) {
  if (!transfer)
    return;
  if (transfer->entry.loop)
    loop_remove(transfer->entry.loop, &transfer->entry);
  curl_easy_cleanup(transfer->entry.easy);
  curl_slist_free_all(transfer->headers);
  multipart_free(transfer->multipart);
  buffer_free(&transfer->response_headers);
  body_free(&transfer->body);
  free(transfer);
}

void transfer_close(struct transfer *transfer, struct loop *loop) {
  if (!transfer)
    return;
  bool is_over =
      transfer->entry.done && transfer->failure == TRANSFER_OK && !transfer->entry.active;
  if (loop && is_over && transfer->entry.easy && !transfer->multipart) {
    curl_easy_reset(transfer->entry.easy);
    loop_give_easy(loop, transfer->entry.easy);
    transfer->entry.easy = NULL;
  }
  transfer_free(transfer);
}

/* --- reading --------------------------------------------------------------------------------- */

/* libcurl may call on_body from here. */
static bool resume(struct transfer *transfer) {
  if (!transfer->entry.paused || !transfer->entry.active)
    return false;
  size_t before = transfer->body.bytes.length;
  transfer->entry.paused = false;
  transfer->waiting = 0;
  transfer->last_byte = clock_now();
  loop_resume(transfer->entry.loop, &transfer->entry);
  return transfer->body.bytes.length > before;
}

bool transfer_demand(struct transfer *transfer) {
  body_demand(&transfer->body);
  return resume(transfer);
}

void transfer_collect(struct transfer *transfer) {
  if (transfer->body.is_whole)
    return;
  if (!body_collect(&transfer->body))
    transfer_refuse(transfer, TRANSFER_TOO_LARGE);
  resume(transfer);
}

void transfer_refuse(struct transfer *transfer, enum transfer_failure failure) {
  transfer_finish(transfer, failure);
  if (transfer->failure == TRANSFER_OK) { /* a success is one no more */
    transfer->failure = failure;
    tell(transfer);
  }
  if (transfer->entry.loop)
    loop_remove(transfer->entry.loop, &transfer->entry);
}

void transfer_lend(struct transfer *transfer) {
  transfer->lent++;
  buffer_lend(&transfer->response_headers);
  body_lend(&transfer->body);
}

void transfer_take_back(struct transfer *transfer) {
  transfer->lent--;
  buffer_take_back(&transfer->response_headers);
  body_take_back(&transfer->body);
  if (!transfer->held || transfer->lent > 0)
    return;
  transfer->held = false;
  resume(transfer);
}

void transfer_limit(struct transfer *transfer, double seconds) {
  transfer->total_timeout = fmax(clock_now() - transfer->started + seconds, DBL_MIN);
  note_deadline(transfer);
}
