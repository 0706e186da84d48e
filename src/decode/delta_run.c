#include "decode/delta_run.h"

#include <string.h>

void delta_run_follow(struct delta_run *run, enum delta_kind kind, long index, size_t room) {
  if (run->kind != kind || run->index != index)
    run->form_length = 0;
  run->kind = kind;
  run->index = index;
  run->room = room;
  run->follows = true;
}

static bool goes_on(const struct delta_run *run, const struct delta *delta) {
  return run->index == delta->index && run->kind == delta->kind;
}

/* --- the form ----------------------------------------------------------------------------------
 * The events of a run differ only in their text. So the bytes before the text are kept: if the next
 * event begins with the same bytes, only its text has to be read. */

/* If an event ends with its only line of data and an empty line, the bytes before its text are
 * still as they came. */
static void learn_form(struct delta_run *run, const struct sse_event *event,
                       const struct delta *delta) {
  size_t before_data = (size_t)(event->data - event->raw);
  size_t before_text = (size_t)(delta->text - event->raw);
  bool data_is_last = event->raw_length == before_data + event->data_length + 2;
  if (before_data == 0 || !data_is_last || before_text > sizeof run->form)
    return;
  memcpy(run->form, event->raw, before_text);
  run->form_length = before_text;
}

/* The length of the event that `bytes` begin with, if it is whole and has the form; else 0. */
static size_t read_form(const struct delta_run *run, char *bytes, size_t length,
                        struct delta *delta) {
  size_t form = run->form_length;
  if (form == 0 || length < form || memcmp(bytes, run->form, form) != 0)
    return 0;
  const char *end = memchr(bytes + form, '\n', length - form);
  if (!end || end + 1 == bytes + length || end[1] != '\n')
    return 0;
  char *text = bytes + form - 1; /* with its quote */
  delta->kind = run->kind;
  delta->index = run->index;
  return delta_read_text(text, (size_t)(end - text), delta) ? (size_t)(end + 2 - bytes) : 0;
}

/* --- cutting -----------------------------------------------------------------------------------
 */

static bool cut_form(struct delta_run *run, struct sse *sse, struct buffer *buffer,
                     struct delta *delta) {
  size_t length;
  char *bytes = sse_ahead(sse, buffer, &length);
  size_t size = bytes ? read_form(run, bytes, length, delta) : 0;
  if (size)
    sse_skip(sse, size);
  return size > 0;
}

static enum sse_result take_in(struct delta_run *run, struct delta_cut *cut) {
  const struct delta *delta = &cut->delta;
  cut->kind = CUT_RUN;
  if (delta->length > run->room - run->text.length)
    return SSE_FULL;
  return buffer_append(&run->text, delta->text, delta->length) ? SSE_EVENT : SSE_NO_MEMORY;
}

enum sse_result delta_run_cut(struct delta_run *run, struct sse *sse, struct buffer *buffer,
                              struct delta_cut *cut) {
  bool follows = run && run->follows;
  if (follows && cut_form(run, sse, buffer, &cut->delta))
    return take_in(run, cut);
  enum sse_result result = sse_next(sse, buffer, &cut->event);
  if (result != SSE_EVENT)
    return result;
  bool is_delta = delta_read(cut->event.data, cut->event.data_length, &cut->delta);
  cut->kind = is_delta ? CUT_DELTA : CUT_OTHER;
  if (!follows || !is_delta || !goes_on(run, &cut->delta))
    return SSE_EVENT;
  learn_form(run, &cut->event, &cut->delta);
  return take_in(run, cut);
}
