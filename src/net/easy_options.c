#include "net/easy_options.h"

#include <math.h>
#include <string.h>

/* libcurl's own buffer of 16 KiB is most of what a stream that waits for its next event holds, and
 * reading by a quarter of it costs nothing that can be measured. Over HTTP/2 such a buffer would
 * make libcurl go round without end beside a stream that is not read. workaround: libcurl 7.88 */
enum { KEEP_ALIVE_SECONDS = 60, RECEIVE_BUFFER = 4096 };

/* A libcurl that cannot speak TLS to a proxy knows none of the proxy's. */
const struct route_option route_options[MAX_ROUTE_OPTIONS + 1] = {
    {"proxy", false, {CURLOPT_PROXY}, {0}},
    {"ca_file", false, {CURLOPT_CAINFO}, {CURLOPT_PROXY_CAINFO}},
    {"ca_path", false, {CURLOPT_CAPATH}, {CURLOPT_PROXY_CAPATH}},
    {"certificate_file", false, {CURLOPT_SSLCERT}, {0}},
    {"key_file", false, {CURLOPT_SSLKEY}, {0}},
    {"unix_socket", false, {CURLOPT_UNIX_SOCKET_PATH}, {0}},
    {"insecure",
     true,
     {CURLOPT_SSL_VERIFYPEER, CURLOPT_SSL_VERIFYHOST},
     {CURLOPT_PROXY_SSL_VERIFYPEER, CURLOPT_PROXY_SSL_VERIFYHOST}},
};

/* What all requests have in common. */
static const struct {
  long value;
  CURLoption option;
  bool is_needed;
} common[] = {
    {CURL_SSLVERSION_TLSv1_2, CURLOPT_SSLVERSION, true},
    {CURL_SSLVERSION_TLSv1_2, CURLOPT_PROXY_SSLVERSION, false},
    {1, CURLOPT_NOSIGNAL, true},
    {1, CURLOPT_SUPPRESS_CONNECT_HEADERS, true},
    {1, CURLOPT_TCP_KEEPALIVE, false},
    {KEEP_ALIVE_SECONDS, CURLOPT_TCP_KEEPIDLE, false},
    {KEEP_ALIVE_SECONDS, CURLOPT_TCP_KEEPINTVL, false},
#if LIBCURL_VERSION_NUM >= 0x075700 /* workaround: libcurl < 7.87 */
    /* A transfer that ends while its host's name is looked up must not wait for the resolver: what
     * is left of that goes on in a thread of its own, and is then freed there. (lua/core.c sees to
     * it that the thread's code stays loaded.) */
    {1, CURLOPT_QUICK_EXIT, false},
#endif
};

/* What was welcome and is not known. */
static CURLcode if_known(CURLcode code) {
  return code == CURLE_UNKNOWN_OPTION || code == CURLE_NOT_BUILT_IN ? CURLE_OK : code;
}

#define SET(call)                                                                                  \
  if (code == CURLE_OK)                                                                            \
  code = (call)

