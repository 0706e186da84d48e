#include "lua/json.h"
#include "lua/json_keys.h"
#include "json/encode.h"
#include "json/scan.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* The stack of json_encode. */
enum { VALUE = 1, RULES, OUTPUT, KINDS, LITERALS, FIELDS, INPUTS, IS_UNCHANGED };

/* What the names above a value say of it. */
enum rule { ARRAY_WHEN_EMPTY = 1, NUMBER_KEYS = 2, MEMBERS = 4, DATA = 8 };

/* Where the encoder is: a member (name) or an element (index) of the parent. */
struct place {
  const struct place *parent;
  const char *name;
  size_t length;
  size_t index;
  const void *table;
  int depth;
};

struct encoder {
  lua_State *L;
  struct buffer *output;
};

/* What a table's metatable says of it. */
enum shape { PLAIN_SHAPE, ARRAY_SHAPE, EMPTY_ARRAY_SHAPE, OBJECT_SHAPE, RAW_SHAPE, LISTED_SHAPE };

static bool encode_value(struct encoder *encoder, struct place *place, unsigned rule);

static void append(struct encoder *encoder, const void *bytes, size_t count) {
  if (!buffer_append(encoder->output, bytes, count))
    luaL_error(encoder->L, "not enough memory");
}

static bool is_word(const char *name, size_t length) {
  bool word = length > 0 && !(name[0] >= '0' && name[0] <= '9');
  for (size_t i = 0; i < length && word; i++)
    word = name[i] == '_' || (name[i] >= '0' && name[i] <= '9') ||
           ((name[i] | 0x20) >= 'a' && (name[i] | 0x20) <= 'z');
  return word;
}

/* The middle of a very long path is left out. */
static void append_path(struct encoder *encoder, const struct place *place, int depth) {
  if (!place->parent)
    return;
  append_path(encoder, place->parent, depth);
  if (place->depth >= 16 && place->depth + 16 < depth) {
    if (place->depth == 16)
      append(encoder, "...", 3);
    return;
  }
  size_t ignored;
  if (!place->name) {
    char index[32];
    append(encoder, index, (size_t)snprintf(index, sizeof index, "[%zu]", place->index));
  } else if (is_word(place->name, place->length)) {
    append(encoder, ".", place->parent->parent != NULL);
    append(encoder, place->name, place->length);
  } else {
    append(encoder, "[", 1);
    if (!json_encode_string(encoder->output, place->name, place->length, &ignored))
      luaL_error(encoder->L, "not enough memory");
    append(encoder, "]", 1);
  }
}

/* Leaves "path: message" on top of the stack. */
static bool fail(struct encoder *encoder, const struct place *place, const char *format, ...) {
  lua_State *L = encoder->L;
  va_list arguments;
  va_start(arguments, format);
  lua_pushvfstring(L, format, arguments);
  va_end(arguments);
  buffer_clear(encoder->output);
  append_path(encoder, place, place->depth);
  if (encoder->output->length == 0)
    append(encoder, "value", 5);
  lua_pushlstring(L, buffer_bytes(encoder->output), encoder->output->length);
  lua_pushfstring(L, "%s: %s", lua_tostring(L, -1), lua_tostring(L, -2));
  return false;
}

