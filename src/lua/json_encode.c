#include "lua/json.h"
#include "lua/json_keys.h"
#include "lua/json_place.h"
#include "lua/json_segments.h"
#include "lua/json_shape.h"
#include "json/encode.h"
#include "json/scan.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* The stack of json_encode. */
enum {
  VALUE = 1,
  RULES,
  MODE,
  OUTPUT,
  SEGMENTS,
  KINDS,
  LITERALS,
  FIELDS,
  INPUTS,
  DIGITS,
  IS_UNCHANGED,
  KEPT
};

enum { NOTED = SHAPE_MERGED + 1 }; /* pushed for a table, above its shape */

/* What the names above a value say about it. */
enum rule { ARRAY_WHEN_EMPTY = 1, NUMBER_KEYS = 2, MEMBERS = 4, DATA = 8 };

struct encoder {
  lua_State *L;
  struct buffer *output;
  unsigned mode;
  bool has_inputs; /* some table is a member whose text is kept */
  bool has_digits; /* some table has numbers whose digits were noted */
};

static bool encode_value(struct encoder *encoder, struct place *place, unsigned rule);

static void append(struct encoder *encoder, const void *bytes, size_t count) {
  if (!buffer_append(encoder->output, bytes, count))
    luaL_error(encoder->L, "not enough memory");
}

static void append_byte(struct encoder *encoder, char byte) {
  char *end = buffer_extend(encoder->output, 1);
  if (!end)
    luaL_error(encoder->L, "not enough memory");
  *end = byte;
}

/* Leaves "path: message" on top of the stack. */
static bool fail(struct encoder *encoder, const struct place *place, const char *format, ...) {
  lua_State *L = encoder->L;
  va_list arguments;
  va_start(arguments, format);
  lua_pushvfstring(L, format, arguments);
  va_end(arguments);
  bind_place_push_message(L, place, encoder->output);
  return false;
}

static bool encode_string(struct encoder *encoder, const struct place *place, const char *what,
                          const char *bytes, size_t length) {
  size_t invalid = 0;
  if (!json_encode_string(encoder->output, bytes, length,
                          encoder->mode & BIND_JSON_MEND ? NULL : &invalid))
    luaL_error(encoder->L, "not enough memory");
  if (!invalid)
    return true;
  char position[24];
  snprintf(position, sizeof position, "%zu", invalid);
  return fail(encoder, place, "%sinvalid UTF-8 at byte %s", what, position);
}

static bool encode_number(struct encoder *encoder, const struct place *place) {
  lua_State *L = encoder->L;
  bool done;
  if (lua_isinteger(L, -1)) {
    done = json_encode_integer(encoder->output, (int64_t)lua_tointeger(L, -1));
  } else {
    double number = (double)lua_tonumber(L, -1);
    if (!isfinite(number))
      return fail(encoder, place, "%s has no JSON form", isnan(number) ? "NaN" : "infinity");
    done = json_encode_double(encoder->output, number);
  }
  if (!done)
    luaL_error(L, "not enough memory");
  return true;
}

/* The rule of a member, whose name is at the index `name`, of an object with this rule. */
static unsigned member_rule(lua_State *L, unsigned rule, int name) {
  static const struct {
    const char *word;
    unsigned rule;
  } words[] = {{"array", ARRAY_WHEN_EMPTY},
               {"object", NUMBER_KEYS},
               {"members", MEMBERS},
               {"data", DATA},
               {"data array", DATA | ARRAY_WHEN_EMPTY}};
  unsigned found = 0;
  if (rule & DATA)
    return DATA;
  if (rule & MEMBERS)
    return 0;
  lua_pushvalue(L, name);
  lua_rawget(L, FIELDS);
  const char *word = lua_tostring(L, -1);
  for (size_t i = 0; word && i < sizeof words / sizeof *words; i++)
    if (strcmp(word, words[i].word) == 0)
      found = words[i].rule;
  lua_pop(L, 1);
  return found;
}