static CURLcode set_common(CURL *easy) {
  CURLcode code = CURLE_OK;
  for (size_t i = 0; i < sizeof common / sizeof *common && code == CURLE_OK; i++) {
    code = curl_easy_setopt(easy, common[i].option, common[i].value);
    if (!common[i].is_needed)
      code = if_known(code);
  }
  SET(curl_easy_setopt(easy, CURLOPT_ACCEPT_ENCODING, "")); /* all that libcurl knows */
#if LIBCURL_VERSION_NUM >= 0x075500                         /* workaround: libcurl < 7.85 */
  SET(curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https"));
#else
  SET(curl_easy_setopt(easy, CURLOPT_PROTOCOLS, (long)(CURLPROTO_HTTP | CURLPROTO_HTTPS)));
#endif
  return code;
}

/* --- the way to the server ------------------------------------------------------------------- */

/* Which authorities are trusted where the caller names none. Not every TLS library takes both. */
static CURLcode set_authorities(CURL *easy, const char *file, const char *directory) {
  CURLcode code = CURLE_OK;
  SET(if_known(curl_easy_setopt(easy, CURLOPT_CAINFO, file)));
  SET(if_known(curl_easy_setopt(easy, CURLOPT_CAPATH, directory)));
  return code;
}

/* Reading a file of authorities takes longer than a frame of a game. libcurl keeps what it has read
 * for later connections, but only where it is given no directory as well, and some builds have both
 * by default. So it gets what the caller named; else its own file; else its own directory. */
static CURLcode set_default_authorities(CURL *easy) {
#if LIBCURL_VERSION_NUM >= 0x075400 /* workaround: libcurl < 7.84 */
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

static bool names_authorities(const struct transfer_options *options) {
  for (size_t i = 0; route_options[i].name; i++)
    if (options->route[i] && (route_options[i].needed[0] == CURLOPT_CAINFO ||
                              route_options[i].needed[0] == CURLOPT_CAPATH))
      return true;
  return false;
}

static CURLcode set_route_option(CURL *easy, CURLoption option, bool is_flag, const char *text) {
  if (option == 0)
    return CURLE_OK;
  return is_flag ? curl_easy_setopt(easy, option, 0L) : curl_easy_setopt(easy, option, text);
}

static CURLcode set_route(CURL *easy, const struct transfer_options *options) {
  CURLcode code = names_authorities(options) ? set_authorities(easy, NULL, NULL)
                                             : set_default_authorities(easy);
  for (size_t i = 0; route_options[i].name; i++) {
    const struct route_option *row = &route_options[i];
    const char *text = options->route[i];
    for (size_t each = 0; text && each < sizeof row->needed / sizeof *row->needed; each++) {
      SET(set_route_option(easy, row->needed[each], row->is_flag, text));
      SET(if_known(set_route_option(easy, row->welcome[each], row->is_flag, text)));
    }
  }
  return code;
}

/* --- the request ----------------------------------------------------------------------------- */

/* For libcurl 0 would mean its own default; here it means none. */
static long milliseconds(double seconds) {
  double value = ceil(seconds * 1000);
  return value > 0 && value < 2147483647.0 ? (long)value : 2147483647L;
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

/* libcurl compares with "more than", and before 8.15 it counts whole seconds. */
static CURLcode set_max_idle(CURL *easy, long seconds) {
  enum { FIRST_TO_COUNT_MILLISECONDS = 0x080f00 };
  if (curl_version_info(CURLVERSION_NOW)->version_num < FIRST_TO_COUNT_MILLISECONDS)
    seconds--;
  return curl_easy_setopt(easy, CURLOPT_MAXAGE_CONN, seconds);
}

CURLcode easy_options_set(CURL *easy, const struct transfer_options *options) {
  CURLcode code = set_common(easy);
  SET(curl_easy_setopt(easy, CURLOPT_URL, options->url));
  SET(set_method(easy, options));
  SET(curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, milliseconds(options->connect_timeout)));
  SET(curl_easy_setopt(easy, CURLOPT_HTTP_VERSION,
                       (long)(options->http2 ? CURL_HTTP_VERSION_2TLS : CURL_HTTP_VERSION_1_1)));
  SET(curl_easy_setopt(easy, CURLOPT_PIPEWAIT, options->http2 ? 1L : 0L));
  if (!options->http2)
    SET(curl_easy_setopt(easy, CURLOPT_BUFFERSIZE, (long)RECEIVE_BUFFER));
  if (options->max_idle > 0)
    SET(set_max_idle(easy, options->max_idle));
  SET(set_route(easy, options));
  return code;
}

unsigned easy_options_origin(const struct transfer_options *options) {
  const char *text = options->url;
  for (size_t i = 0; route_options[i].name; i++)
    if (route_options[i].needed[0] == CURLOPT_PROXY && options->route[i] && *options->route[i])
      text = options->route[i];
  const char *authority = strstr(text, "://");
  size_t length = authority ? (size_t)(authority - text) + 3 : 0;
  length += strcspn(text + length, "/?#");
  unsigned origin = 2166136261u; /* FNV-1a */
  for (size_t i = 0; i < length; i++) {
    bool is_upper = text[i] >= 'A' && text[i] <= 'Z';
    origin = (origin ^ (unsigned)(text[i] + (is_upper ? 'a' - 'A' : 0))) * 16777619u;
  }
  return origin;
}
