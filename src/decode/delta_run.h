/* Deltas that follow each other and grow the same text, taken out of an event stream. No Lua, no
 * curl.
 *
 * Nearly all events of a long stream are of one run: their texts are put together here. */
#ifndef ANTHROPIC_DECODE_DELTA_RUN_H
#define ANTHROPIC_DECODE_DELTA_RUN_H

#include "decode/delta.h"
#include "decode/sse.h"

#pragma GCC visibility push(hidden)

/* Zero-initialise to make a run that takes in nothing; free `text` with buffer_free. */
struct delta_run {
  bool follows; /* takes in the deltas of this kind in this block */
  enum delta_kind kind;
  long index;
  struct buffer text; /* of the deltas so far */
  size_t room;        /* bytes that `text` may hold */

  /* private part */
  char form[192]; /* the bytes before the text in their events, if known */
  size_t form_length;
};

enum delta_cut_kind {
  CUT_OTHER, /* `event` */
  CUT_DELTA, /* `delta` */
  CUT_RUN    /* `delta`, whose text the run has taken in */
};

struct delta_cut {
  enum delta_cut_kind kind;
  struct sse_event event;
  struct delta delta;
};

/* From now on takes in the deltas of this kind in this block, as long as `text` fits into `room`
 * bytes. `text` keeps what it holds, which must fit, too. */
void delta_run_follow(struct delta_run *run, enum delta_kind kind, long index, size_t room);

/* Cuts the next event as sse_next does. `run` may be NULL. SSE_FULL: the run had no room for its
 * next delta, which is lost. After SSE_NO_MEMORY a delta may be lost, too. */
enum sse_result delta_run_cut(struct delta_run *run, struct sse *sse, struct buffer *buffer,
                              struct delta_cut *cut);

#pragma GCC visibility pop

#endif