/* Writes the raw text of the member on top of the stack, if it has one that is still right. */
static bool encode_kept(struct encoder *encoder) {
  lua_State *L = encoder->L;
  int input = lua_gettop(L);
  bool unchanged = false;
  lua_pushvalue(L, input);
  lua_rawget(L, INPUTS);
  if (lua_type(L, -1) == LUA_TSTRING) {
    lua_pushvalue(L, IS_UNCHANGED);
    lua_pushvalue(L, input);
    lua_pushvalue(L, -3);
    lua_call(L, 2, 1);
    unchanged = lua_toboolean(L, -1);
    if (unchanged) {
      size_t length;
      const char *raw = lua_tolstring(L, -2, &length);
      append(encoder, raw, length);
    }
  }
  lua_settop(L, input);
  return unchanged;
}

/* Pops the digits noted for the number below, and writes them if the number still has the value
 * that they say. */
static bool encode_noted(struct encoder *encoder) {
  lua_State *L = encoder->L;
  int number = lua_gettop(L) - 1;
  bool same = false;
  if (lua_type(L, -1) == LUA_TSTRING) {
    size_t length;
    const char *digits = lua_tolstring(L, -1, &length);
    bind_json_push_number(L, digits, length);
    same = lua_rawequal(L, -1, number);
    if (same)
      append(encoder, digits, length);
  }
  lua_settop(L, number);
  return same;
}

static bool is_kept(lua_State *L, const struct key *key) {
  size_t length;
  const char *member = lua_tolstring(L, KEPT + BIND_KEPT_MEMBER, &length);
  return key->length == length && memcmp(key->name, member, length) == 0;
}

/* The stack index of the digits noted for the table that holds the member. */
static int notes_of(lua_State *L, const struct sources *sources, const struct key *key) {
  if (key->kind != MERGED_KEY)
    return sources->table + NOTED;
  lua_pushvalue(L, sources->merged);
  lua_rawget(L, DIGITS);
  return lua_gettop(L);
}

static bool encode_member(struct encoder *encoder, const struct place *place,
                          const struct sources *sources, const struct key *key, unsigned rule,
                          bool keeps) {
  lua_State *L = encoder->L;
  struct place member = {place, key->name, key->length, 0, NULL, place->depth + 1};
  lua_pushlstring(L, key->name, key->length);
  int name = lua_gettop(L);
  int noted = encoder->has_digits ? notes_of(L, sources, key) : 0;
  bind_keys_push_value(L, sources, key, name);
  if (keeps && lua_istable(L, -1) && is_kept(L, key) && encode_kept(encoder))
    return true;
  if (noted && lua_istable(L, noted)) {
    const struct sources notes = {.table = noted, .merged = noted};
    bind_keys_push_value(L, &notes, key, name);
    if (encode_noted(encoder))
      return true;
  }
  return encode_value(encoder, &member, member_rule(L, rule, name));
}

/* The keys are on top of the stack. */
static bool encode_object(struct encoder *encoder, const struct place *place,
                          const struct sources *sources, struct keys *keys, unsigned rule,
                          bool keeps) {
  lua_State *L = encoder->L;
  int top = lua_gettop(L);
  const struct key *twice = bind_keys_sort(keys);
  if (twice) {
    bool merged = twice[0].kind == MERGED_KEY || twice[1].kind == MERGED_KEY;
    lua_pushlstring(L, twice->name, twice->length);
    return fail(encoder, place, "%s is a key both %s", lua_tostring(L, -1),
                merged ? "of the table and of what stands beside it"
                       : "as a number and as a string");
  }
  append_byte(encoder, '{');
  for (size_t i = 0; i < keys->count; i++) {
    const struct key *key = &keys->list[i];
    if (i > 0)
      append_byte(encoder, ',');
    if (!encode_string(encoder, place, "a name has ", key->name, key->length))
      return false;
    append_byte(encoder, ':');
    if (key->kind == NULL_KEY)
      append(encoder, "null", 4);
    else if (key->kind == EMPTY_KEY)
      append(encoder, "{}", 2);
    else if (!encode_member(encoder, place, sources, key, rule, keeps))
      return false;
    lua_settop(L, top);
  }
  append_byte(encoder, '}');
  return true;
}

