// Answers of the load server, made once: a workload is named by the first part of a request's path,
// comma-separated, in any order:
//
//     reply=stream|tool|message   a stream of text, of one tool's input; a whole message
//     deltas=N    content deltas of a stream
//     size=N      bytes of text in each delta (from half to one and a half of it) or in the
//     message,
//                 or of JSON in each piece of a tool's input
//     write=event one event in each write; without it: 16 KiB chunks that cut events anywhere
//     pace=N      one event every N milliseconds
//     close=1     the connection is closed after the answer
#ifndef WORKLOAD_H
#define WORKLOAD_H

#include <stdbool.h>
#include <stddef.h>

struct workload {
  struct workload *next;
  char *name;
  char *bytes; // a whole HTTP response
  size_t length;
  size_t head; // bytes of it that are no chunk
  int pace;    // milliseconds, 0 for as fast as it goes
  bool by_event;
  bool closes;
};

// The workload of a request's path, made where it is new and owned by the list. NULL where the path
// names none, where it would be too large, or out of memory.
const struct workload *workload_find(struct workload **list, const char *path);

// Where the write that begins at `sent` ends.
size_t workload_write_end(const struct workload *workload, size_t sent);

void workload_free_all(struct workload *list);

#endif
