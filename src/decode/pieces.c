#include "decode/pieces.h"

static size_t cut(struct pieces *pieces) {
  size_t length = pieces->at;
  pieces->at = 0;
  pieces->is_ended = false;
  return length;
}

/* Takes the LF of a CR LF pair. */
static void join_line_end(struct pieces *pieces, const char *bytes) {
  pieces->after_cr = false;
  pieces->uses_crlf = bytes[pieces->at] == '\n';
  if (pieces->uses_crlf)
    pieces->at++;
}

size_t pieces_next(struct pieces *pieces, const char *bytes, size_t length) {
  while (pieces->at < length) {
    if (pieces->after_cr) {
      join_line_end(pieces, bytes);
      if (pieces->is_ended)
        return cut(pieces);
      continue;
    }
    char byte = bytes[pieces->at++];
    bool ends_line = byte == '\n' || byte == '\r', is_empty = ends_line && !pieces->in_line;
    pieces->in_line = !ends_line;
    pieces->after_cr = byte == '\r';
    pieces->is_ended = is_empty && byte == '\r';
    if (is_empty && byte == '\n')
      return cut(pieces);
  }
  /* if lines end in CR only, nothing more may come for a long time */
  return pieces->is_ended && !pieces->uses_crlf ? cut(pieces) : 0;
}