static bool encode_element(struct encoder *encoder, struct place *element, int table,
                           unsigned rule) {
  lua_State *L = encoder->L;
  int index = (int)element->index, notes = table + NOTED;
  lua_rawgeti(L, table, index);
  if (encoder->has_digits && lua_istable(L, notes)) {
    lua_rawgeti(L, notes, index);
    if (encode_noted(encoder))
      return true;
  }
  return encode_value(encoder, element, rule & DATA);
}

static bool encode_array(struct encoder *encoder, const struct place *place, int table,
                         size_t count, unsigned rule) {
  int top = lua_gettop(encoder->L);
  append_byte(encoder, '[');
  for (size_t i = 1; i <= count; i++) {
    struct place element = {place, NULL, 0, i, NULL, place->depth + 1};
    if (i > 1)
      append_byte(encoder, ',');
    if (!encode_element(encoder, &element, table, rule))
      return false;
    lua_settop(encoder->L, top);
  }
  append_byte(encoder, ']');
  return true;
}

static bool encode_raw(struct encoder *encoder, const struct place *place, int table) {
  size_t length;
  lua_rawgeti(encoder->L, table, 1);
  if (lua_type(encoder->L, -1) != LUA_TSTRING)
    return fail(encoder, place, "the raw JSON is gone");
  const char *raw = lua_tolstring(encoder->L, -1, &length);
  append(encoder, raw, length);
  return true;
}

/* Pushes the digits that were noted for the table's numbers, or nil. */
static void push_notes(const struct encoder *encoder, int table) {
  lua_pushnil(encoder->L);
  if (encoder->has_digits) {
    lua_pushvalue(encoder->L, table);
    lua_rawget(encoder->L, DIGITS);
    lua_replace(encoder->L, table + NOTED);
  }
}

/* Whether the surveyed keys make an array; fails if they make neither an array nor an object. */
static bool choose_form(struct encoder *encoder, const struct place *place, enum shape shape,
                        unsigned rule, const struct survey *survey, bool *array) {
  bool empty = survey->names == 0 && survey->numbers == 0;
  if (survey->other)
    return fail(encoder, place, "a key is a %s that cannot be a name", survey->other);
  *array = shape == ARRAY_SHAPE || (empty && shape == EMPTY_ARRAY_SHAPE) ||
           (empty && shape == PLAIN_SHAPE && rule & ARRAY_WHEN_EMPTY);
  if (shape == ARRAY_SHAPE && survey->names > 0)
    return fail(encoder, place, "an array has names as keys");
  if (empty || shape == OBJECT_SHAPE || (rule & NUMBER_KEYS && shape != ARRAY_SHAPE))
    return true;
  if (survey->names > 0 && survey->numbers > 0)
    return fail(encoder, place,
                "both names and numbers as keys; anthropic.object() makes all of them names");
  *array = survey->numbers > 0;
  if (*array && (survey->lowest != 1 || (uint64_t)survey->highest != survey->numbers))
    return fail(encoder, place,
                "an array with holes; fill them with anthropic.null, or make it an object with "
                "anthropic.object()");
  return true;
}

