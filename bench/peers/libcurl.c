// Bare libcurl that throws away what it receives: the least that a client on libcurl can cost.
// The arguments and the output are those of every peer; see README.md. One handle makes requests
// one after another; several at once go through one multi handle.
#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void check(int code, const char *message) {
  if (code != 0) {
    fprintf(stderr, "libcurl: %s\n", message);
    exit(EXIT_FAILURE);
  }
}

static size_t discard(char *bytes, size_t size, size_t count, void *received) {
  (void)bytes;
  *(size_t *)received += size * count;
  return size * count;
}

static char *make_body(size_t prompt, size_t history) {
  static const char head[] = "{\"max_tokens\":1024,\"messages\":[{\"content\":\"";
  static const char said[] = "What was said before. ";
  char *body = malloc(sizeof head + prompt + history * (128 + 10 * sizeof said) + 128);
  check(body == NULL, "out of memory");
  char *at = body + sprintf(body, "%s", head);
  for (size_t i = 0; i < prompt / 5; i++)
    at += sprintf(at, "word ");
  at += sprintf(at, "\",\"role\":\"user\"}");
  for (size_t i = 0; i < history; i++) {
    at += sprintf(at, ",{\"content\":[{\"text\":\"");
    for (int j = 0; j < 10; j++)
      at += sprintf(at, "%s", said);
    at += sprintf(at, "\",\"type\":\"text\"}],\"role\":\"%s\"}", i % 2 == 0 ? "assistant" : "user");
  }
  sprintf(at, "],\"model\":\"claude-bench\",\"stream\":true}");
  return body;
}

static CURL *make_request(const char *url, const char *body, struct curl_slist *headers,
                          size_t *received) {
  CURL *easy = curl_easy_init();
  check(easy == NULL, "no handle");
  curl_easy_setopt(easy, CURLOPT_URL, url);
  curl_easy_setopt(easy, CURLOPT_HTTPHEADER, headers);
  curl_easy_setopt(easy, CURLOPT_POSTFIELDS, body);
  curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)strlen(body));
  curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, discard);
  curl_easy_setopt(easy, CURLOPT_WRITEDATA, received);
  curl_easy_setopt(easy, CURLOPT_FAILONERROR, 1L);
  curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
  const char *version = getenv("BENCH_HTTP_VERSION");
  curl_easy_setopt(
      easy, CURLOPT_HTTP_VERSION,
      (long)(version && *version == '2' ? CURL_HTTP_VERSION_2TLS : CURL_HTTP_VERSION_1_1));
  if (getenv("BENCH_CA_FILE"))
    curl_easy_setopt(easy, CURLOPT_CAINFO, getenv("BENCH_CA_FILE"));
  return easy;
}

static void one_after_another(CURL *easy, long requests) {
  for (long i = 0; i < requests; i++) {
    CURLcode code = curl_easy_perform(easy);
    check(code, curl_easy_strerror(code));
  }
}

static void at_once(CURL **easies, long count) {
  CURLM *multi = curl_multi_init();
  check(multi == NULL, "no handle");
  for (long i = 0; i < count; i++)
    curl_multi_add_handle(multi, easies[i]);
  for (int running = 1; running;) {
    CURLMcode code = curl_multi_perform(multi, &running);
    if (code == CURLM_OK && running)
      code = curl_multi_poll(multi, NULL, 0, 1000, NULL);
    check(code, curl_multi_strerror(code));
    CURLMsg *message;
    while ((message = curl_multi_info_read(multi, &(int){0})))
      check(message->data.result, curl_easy_strerror(message->data.result));
  }
  for (long i = 0; i < count; i++)
    curl_multi_remove_handle(multi, easies[i]);
  curl_multi_cleanup(multi);
}

int main(int count, char **arguments) {
  check(count != 7, "arguments: URL HOW REQUESTS AT_ONCE PROMPT HISTORY");
  long requests = atol(arguments[3]), streams = atol(arguments[4]);
  size_t received = 0;
  char url[512];
  snprintf(url, sizeof url, "%s/v1/messages", arguments[1]);
  char *body = make_body((size_t)atol(arguments[5]), (size_t)atol(arguments[6]));
  CURL **easies = calloc((size_t)streams, sizeof *easies);
  check(easies == NULL, "out of memory");
  curl_global_init(CURL_GLOBAL_DEFAULT);
  struct curl_slist *headers = curl_slist_append(NULL, "Content-Type: application/json");
  headers = curl_slist_append(headers, "x-api-key: bench-key");
  headers = curl_slist_append(headers, "anthropic-version: 2023-06-01");
  headers = curl_slist_append(headers, "Expect:");
  for (long i = 0; i < streams; i++)
    easies[i] = make_request(url, body, headers, &received);
  if (strcmp(arguments[2], "load") == 0)
    ;
  else if (streams == 1)
    one_after_another(easies[0], requests);
  else
    at_once(easies, streams);
  for (long i = 0; i < streams; i++)
    curl_easy_cleanup(easies[i]);
  free(easies);
  free(body);
  curl_slist_free_all(headers);
  curl_global_cleanup();
  printf("%zu 0\n", received);
  return EXIT_SUCCESS;
}
