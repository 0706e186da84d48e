#include "net/http2.h"

#include "net/loop_entry.h"

enum {
  FIRST_SCOPE = 1 << 30,     /* no interface has this number */
  MAX_IDLE_BYTES = 16 << 20, /* of one step */
  LOOKS = 3,
  RECORD_HEADER = 5 /* its length; its last two bytes are the length of what follows */
};

/* libcurl has no option for "not this connection", nor for "none that speaks HTTP/1.1". But it
 * shares no connection between two address scopes, and systems use the scope of link-local
 * addresses only. Such an address in a URL brings its own scope, which has to stay. */
void http2_join(const struct http2 *http2, struct loop_entry *entry) {
  entry->generation = http2->generation;
  if (!entry->is_http2)
    return;
  if (!entry->has_zone)
    curl_easy_setopt(entry->easy, CURLOPT_ADDRESS_SCOPE,
                     (long)FIRST_SCOPE + (long)(http2->generation % FIRST_SCOPE));
  else if (http2->generation > 0)
    curl_easy_setopt(entry->easy, CURLOPT_FRESH_CONNECT, 1L);
}

/* If several entries of one connection time out, the first makes the new generation. */
void http2_retire(struct http2 *http2, const struct loop_entry *entry, struct loop_entry *entries) {
  if (entry->generation == http2->generation)
    http2->generation++;
  for (struct loop_entry *each = entries; each; each = each->next)
    if (each->is_http2 && each->generation == entry->generation)
      curl_easy_setopt(each->easy, CURLOPT_FORBID_REUSE, 1L);
}

/* A look at the socket ends at the first entry for which there is something: a head or a body that
 * was read already, or the end. So each entry gets three looks. */
void http2_suspect(struct http2 *http2, const struct loop_entry *ended, CURLcode code,
                   struct loop_entry *entries) {
  static const CURLcode ends[] = {CURLE_PARTIAL_FILE, CURLE_RECV_ERROR, CURLE_SEND_ERROR,
                                  CURLE_HTTP2, CURLE_GOT_NOTHING};
  bool is_over = false;
  for (size_t i = 0; i < sizeof ends / sizeof *ends; i++)
    is_over = is_over || code == ends[i];
  if (!is_over)
    return;
  http2->has_suspects = true;
  for (struct loop_entry *each = entries; each; each = each->next)
    if (each->is_http2 && each->socket == ended->socket)
      each->looks = LOOKS;
}

port_socket http2_next_suspect(struct http2 *http2, struct loop_entry *entries) {
  if (!http2->has_suspects) /* a walk along thousands of entries in each step would be slow */
    return NO_SOCKET;
  for (struct loop_entry *each = entries; each; each = each->next)
    if (each->looks > 0) {
      each->looks--;
      return each->socket;
    }
  http2->has_suspects = false;
  return NO_SOCKET;
}

void http2_begin_step(struct http2 *http2) {
  http2->idle_bytes = 0;
}

/* At most how many bytes on the wire belong to `length` bytes of an answer: behind a proxy that
 * speaks TLS itself each comes twice, and there are frames around them. */
static int64_t told(size_t length) {
  return 3 * (int64_t)length;
}

bool http2_note(struct http2 *http2, curl_infotype type, const char *bytes, size_t length) {
  if (type == CURLINFO_SSL_DATA_IN && length == RECORD_HEADER) {
    http2->idle_bytes += (unsigned char)bytes[3] * 256 + (unsigned char)bytes[4];
    return http2->idle_bytes <= MAX_IDLE_BYTES;
  }
  if (type == CURLINFO_DATA_IN || type == CURLINFO_HEADER_IN)
    http2->idle_bytes -= told(length) < http2->idle_bytes ? told(length) : http2->idle_bytes;
  return true;
}
