#include "json/weight.h"

#include <string.h>

enum {
  ALWAYS_ALLOWED = 24 * 1024 * 1024,
  LIGHT = 512 * 1024, /* no text up to this length weighs more than ALWAYS_ALLOWED */
  NAMES = 1024        /* that are remembered: Lua keeps equal names once */
};

/* Sizes of a table's parts. A table doubles when it grows, and for a moment has old and new parts.
 */
enum { SLOT = 16, NODE = 40, MANY = 1024 };

/* An open container. */
struct level {
  bool is_object, has_nulls;
  uint32_t count; /* of commas */
};

struct scale {
  const char *at, *end;
  uint64_t sum;
  size_t depth;
  bool is_name;          /* the next string is a member's name */
  uint32_t names[NAMES]; /* hashes, each at hash % NAMES */
  struct level levels[JSON_MAX_DEPTH];
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
  bool is_zero = scale->at < scale->end && *scale->at == '0';
  size_t digits = skip_digits(scale);
  bool is_long = digits > 15;
  if (skip_one(scale, "."))
    is_long = skip_digits(scale) + (is_zero ? 0 : digits) > 17;
  if (skip_one(scale, "eE")) {
    skip_one(scale, "+-");
    is_long = skip_digits(scale) > 2 || is_long;
  }
  scale->sum += is_long ? WEIGHT_DIGITS : 0;
}

static bool is_known(struct scale *scale, uint32_t hash) {
  uint32_t *place = &scale->names[hash % NAMES];
  bool found = *place == hash;
  *place = hash;
  return found;
}

/* `at` is after the opening quote. */
static void weigh_string(struct scale *scale) {
  const char *first = scale->at;
  bool has_escapes = false;
  uint32_t hash = 2166136261;
  while (scale->at < scale->end && *scale->at != '"') {
    bool is_escape = *scale->at == '\\';
    hash = (hash ^ (unsigned char)*scale->at) * 16777619;
    has_escapes |= is_escape;
    scale->at += is_escape ? 2 : 1;
  }
  if (scale->at > scale->end)
    scale->at = scale->end;
  size_t length = (size_t)(scale->at - first);
  scale->at += scale->at < scale->end;
  if (!scale->is_name || !is_known(scale, hash))
    scale->sum += WEIGHT_STRING + length;
  if (scale->is_name)
    scale->sum += WEIGHT_MEMBER;
  if (scale->is_name && (has_escapes || (length == 5 && memcmp(first, "input", 5) == 0)))
    scale->sum += WEIGHT_INPUT;
}

/* NULL outside all containers. */
static struct level *innermost(struct scale *scale) {
  return scale->depth > 0 ? &scale->levels[scale->depth - 1] : NULL;
}

static void weigh_null(struct scale *scale) {
  struct level *level = innermost(scale);
  if (!level || !level->is_object)
    return;
  scale->sum += WEIGHT_NULL + (level->has_nulls ? 0 : WEIGHT_NULLS);
  level->has_nulls = true;
}

static void weigh_comma(struct scale *scale) {
  struct level *level = innermost(scale);
  scale->is_name = level && level->is_object;
  scale->sum += scale->is_name ? 0 : WEIGHT_ELEMENT;
  if (level)
    level->count++;
}

/* False if it is nested too deep to be read at all. */
static bool open_container(struct scale *scale, bool is_object) {
  if (scale->depth == JSON_MAX_DEPTH)
    return false;
  scale->levels[scale->depth++] = (struct level){.is_object = is_object};
  scale->is_name = is_object;
  scale->sum += WEIGHT_TABLE + (is_object ? 0 : WEIGHT_ELEMENT);
  return true;
}

/* Adds what a large container takes beyond what was counted for its members. */
static void close_container(struct scale *scale) {
  const struct level *level = innermost(scale);
  if (!level)
    return;
  scale->depth--;
  if (level->count < MANY)
    return;
  uint64_t capacity = MANY;
  while (capacity <= level->count)
    capacity *= 2;
  uint64_t most = capacity * 3 / 2 * (level->is_object ? NODE : SLOT);
  uint64_t counted = (uint64_t)level->count * (level->is_object ? WEIGHT_MEMBER : WEIGHT_ELEMENT);
  scale->sum += most > counted ? most - counted : 0;
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
    else if (byte == ',')
      weigh_comma(&scale);
    else if (byte == '}' || byte == ']')
      close_container(&scale);
    else if ((byte == '{' || byte == '[') && !open_container(&scale, byte == '{'))
      break;
  }
  return scale.sum;
}

uint64_t json_weight_limit(size_t length) {
  return 2 * (uint64_t)length + ALWAYS_ALLOWED;
}

bool json_is_costly(const char *text, size_t length) {
  return length > LIGHT && json_weight(text, length) > json_weight_limit(length);
}
