/* delta_run.h: cutting events with a run, in any chunking, gives those that sse.h and delta.h give
 * one by one, and the run takes in the texts of its deltas and of no others. */
#include "decode/delta_run.h"
#include "fuzz.h"

#include <string.h>

/* What came of a stream. */
struct outcome {
  struct buffer events;
  struct buffer texts; /* of deltas that went on with the one before */
  enum sse_result end;
};

static void add(struct buffer *buffer, const void *bytes, size_t length) {
  FUZZ_ASSERT(buffer_append(buffer, &length, sizeof length));
  FUZZ_ASSERT(buffer_append(buffer, bytes, length));
}

static void add_delta(struct outcome *outcome, const struct delta *delta) {
  long numbers[] = {(long)delta->kind, delta->index};
  add(&outcome->events, numbers, sizeof numbers);
  add(&outcome->events, delta->text, delta->length);
}

static void add_other(struct outcome *outcome, const struct sse_event *event) {
  add(&outcome->events, event->data, event->data_length);
  add(&outcome->events, event->name, event->name_length);
}

static void add_text(struct outcome *outcome, const struct delta *delta) {
  FUZZ_ASSERT(buffer_append(&outcome->texts, delta->text, delta->length));
}

static struct outcome read_plainly(const char *bytes, size_t size, size_t limit) {
  struct outcome outcome = {.end = SSE_MORE};
  struct sse sse = {.max_event_bytes = limit};
  struct buffer buffer = {0};
  struct sse_event event;
  struct delta delta, before = {.index = -1};
  FUZZ_ASSERT(buffer_append(&buffer, bytes, size));
  while ((outcome.end = sse_next(&sse, &buffer, &event)) == SSE_EVENT) {
    if (!delta_read(event.data, event.data_length, &delta)) {
      before.index = -1;
      add_other(&outcome, &event);
      continue;
    }
    add_delta(&outcome, &delta);
    if (delta.index == before.index && delta.kind == before.kind)
      add_text(&outcome, &delta);
    before = delta;
  }
  sse_free(&sse);
  buffer_free(&buffer);
  return outcome;
}

/* Cuts what is at hand, as a stream's reader does: every delta is followed until another event. */
static enum sse_result cut_all(struct delta_run *run, struct sse *sse, struct buffer *buffer,
                               struct outcome *outcome) {
  struct delta_cut cut;
  enum sse_result result;
  while ((result = delta_run_cut(run, sse, buffer, &cut)) == SSE_EVENT) {
    if (cut.kind == CUT_OTHER) {
      run->follows = false;
      add_other(outcome, &cut.event);
      continue;
    }
    add_delta(outcome, &cut.delta);
    if (cut.kind == CUT_DELTA)
      delta_run_follow(run, cut.delta.kind, cut.delta.index, SIZE_MAX);
  }
  return result;
}

static struct outcome read_with_run(const char *bytes, size_t size, size_t limit, size_t chunk) {
  struct outcome outcome = {.end = SSE_MORE};
  struct sse sse = {.max_event_bytes = limit};
  struct buffer buffer = {0};
  struct delta_run run = {0};
  for (size_t at = 0, count; at < size; at += count) {
    count = chunk ? chunk : 1 + at * 31 % 211;
    count = count < size - at ? count : size - at;
    FUZZ_ASSERT(buffer_append(&buffer, bytes + at, count));
    outcome.end = cut_all(&run, &sse, &buffer, &outcome);
  }
  outcome.texts = run.text;
  sse_free(&sse);
  buffer_free(&buffer);
  return outcome;
}

static bool same(const struct buffer *a, const struct buffer *b) {
  return a->length == b->length &&
         (!a->length || memcmp(buffer_bytes(a), buffer_bytes(b), a->length) == 0);
}

static void free_outcome(struct outcome *outcome) {
  buffer_free(&outcome->events);
  buffer_free(&outcome->texts);
}

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t size) {
  if (size < 2)
    return 0;
  const char *bytes = (const char *)input + 1;
  size_t limit = input[0] < 64 ? (size_t)input[0] * 4 + 1 : SIZE_MAX;
  static const size_t chunks[] = {0, 1, 16, 16384};
  struct outcome plain = read_plainly(bytes, size - 1, limit);
  for (size_t i = 0; i < sizeof chunks / sizeof *chunks; i++) {
    struct outcome outcome = read_with_run(bytes, size - 1, limit, chunks[i]);
    FUZZ_ASSERT(outcome.end == plain.end);
    FUZZ_ASSERT(same(&outcome.events, &plain.events));
    FUZZ_ASSERT(same(&outcome.texts, &plain.texts));
    free_outcome(&outcome);
  }
  free_outcome(&plain);
  return 0;
}

#ifndef FUZZ_WITHOUT_GENERATOR

static const char *pick(const char *const *list, size_t count, uint32_t odds) {
  return list[fuzz_random(odds) ? 0 : fuzz_random((uint32_t)count)];
}
#define PICK(list, odds) pick(list, sizeof list / sizeof *list, odds)

static size_t append(uint8_t *input, size_t capacity, size_t size, const char *text) {
  size_t length = strlen(text);
  if (length > capacity - size)
    return size;
  memcpy(input + size, text, length);
  return size + length;
}

/* Long runs of deltas in the usual form, and now and then anything else. */
size_t fuzz_generate(uint8_t *input, size_t capacity) {
  static const char *const befores[] = {"event: content_block_delta\n",
                                        "",
                                        "\n",
                                        ": ping\n",
                                        "id: 1\n",
                                        "event: ping\ndata: {\"type\":\"ping\"}\n\n",
                                        "\r\n"};
  static const char *const names[] = {"data: ", "data:", "", "data: \ndata: ", "dat: "};
  static const char *const texts[] = {"some words", "",     "\\n\\\"", "\\u00e9", "}}",
                                      "\xC3\xA9",   "\xC3", "\\ud83d", "a\tb",    "a\nb"};
  static const char *const closes[] = {"\"}}", "\"}  }", "\" } } ", "\"}", "\"}},"};
  static const char *const ends[] = {
      "\n\n",           "\n", "\r\n\r\n", "\r\r", "\nid: 2\n\n", "\ndata: more\n\n", "\n\n\n",
      "\n: comment\n\n"};
  size_t size = 0;
  input[size++] = (uint8_t)fuzz_random(256);
  uint32_t odds = 1 + fuzz_random(60);
  const char *index = "0", *kind = delta_names[0].form;
  for (uint32_t left = fuzz_random(24); left > 0; left--) {
    static const char *const indexes[] = {"0", "1", " 0 ", "00"};
    index = fuzz_random(odds) ? index : PICK(indexes, 1);
    kind = fuzz_random(odds) ? kind : delta_names[fuzz_random(DELTA_KINDS)].form;
    const char *const parts[] = {PICK(befores, odds),
                                 PICK(names, odds),
                                 "{\"type\":\"content_block_delta\",\"index\":",
                                 index,
                                 ",\"delta\":{\"type\":",
                                 kind,
                                 "\"",
                                 PICK(texts, 2),
                                 PICK(closes, odds),
                                 PICK(ends, odds)};
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
      size = append(input, capacity, size, parts[i]);
  }
  return size;
}

#endif
