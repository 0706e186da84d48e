#define _POSIX_C_SOURCE 200809L
#include "workload.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
  CHUNK = 16 * 1024,
  LARGEST_WRITE = 256 * 1024,
  MOST_WORKLOADS = 256,
};

static const size_t MOST_BYTES = 256u << 20;

static const char PASSAGE[] =
    "The sky is blue because air scatters short waves of light more than long ones: \"Rayleigh "
    "scattering\".\nNear the horizon light has crossed more air, and what is left of it is "
    "red.\n\n";

struct text {
  char *bytes;
  size_t length, capacity;
  bool failed;
};

static void append(struct text *text, const char *bytes, size_t length) {
  if (text->failed || length > MOST_BYTES || text->length + length > MOST_BYTES) {
    text->failed = true;
    return;
  }
  if (text->length + length > text->capacity) {
    size_t capacity = 2 * (text->length + length);
    char *grown = realloc(text->bytes, capacity);
    if (!grown) {
      text->failed = true;
      return;
    }
    text->bytes = grown;
    text->capacity = capacity;
  }
  memcpy(text->bytes + text->length, bytes, length);
  text->length += length;
}

static void append_string(struct text *text, const char *string) {
  append(text, string, strlen(string));
}

static void append_format(struct text *text, const char *format, ...) {
  char line[512];
  va_list arguments;
  va_start(arguments, format);
  int length = vsnprintf(line, sizeof line, format, arguments);
  va_end(arguments);
  if (length < 0 || (size_t)length >= sizeof line)
    text->failed = true;
  else
    append(text, line, (size_t)length);
}

static void append_escaped(struct text *text, const char *bytes, size_t length) {
  for (size_t i = 0; i < length; i++) {
    switch (bytes[i]) {
    case '\n':
      append_string(text, "\\n");
      break;
    case '"':
      append_string(text, "\\\"");
      break;
    case '\\':
      append_string(text, "\\\\");
      break;
    default:
      append(text, bytes + i, 1);
    }
  }
}

static void append_passage(struct text *text, size_t from, size_t length) {
  size_t whole = sizeof PASSAGE - 1;
  for (from %= whole; length > 0; from = 0) {
    size_t part = length < whole - from ? length : whole - from;
    append_escaped(text, PASSAGE + from, part);
    length -= part;
  }
}

// --- streams ---------------------------------------------------------------------------------

struct stream {
  struct text *wire;
  struct text pending; // what is not in a chunk yet
  bool by_event;
};

static void put_chunk(struct stream *stream, const char *bytes, size_t length) {
  append_format(stream->wire, "%zx\r\n", length);
  append(stream->wire, bytes, length);
  append_string(stream->wire, "\r\n");
}

// Puts what is pending into chunks; a last one that is not full only at the end.
static void put_chunks(struct stream *stream, bool is_end) {
  struct text *pending = &stream->pending;
  size_t done = 0;
  while (!stream->by_event && pending->length - done >= CHUNK) {
    put_chunk(stream, pending->bytes + done, CHUNK);
    done += CHUNK;
  }
  if ((is_end || stream->by_event) && pending->length > done) {
    put_chunk(stream, pending->bytes + done, pending->length - done);
    done = pending->length;
  }
  if (done > 0)
    memmove(pending->bytes, pending->bytes + done, pending->length - done);
  pending->length -= done;
  stream->wire->failed = stream->wire->failed || pending->failed;
}

static void put_event(struct stream *stream, const char *name, const char *rest) {
  append_format(&stream->pending, "event: %s\ndata: {\"type\":\"%s\"%s}\n\n", name, name, rest);
  put_chunks(stream, false);
}

static void begin_delta(struct stream *stream, const char *type, const char *field) {
  append_format(&stream->pending,
                "event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":0,"
                "\"delta\":{\"type\":\"%s\",\"%s\":\"",
                type, field);
}

static void end_delta(struct stream *stream) {
  append_string(&stream->pending, "\"}}\n\n");
  put_chunks(stream, false);
}

static void put_text_deltas(struct stream *stream, size_t deltas, size_t size) {
  for (size_t i = 0; i < deltas && !stream->wire->failed; i++) {
    size_t length = size / 2 + i * 7919 % (size + 1);
    begin_delta(stream, "text_delta", "text");
    append_passage(&stream->pending, i * 31, length > 0 ? length : 1);
    end_delta(stream);
  }
}

static void put_tool_input(struct stream *stream, size_t deltas, size_t size) {
  struct text json = {0};
  append_string(&json, "{\"text\":\"");
  for (size_t i = 0; json.length + 2 * sizeof PASSAGE < deltas * size && !json.failed; i++)
    append_passage(&json, i * 31, sizeof PASSAGE - 1);
  append_string(&json, "\"}");
  for (size_t at = 0; at < json.length && !stream->wire->failed && !json.failed; at += size) {
    begin_delta(stream, "input_json_delta", "partial_json");
    append_escaped(&stream->pending, json.bytes + at,
                   size < json.length - at ? size : json.length - at);
    end_delta(stream);
  }
  stream->wire->failed = stream->wire->failed || json.failed;
  free(json.bytes);
}

#define MESSAGE                                                                                    \
  "\"id\":\"msg_01XFDUDYJgAACzvnptvVoYEL\",\"type\":\"message\",\"role\":\"assistant\","           \
  "\"model\":\"claude-sonnet-4-5\""

