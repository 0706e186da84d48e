#include "net/easy_options.h"

#include "port/file.h"
#include "util/buffer.h"

#include <dirent.h>
#include <math.h>
#include <string.h>

/* libcurl's own buffer of 16 KiB is most of the memory of a stream that waits for its next event.
 * A quarter of it costs 4 % of the instructions when events come at full speed, and nothing when
 * they come one at a time. Over HTTP/2 such a buffer would make libcurl loop without end beside a
 * stream that is not read. workaround: libcurl 7.88 */
enum { KEEP_ALIVE_SECONDS = 60, RECEIVE_BUFFER = 4096 };

/* A libcurl that cannot speak TLS to a proxy knows none of the welcome options. */
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
    /* A transfer that ends while its host's name is looked up must not wait for the resolver: the
     * look-up goes on in a thread of its own, and is then freed there. (lua/core.c keeps the
     * thread's code loaded.) */
    {1, CURLOPT_QUICK_EXIT, false},
#endif
};

/* Success if libcurl does not know an option that is only welcome. */
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

/* A path below which there is no authority. */
static const char nowhere[] = "/dev/null";

/* Appends the path of a certificate in a directory that `openssl rehash` prepared, with a NUL.
 * If there is no such file, appends the directory's path: an error then names that. */
static bool append_certificate(const char *directory, struct buffer *path) {
  DIR *entries = opendir(directory);
  struct dirent *entry = NULL;
  do
    entry = entries ? readdir(entries) : NULL;
  while (entry && (strspn(entry->d_name, "0123456789abcdef") != 8 || entry->d_name[8] != '.' ||
                   strspn(entry->d_name + 9, "0123456789") == 0));
  const char *name = entry ? entry->d_name : "";
  bool is_appended = buffer_append(path, directory, strlen(directory)) &&
                     buffer_append(path, "/", *name ? 1 : 0) &&
                     buffer_append(path, name, strlen(name) + 1);
  if (entries)
    closedir(entries);
  return is_appended;
}

/* Not every TLS library takes both. */
static CURLcode set_authorities(CURL *easy, const char *file, const char *directory) {
  CURLcode code = CURLE_OK;
  SET(if_known(curl_easy_setopt(easy, CURLOPT_CAINFO, file)));
  SET(if_known(curl_easy_setopt(easy, CURLOPT_CAPATH, directory)));
  return code;
}

/* Makes libcurl trust nothing but what the caller named. From 8.17 on, it takes its own file or
 * directory if none is set. The file must hold a certificate, so one from the directory is set.
 */
static CURLcode set_only_these(CURL *easy, const char *file, const char *directory) {
  enum { FIRST_TO_ADD_ITS_OWN = 0x081100 };
  const curl_version_info_data *info = curl_version_info(CURLVERSION_NOW);
  bool adds_its_own = info->version_num >= FIRST_TO_ADD_ITS_OWN;
  struct buffer path = {0};
  CURLcode code = CURLE_OK;
  if (!directory && adds_its_own && info->capath)
    directory = nowhere;
  if (!file && adds_its_own && info->cainfo) {
    if (!append_certificate(directory, &path))
      code = CURLE_OUT_OF_MEMORY;
    file = buffer_bytes(&path);
  }
  SET(set_authorities(easy, file, directory));
  SET(if_known(curl_easy_setopt(easy, CURLOPT_PROXY_CAINFO, file)));
  SET(if_known(curl_easy_setopt(easy, CURLOPT_PROXY_CAPATH, directory)));
  buffer_free(&path);
  return code;
}

/* The files in which systems keep their authorities. */
static const char *const usual_files[] = {
    "/etc/ssl/certs/ca-certificates.crt",                /* Debian, Arch, Alpine */
    "/etc/pki/tls/certs/ca-bundle.crt",                  /* Fedora */
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem", /* Fedora without the older names */
    "/etc/ssl/ca-bundle.pem",                            /* openSUSE */
    "/etc/ssl/cert.pem",                                 /* BSD, macOS */
    "/usr/local/share/certs/ca-root-nss.crt",            /* FreeBSD */
};

static bool is_there(const char *path) {
  struct port_status status;
  return port_file_look(path, &status) == 0;
}

/* libcurl's own file, or the system's: a libcurl that came with the core was built elsewhere. */
static const char *file_of_system(const char *file) {
  size_t next = 0;
  const char *found = file;
  while (found && !is_there(found))
    found = next < sizeof usual_files / sizeof *usual_files ? usual_files[next++] : NULL;
  return found ? found : file;
}

/* Reading a file of authorities takes longer than a frame of a game. libcurl keeps what it has read
 * for later connections, but only if no directory is set as well, and some builds have both by
 * default. So it gets its own file; without one, its own directory. */
static CURLcode set_default_authorities(CURL *easy) {
  CURLcode code = CURLE_OK;
#if LIBCURL_VERSION_NUM >= 0x075400 /* workaround: libcurl < 7.84 */
  const char *file = NULL, *directory = NULL;
  SET(curl_easy_getinfo(easy, CURLINFO_CAINFO, &file));
  SET(curl_easy_getinfo(easy, CURLINFO_CAPATH, &directory));
#else
  const curl_version_info_data *info = curl_version_info(CURLVERSION_NOW);
  const char *file = info->cainfo, *directory = info->capath;
#endif
  const char *found = file_of_system(file);
  SET(set_authorities(easy, found, file ? NULL : directory));
  if (found != file)
    SET(if_known(curl_easy_setopt(easy, CURLOPT_PROXY_CAINFO, found)));
  return code;
}

static const char *route_text(const struct transfer_options *options, CURLoption option) {
  for (size_t i = 0; route_options[i].name; i++)
    if (route_options[i].needed[0] == option)
      return options->route[i];
  return NULL;
}

static CURLcode set_route_option(CURL *easy, CURLoption option, bool is_flag, const char *text) {
  if (option == 0)
    return CURLE_OK;
  return is_flag ? curl_easy_setopt(easy, option, 0L) : curl_easy_setopt(easy, option, text);
}

static CURLcode set_route(CURL *easy, const struct transfer_options *options) {
  const char *file = route_text(options, CURLOPT_CAINFO);
  const char *directory = route_text(options, CURLOPT_CAPATH);
  CURLcode code =
      file || directory ? set_only_these(easy, file, directory) : set_default_authorities(easy);
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

static bool is_head(const struct transfer_options *options) {
  return strcmp(options->method, "HEAD") == 0;
}

bool easy_options_have_large_body(const struct transfer_options *options) {
  enum { LARGE = 64 * 1024 };
  return options->body && options->body_length >= LARGE && !is_head(options);
}

static CURLcode set_method(CURL *easy, const struct transfer_options *options) {
  if (is_head(options))
    return curl_easy_setopt(easy, CURLOPT_NOBODY, 1L);
  CURLcode code = curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, options->method);
  if (code != CURLE_OK || !options->body || easy_options_have_large_body(options))
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