/* The table is on top of the stack. */
static bool encode_table(struct encoder *encoder, struct place *place, unsigned rule) {
  lua_State *L = encoder->L;
  int table = lua_gettop(L);
  struct sources sources = {table, table + SHAPE_NULLS, table + SHAPE_UNENCODED,
                            table + SHAPE_MERGED};
  place->table = lua_topointer(L, table);
  if (bind_place_is_inside(place, place->table))
    return fail(encoder, place, "the table contains itself");
  if (place->depth > JSON_MAX_DEPTH || !lua_checkstack(L, LUA_MINSTACK))
    return fail(encoder, place, "nested deeper than %d", JSON_MAX_DEPTH);
  enum shape shape = bind_shape_push(L, KINDS);
  if (shape == RAW_SHAPE)
    return encode_raw(encoder, place, table);
  push_notes(encoder, table);
  struct survey survey = bind_keys_survey(L, table);
  bool array = false;
  if (!choose_form(encoder, place, shape, rule, &survey, &array))
    return false;
  if (array)
    return encode_array(encoder, place, table, survey.numbers, rule);
  bool is_sent = encoder->mode & BIND_JSON_REQUEST && !(rule & (DATA | MEMBERS));
  bool keeps = (is_sent || encoder->has_inputs) && bind_json_is_tagged(L, table, KEPT);
  struct keys *keys = bind_keys_push(L, &sources, &survey, keeps && is_sent ? KEPT : 0);
  return encode_object(encoder, place, &sources, keys, rule, keeps);
}

/* Writes the value on top of the stack and leaves it there, perhaps with more above it. */
static bool encode_value(struct encoder *encoder, struct place *place, unsigned rule) {
  lua_State *L = encoder->L;
  size_t length;
  switch (lua_type(L, -1)) {
  case LUA_TSTRING: {
    const char *bytes = lua_tolstring(L, -1, &length);
    return (encoder->mode & BIND_JSON_REQUEST &&
            bind_segments_add_string(L, SEGMENTS, encoder->output)) ||
           encode_string(encoder, place, "", bytes, length);
  }
  case LUA_TNUMBER:
    return encode_number(encoder, place);
  case LUA_TBOOLEAN:
    if (lua_toboolean(L, -1))
      append(encoder, "true", 4);
    else
      append(encoder, "false", 5);
    return true;
  case LUA_TTABLE:
    return encode_table(encoder, place, rule);
  default:
    lua_pushvalue(L, -1);
    lua_rawget(L, LITERALS);
    if (lua_type(L, -1) != LUA_TSTRING)
      return fail(encoder, place, "a %s has no JSON form", luaL_typename(L, -2));
    const char *literal = lua_tolstring(L, -1, &length);
    append(encoder, literal, length);
    return true;
  }
}

static bool has_members(lua_State *L, int table) {
  lua_pushnil(L);
  bool found = lua_next(L, table) != 0;
  if (found)
    lua_pop(L, 2);
  return found;
}

int bind_json_encode(lua_State *L) {
  static const char *const rules[] = {"kinds", "literals", "fields", "inputs", "digits"};
  luaL_checkany(L, VALUE);
  luaL_checktype(L, RULES, LUA_TTABLE);
  lua_settop(L, MODE);
  unsigned mode = (unsigned)luaL_optinteger(L, MODE, 0);
  struct encoder encoder = {.L = L, .output = bind_json_new_buffer(L), .mode = mode};
  lua_pushnil(L);
  for (int i = 0; i < (int)(sizeof rules / sizeof *rules); i++) {
    lua_getfield(L, RULES, rules[i]);
    luaL_checktype(L, KINDS + i, LUA_TTABLE);
  }
  lua_getfield(L, RULES, "is_unchanged");
  lua_getfield(L, RULES, "kept");
  bind_json_push_kept(L, KEPT);
  encoder.has_inputs = has_members(L, INPUTS);
  encoder.has_digits = has_members(L, DIGITS);
  lua_pushvalue(L, VALUE);
  struct place root = {NULL, NULL, 0, 0, NULL, 1};
  if (!encode_value(&encoder, &root, 0)) {
    lua_pushnil(L);
    lua_insert(L, -2);
    return 2;
  }
  bind_segments_push(L, SEGMENTS, encoder.output);
  return 1;
}