static bool encode_string(struct encoder *encoder, const struct place *place, const char *what,
                          const char *bytes, size_t length) {
  size_t invalid;
  if (!json_encode_string(encoder->output, bytes, length, &invalid))
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

/* Reads the metatable of `table`. Pushes what the shape needs: the list of fields, or the set of
   names that are null, or nil. */
static enum shape read_shape(lua_State *L, int table) {
  static const char *const kinds[] = {"", "array", "empty array", "object", "raw"};
  enum shape shape = PLAIN_SHAPE;
  if (!lua_getmetatable(L, table)) {
    lua_pushnil(L);
    return PLAIN_SHAPE;
  }
  lua_pushvalue(L, -1);
  lua_rawget(L, KINDS);
  if (lua_type(L, -1) == LUA_TSTRING) {
    for (int i = ARRAY_SHAPE; i <= RAW_SHAPE; i++)
      if (strcmp(lua_tostring(L, -1), kinds[i]) == 0)
        shape = (enum shape)i;
    lua_pop(L, 2);
    lua_pushnil(L);
    return shape;
  }
  lua_pop(L, 1);
  lua_pushliteral(L, "__encode");
  lua_rawget(L, -2);
  if (lua_istable(L, -1)) {
    shape = LISTED_SHAPE;
  } else {
    lua_pop(L, 1);
    lua_pushliteral(L, "__nulls");
    lua_rawget(L, -2);
    if (lua_istable(L, -1)) {
      shape = OBJECT_SHAPE;
    } else {
      lua_pop(L, 1);
      lua_pushnil(L);
    }
  }
  lua_remove(L, -2);
  return shape;
}

/* Whether `table` is a block whose type ends in "tool_use". */
static bool is_tool_use(lua_State *L, int table) {
  static const char ending[] = "tool_use";
  size_t length;
  lua_pushliteral(L, "type");
  lua_rawget(L, table);
  bool found = false;
  if (lua_type(L, -1) == LUA_TSTRING) {
    const char *type = lua_tolstring(L, -1, &length);
    found = length >= 8 && memcmp(type + length - 8, ending, 8) == 0;
  }
  lua_pop(L, 1);
  return found;
}

/* What the names say of a member of an object with this rule. */
static unsigned member_rule(lua_State *L, unsigned rule, const struct key *key) {
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
  lua_pushlstring(L, key->name, key->length);
  lua_rawget(L, FIELDS);
  const char *word = lua_tostring(L, -1);
  for (size_t i = 0; word && i < sizeof words / sizeof *words; i++)
    if (strcmp(word, words[i].word) == 0)
      found = words[i].rule;
  lua_pop(L, 1);
  return found;
}

/* Writes the raw text of the tool input on top of the stack, if it has one that still holds. */
static bool encode_raw_input(struct encoder *encoder) {
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

static bool encode_member(struct encoder *encoder, const struct place *place, int table,
                          const struct key *key, unsigned rule, bool tool_use) {
  lua_State *L = encoder->L;
  struct place member = {place, key->name, key->length, 0, NULL, place->depth + 1};
  bind_keys_push_value(L, table, key);
  if (tool_use && lua_istable(L, -1) && bind_keys_equal(key->name, key->length, "input") &&
      encode_raw_input(encoder))
    return true;
  return encode_value(encoder, &member, member_rule(L, rule, key));
}

/* The keys are on top of the stack. */
static bool encode_object(struct encoder *encoder, const struct place *place, int table,
                          struct keys *keys, unsigned rule, bool tool_use) {
  lua_State *L = encoder->L;
  int top = lua_gettop(L);
  const struct key *twice = bind_keys_sort(keys);
  if (twice) {
    lua_pushlstring(L, twice->name, twice->length);
    return fail(encoder, place, "%s is a key both as a number and as a string",
                lua_tostring(L, -1));
  }
  append(encoder, "{", 1);
  for (size_t i = 0; i < keys->count; i++) {
    const struct key *key = &keys->list[i];
    append(encoder, ",", i > 0);
    if (!encode_string(encoder, place, "a name has ", key->name, key->length))
      return false;
    append(encoder, ":", 1);
    if (key->kind == NULL_KEY)
      append(encoder, "null", 4);
    else if (key->kind == EMPTY_INPUT_KEY)
      append(encoder, "{}", 2);
    else if (!encode_member(encoder, place, table, key, rule, tool_use))
      return false;
    lua_settop(L, top);
  }
  append(encoder, "}", 1);
  return true;
}

/* Whether the value on top of the stack is marked as not to be sent. */
static bool is_unsent(lua_State *L) {
  if (!lua_istable(L, -1) || !lua_getmetatable(L, -1))
    return false;
  lua_pushliteral(L, "__unsent");
  lua_rawget(L, -2);
  bool unsent = lua_toboolean(L, -1);
  lua_pop(L, 2);
  return unsent;
}

static bool encode_array(struct encoder *encoder, const struct place *place, int table,
                         size_t count, unsigned rule) {
  int top = lua_gettop(encoder->L);
  bool first = true;
  append(encoder, "[", 1);
  for (size_t i = 1; i <= count; i++) {
    struct place element = {place, NULL, 0, i, NULL, place->depth + 1};
    lua_rawgeti(encoder->L, table, (int)i);
    if (!is_unsent(encoder->L)) {
      append(encoder, ",", !first);
      first = false;
      if (!encode_value(encoder, &element, rule & DATA))
        return false;
    }
    lua_settop(encoder->L, top);
  }
  append(encoder, "]", 1);
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

/* Whether the surveyed keys make an array; fails where they make neither array nor object. */
static bool choose_form(struct encoder *encoder, const struct place *place, enum shape shape,
                        unsigned rule, const struct survey *survey, bool *array) {
  bool empty = survey->names == 0 && survey->numbers == 0;
  *array = shape == ARRAY_SHAPE || (empty && shape == EMPTY_ARRAY_SHAPE) ||
           (empty && shape == PLAIN_SHAPE && rule & ARRAY_WHEN_EMPTY);
  if (shape == LISTED_SHAPE)
    return true;
  if (survey->other)
    return fail(encoder, place, "a key is a %s that cannot be a name", survey->other);
  if (shape == OBJECT_SHAPE || rule & NUMBER_KEYS || empty)
    return true;
  if (survey->names > 0 && shape == ARRAY_SHAPE)
    return fail(encoder, place, "an array has names as keys");
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
  int table = lua_gettop(L), extra = table + 1;
  place->table = lua_topointer(L, table);
  for (const struct place *outer = place->parent; outer; outer = outer->parent)
    if (outer->table == place->table)
      return fail(encoder, place, "the table contains itself");
  if (place->depth > JSON_MAX_DEPTH || !lua_checkstack(L, LUA_MINSTACK))
    return fail(encoder, place, "nested deeper than %d", JSON_MAX_DEPTH);
  enum shape shape = read_shape(L, table);
  if (shape == RAW_SHAPE)
    return encode_raw(encoder, place, table);
  struct survey survey = bind_keys_survey(L, table);
  bool array;
  if (!choose_form(encoder, place, shape, rule, &survey, &array))
    return false;
  if (array)
    return encode_array(encoder, place, table, survey.numbers, rule);
  bool tool_use = shape != LISTED_SHAPE && !(rule & (DATA | MEMBERS)) && is_tool_use(L, table);
  struct keys *keys = shape == LISTED_SHAPE ? bind_keys_push_listed(L, table, extra)
                                            : bind_keys_push(L, table, extra, &survey, tool_use);
  return encode_object(encoder, place, table, keys, rule, tool_use);
}

/* Writes the value on top of the stack and leaves it there, perhaps with more above it. */
static bool encode_value(struct encoder *encoder, struct place *place, unsigned rule) {
  lua_State *L = encoder->L;
  size_t length;
  switch (lua_type(L, -1)) {
  case LUA_TSTRING: {
    const char *bytes = lua_tolstring(L, -1, &length);
    return encode_string(encoder, place, "", bytes, length);
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

int bind_json_encode(lua_State *L) {
  static const char *const rules[] = {"kinds", "literals", "fields", "inputs"};
  luaL_checkany(L, VALUE);
  luaL_checktype(L, RULES, LUA_TTABLE);
  lua_settop(L, RULES);
  struct encoder encoder = {L, bind_json_new_buffer(L)};
  for (int i = 0; i < 4; i++) {
    lua_getfield(L, RULES, rules[i]);
    luaL_checktype(L, KINDS + i, LUA_TTABLE);
  }
  lua_getfield(L, RULES, "is_unchanged");
  lua_pushvalue(L, VALUE);
  struct place root = {NULL, NULL, 0, 0, NULL, 1};
  if (!encode_value(&encoder, &root, 0)) {
    lua_pushnil(L);
    lua_insert(L, -2);
    return 2;
  }
  lua_pushlstring(L, buffer_bytes(encoder.output), encoder.output->length);
  buffer_free(encoder.output);
  return 1;
}
