#include "net/sending.h"

#include <string.h>

bool sending_begin(struct sending *sending) {
  sending->held_back = sending->is_sent;
  sending->is_sent = true;
  return !sending->held_back;
}

static bool begins_with(const char *text, size_t length, const char *words) {
  return length >= strlen(words) && memcmp(text, words, strlen(words)) == 0;
}

static bool ends_with(const char *text, size_t length, const char *words) {
  size_t count = strlen(words);
  return length >= count && memcmp(text + length - count, words, count) == 0;
}

void sending_note_log(struct sending *sending, const char *text, size_t length) {
  bool is_away = begins_with(text, length, "recveived GOAWAY") || /* before 8.1 */
                 begins_with(text, length, "received GOAWAY");
  if (begins_with(text, length, "REFUSED_STREAM") ||
      (is_away && ends_with(text, length, ", last_stream=0\n")))
    sending->is_refused = true;
  else if (begins_with(text, length, "Downgrades to HTTP/1.1"))
    sending->downgrades = true;
}