static void make_stream(struct workload *workload, struct text *wire, size_t deltas, size_t size,
                        bool is_tool) {
  struct stream stream = {.wire = wire, .by_event = workload->by_event};
  append_format(wire,
                "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream; charset=utf-8\r\n"
                "Cache-Control: no-cache\r\nrequest-id: req_018EeWyXxfu5pfWkrYcMdjWG\r\n"
                "Transfer-Encoding: chunked\r\n%s\r\n",
                workload->closes ? "Connection: close\r\n" : "");
  workload->head = wire->length;
  put_event(&stream, "message_start",
            ",\"message\":{" MESSAGE ",\"content\":[],\"stop_reason\":null,\"stop_sequence\":null,"
            "\"usage\":{\"input_tokens\":25,\"output_tokens\":1}}");
  put_event(&stream, "content_block_start",
            is_tool ? ",\"index\":0,\"content_block\":{\"type\":\"tool_use\","
                      "\"id\":\"toolu_01T1x1fJ34qAmk2tNTrN7Up6\",\"name\":\"write\",\"input\":{}}"
                    : ",\"index\":0,\"content_block\":{\"type\":\"text\",\"text\":\"\"}");
  put_event(&stream, "ping", "");
  (is_tool ? put_tool_input : put_text_deltas)(&stream, deltas, size);
  put_event(&stream, "content_block_stop", ",\"index\":0");
  put_event(&stream, "message_delta",
            is_tool ? ",\"delta\":{\"stop_reason\":\"tool_use\",\"stop_sequence\":null},"
                      "\"usage\":{\"output_tokens\":15}"
                    : ",\"delta\":{\"stop_reason\":\"end_turn\",\"stop_sequence\":null},"
                      "\"usage\":{\"output_tokens\":15}");
  put_event(&stream, "message_stop", "");
  put_chunks(&stream, true);
  put_chunk(&stream, "", 0);
  free(stream.pending.bytes);
}

static void make_message(struct workload *workload, struct text *wire, size_t size) {
  struct text body = {0};
  append_string(&body, "{" MESSAGE ",\"content\":[{\"type\":\"text\",\"text\":\"");
  append_passage(&body, 0, size);
  append_string(&body, "\"}],\"stop_reason\":\"end_turn\",\"stop_sequence\":null,"
                       "\"usage\":{\"input_tokens\":25,\"output_tokens\":15}}");
  append_format(wire,
                "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
                "request-id: req_018EeWyXxfu5pfWkrYcMdjWG\r\nContent-Length: %zu\r\n%s\r\n",
                body.length, workload->closes ? "Connection: close\r\n" : "");
  append(wire, body.bytes, body.length);
  workload->head = wire->length;
  wire->failed = wire->failed || body.failed;
  free(body.bytes);
}

// --- by name ---------------------------------------------------------------------------------

static void free_one(struct workload *workload) {
  free(workload->name);
  free(workload->bytes);
  free(workload);
}

static struct workload *make(const char *name, size_t length) {
  struct workload *workload = calloc(1, sizeof *workload);
  if (!workload)
    return NULL;
  workload->name = strndup(name, length);
  char *parts = strndup(name, length), *rest = NULL;
  enum { STREAM, TOOL, MESSAGE_REPLY } reply = STREAM;
  size_t deltas = 1, size = 20;
  bool is_known = workload->name && parts;
  for (char *part = parts ? strtok_r(parts, ",", &rest) : NULL; part && is_known;
       part = strtok_r(NULL, ",", &rest)) {
    char *value = strchr(part, '=');
    if (!value) {
      is_known = false;
      break;
    }
    *value++ = '\0';
    long number = strtol(value, NULL, 10);
    if (strcmp(part, "reply") == 0)
      reply = *value == 't' ? TOOL : *value == 'm' ? MESSAGE_REPLY : STREAM;
    else if (strcmp(part, "write") == 0)
      workload->by_event = true;
    else if (number < 0 || number > 100 * 1000 * 1000)
      is_known = false;
    else if (strcmp(part, "deltas") == 0)
      deltas = (size_t)number;
    else if (strcmp(part, "size") == 0 && number > 0)
      size = (size_t)number;
    else if (strcmp(part, "pace") == 0)
      workload->pace = (int)number;
    else if (strcmp(part, "close") == 0)
      workload->closes = number == 1;
    else
      is_known = false;
  }
  free(parts);
  workload->by_event = workload->by_event || workload->pace > 0;
  struct text wire = {0};
  if (!is_known)
    wire.failed = true;
  else if (reply == MESSAGE_REPLY)
    make_message(workload, &wire, size);
  else
    make_stream(workload, &wire, deltas, size, reply == TOOL);
  workload->bytes = wire.bytes;
  workload->length = wire.length;
  if (wire.failed) {
    free_one(workload);
    return NULL;
  }
  return workload;
}

const struct workload *workload_find(struct workload **list, const char *path) {
  const char *name = path + (*path == '/');
  size_t length = strcspn(name, "/? ");
  int count = 0;
  for (struct workload *known = *list; known; known = known->next, count++)
    if (strlen(known->name) == length && memcmp(known->name, name, length) == 0)
      return known;
  struct workload *workload = count < MOST_WORKLOADS ? make(name, length) : NULL;
  if (workload) {
    workload->next = *list;
    *list = workload;
  }
  return workload;
}

size_t workload_write_end(const struct workload *workload, size_t sent) {
  size_t left = workload->length - sent;
  if (!workload->by_event)
    return sent + (left < LARGEST_WRITE ? left : LARGEST_WRITE);
  if (sent < workload->head)
    return workload->head;
  char *digits_end;
  size_t length = strtoul(workload->bytes + sent, &digits_end, 16);
  return (size_t)(digits_end - workload->bytes) + 2 + length + 2;
}

void workload_free_all(struct workload *list) {
  while (list) {
    struct workload *next = list->next;
    free_one(list);
    list = next;
  }
}
