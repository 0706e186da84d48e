#include "json/weight.h"

#include "json/scan.h"

#include <string.h>

enum {
  ALWAYS_ALLOWED = 24 * 1024 * 1024,
  LIGHT = 512 * 1024, /* no text up to this weighs more than that */
  SHORT_NAME = 40     /* names up to this are mostly the same ones again */
};

enum level { OBJECT = 1, NULLS = 2 };

struct scale {
  const char *at, *end;
  uint64_t sum;
  size_t depth;
  bool is_name; /* the next string is a member's name */
  unsigned char levels[JSON_MAX_DEPTH];
};

static bool is_digit(char byte) {
  return byte >= '0' && byte <= '9';
}

static size_t skip_digits(struct scale *scale) {
  const char *first = scale->at;
  while (scale->at < scale->end && is_digit(*scale->at))
    scale->at++;
  return (size_t)(scale->at - first);
}

static bool skip_one(struct scale *scale, const char *set) {
  bool found = scale->at < scale->end && *scale->at != '\0' && strchr(set, *scale->at) != NULL;
  scale->at += found;
  return found;
}

static void weigh_number(struct scale *scale) {
  skip_one(scale, "-");
  bool is_long = skip_digits(scale) > 15;
  if (skip_one(scale, "."))
    is_long = skip_digits(scale) > 200 || is_long;
  if (skip_one(scale, "eE")) {
    skip_one(scale, "+-");
    is_long = skip_digits(scale) > 2 || is_long;
  }
  scale->sum += is_long ? WEIGHT_DIGITS : 0;
}

/* `at` is behind the opening quote. */
static void weigh_string(struct scale *scale) {
  const char *first = scale->at;
  bool has_escapes = false;
  while (scale->at < scale->end && *scale->at != '"') {
    bool is_escape = *scale->at == '\\';
    has_escapes |= is_escape;
    scale->at += is_escape ? 2 : 1;
  }
  if (scale->at > scale->end)
    scale->at = scale->end;
  size_t length = (size_t)(scale->at - first);
  scale->at += scale->at < scale->end;
  if (!scale->is_name || length > SHORT_NAME)
    scale->sum += WEIGHT_STRING + length;
  if (scale->is_name)
    scale->sum += WEIGHT_MEMBER;
  if (scale->is_name && (has_escapes || (length == 5 && memcmp(first, "input", 5) == 0)))
    scale->sum += WEIGHT_INPUT;
}

static unsigned char *level(struct scale *scale) {
  return scale->depth > 0 ? &scale->levels[scale->depth - 1] : NULL;
}

static bool is_in_object(struct scale *scale) {
  return scale->depth > 0 && *level(scale) & OBJECT;
}

static void weigh_null(struct scale *scale) {
  if (!is_in_object(scale))
    return;
  scale->sum += WEIGHT_NULL + (*level(scale) & NULLS ? 0 : WEIGHT_NULLS);
  *level(scale) |= NULLS;
}

/* False where it is too deep to be read at all. */
static bool open_container(struct scale *scale, bool is_object) {
  if (scale->depth == JSON_MAX_DEPTH)
    return false;
  scale->levels[scale->depth++] = is_object ? OBJECT : 0;
  scale->is_name = is_object;
  scale->sum += WEIGHT_TABLE + (is_object ? 0 : WEIGHT_ELEMENT);
  return true;
}

uint64_t json_weight(const char *text, size_t length) {
  struct scale scale = {.at = text, .end = text + length};
  while (scale.at < scale.end) {
    char byte = *scale.at;
    if (byte == '-' || is_digit(byte)) {
      weigh_number(&scale);
      continue;
    }
    scale.at++;
    if (byte == '"')
      weigh_string(&scale);
    else if (byte == 'n' || byte == 'N' || byte == 'I') /* null, and what stands for it */
      weigh_null(&scale);
    else if (byte == ':')
      scale.is_name = false;
    else if (byte == ',') {
      scale.is_name = is_in_object(&scale);
      scale.sum += scale.is_name ? 0 : WEIGHT_ELEMENT;
    } else if (byte == '{' || byte == '[') {
      if (!open_container(&scale, byte == '{'))
        break;
    } else if ((byte == '}' || byte == ']') && scale.depth > 0)
      scale.depth--;
  }
  return scale.sum;
}

uint64_t json_weight_limit(size_t length) {
  return 2 * (uint64_t)length + ALWAYS_ALLOWED;
}

bool json_is_costly(const char *text, size_t length) {
  return length > LIGHT && json_weight(text, length) > json_weight_limit(length);
}
