#include "net/recording.h"

bool recording_add(struct recording *recording, double seconds, const char *bytes, size_t length) {
  if (!buffer_append(&recording->bytes, bytes, length))
    return false;
  struct recording_piece piece = {seconds, recording->bytes.length};
  return buffer_append(&recording->pieces, &piece, sizeof piece);
}

size_t recording_count(const struct recording *recording) {
  return recording->pieces.length / sizeof(struct recording_piece);
}

struct recording_piece recording_piece(const struct recording *recording, size_t index) {
  struct recording_piece piece;
  memcpy(&piece, buffer_bytes(&recording->pieces) + index * sizeof piece, sizeof piece);
  return piece;
}

void recording_free(struct recording *recording) {
  buffer_free(&recording->bytes);
  buffer_free(&recording->pieces);
}
