#include "net/verdict.h"

#include "net/sending.h"
#include "util/buffer.h"

#include <string.h>

enum { PROBE_BYTES = 256 * 1024 }; /* as much as the headers of a response may take */

/* Whether as much memory as headers may take is available, after libcurl reported a lack. */
static bool has_memory(void) {
  struct buffer probe = {0};
  struct curl_slist *copy = NULL;
  if (buffer_reserve(&probe, PROBE_BYTES)) {
    char *text = buffer_bytes(&probe);
    memset(text, 'x', PROBE_BYTES - 1);
    text[PROBE_BYTES - 1] = '\0';
    copy = curl_slist_append(NULL, text);
  }
  buffer_free(&probe);
  curl_slist_free_all(copy);
  return copy != NULL;
}

/* From 8.6 on libcurl reports a header line above its limit (100 KiB). Before, it reports a lack of
 * memory, and shows nothing of the line: if memory is available, the line was too large.
 * workaround: libcurl < 8.6 */
static bool has_large_header(CURLcode code, const struct verdict_facts *facts) {
  enum { TOO_LARGE = 100, FIRST_TO_TELL = 0x080600 };
  curl_off_t first_byte = 0;
  curl_easy_getinfo(facts->easy, CURLINFO_STARTTRANSFER_TIME_T, &first_byte);
  if (facts->status || first_byte == 0)
    return false;
  return (int)code == TOO_LARGE ||
         (code == CURLE_OUT_OF_MEMORY &&
          curl_version_info(CURLVERSION_NOW)->version_num < FIRST_TO_TELL && has_memory());
}

/* Whether a proxy refused and will refuse again. A proxy that is too busy, or does not reach the
 * server, may do better later. */
static bool is_refused_by_proxy(CURLcode code, CURL *easy) {
  long status = 0;
  curl_easy_getinfo(easy, CURLINFO_HTTP_CONNECTCODE, &status);
  if (code != CURLE_OK && status / 100 == 4)
    return status != 408 && status != 425 && status != 429;
  static const CURLproxycode refusals[] = {
      CURLPX_IDENTD,         CURLPX_IDENTD_DIFFER,     CURLPX_NO_AUTH,
      CURLPX_REQUEST_FAILED, CURLPX_REPLY_NOT_ALLOWED, CURLPX_USER_REJECTED,
      CURLPX_LONG_USER,      CURLPX_LONG_PASSWD,       CURLPX_REPLY_COMMAND_NOT_SUPPORTED,
  };
  long reason = CURLPX_OK;
  if (code != CURLE_PROXY || curl_easy_getinfo(easy, CURLINFO_PROXY_ERROR, &reason) != CURLE_OK)
    return false;
  for (size_t i = 0; i < sizeof refusals / sizeof *refusals; i++)
    if (refusals[i] == (CURLproxycode)reason)
      return true;
  return false;
}

/* nghttp2 itself limits how many meaningless frames it takes, from 1.70 on at the latest. Only
 * libcurl's words show it. */
static bool is_flooded(CURLcode code, const char *words) {
  static const char begin[] =
      "nghttp2 shuts down connection with error 11:"; /* ENHANCE_YOUR_CALM */
  return code == CURLE_HTTP2 && strncmp(words, begin, sizeof begin - 1) == 0;
}

/* A failure for which libcurl has words. */
static enum transfer_failure failure_of(CURLcode code, const struct verdict_facts *facts) {
  /* libcurl has a limit of its own for what it unpacks while the transfer is paused */
  if (code == CURLE_OUT_OF_MEMORY && facts->is_encoded && has_memory())
    return TRANSFER_TOO_LARGE;
  if (code == CURLE_BAD_CONTENT_ENCODING && !facts->has_body) /* else it broke on the way */
    return TRANSFER_ENCODING;
  if (is_refused_by_proxy(code, facts->easy))
    return TRANSFER_PROXY;
  if (is_flooded(code, facts->words))
    return TRANSFER_FLOODED;
  switch (code) {
  case CURLE_PARTIAL_FILE: /* workaround: libcurl < 8.1 says so also if nothing came (HTTP/2) */
    return facts->has_head ? TRANSFER_TRUNCATED : TRANSFER_CONNECTION;
  case CURLE_OUT_OF_MEMORY:
    return TRANSFER_NO_MEMORY;
  case CURLE_OPERATION_TIMEDOUT: /* the one timeout that is left to libcurl */
    return TRANSFER_CONNECT_TIMEOUT;
  default:
    return TRANSFER_CONNECTION;
  }
}

struct verdict verdict_of(CURLcode code, const struct verdict_facts *facts) {
  const struct sending *sending = facts->sending;
  if (code == CURLE_OK) /* for libcurl, an answer interrupted inside its headers is a success */
    return (struct verdict){facts->status ? TRANSFER_OK : TRANSFER_TRUNCATED, code, false};
  /* a multipart body that was sent in part cannot be rewound */
  bool is_repeated = sending->held_back || code == CURLE_SEND_FAIL_REWIND;
  if (is_repeated)
    code = CURLE_GOT_NOTHING;
  if (sending->is_refused && !facts->status)
    return (struct verdict){TRANSFER_REFUSED, code, false};
  if (is_repeated)
    return (struct verdict){sending->downgrades ? TRANSFER_DOWNGRADED : TRANSFER_LOST, code, false};
  if (has_large_header(code, facts))
    return (struct verdict){TRANSFER_LARGE_HEADERS, code, false};
  return (struct verdict){failure_of(code, facts), code, true};
}
