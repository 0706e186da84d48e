/* The Lua type of json/partial.h: core.json_partial() -> a reader that builds a value as its text
 * comes. */
#include "lua/json.h"

#include "lua/modules.h"
#include "json/partial.h"
#include "json/weight.h"

#include <stdio.h>
#include <string.h>

#define READER "anthropic.json_partial"

/* While the reader is read or fed, it is lent: a finalizer, which runs wherever Lua allocates, must
 * not feed it. It stays lent if Lua runs out of memory then: part of the text may be lost. */
struct reader {
  struct json_partial partial;
  size_t added_from; /* what the last feed added to an unfinished string starts here */
  bool failed;
  bool lent;
  size_t fed;
  uint64_t weight; /* of what was built */
};

/* The reader's uservalue, the build, is a table: at 0 the value, at d the open container of depth
 * d, at -d the name of its next member; and the metatables of empty containers. */
enum { READER_INDEX = 1, BYTES, BUILD };

static struct reader *check_reader(lua_State *L) {
  return luaL_checkudata(L, READER_INDEX, READER);
}

/* json_partial(): the upvalues are the metatables of empty arrays and objects. */
static int new_reader(lua_State *L) {
  struct reader *reader = lua_newuserdata(L, sizeof *reader);
  memset(reader, 0, sizeof *reader);
  luaL_getmetatable(L, READER);
  lua_setmetatable(L, -2);
  lua_newtable(L);
  lua_pushvalue(L, lua_upvalueindex(1));
  lua_setfield(L, -2, "array");
  lua_pushvalue(L, lua_upvalueindex(2));
  lua_setfield(L, -2, "object");
  lua_newtable(L);
  lua_pushvalue(L, lua_upvalueindex(2));
  lua_setmetatable(L, -2);
  lua_rawseti(L, -2, 0);
  set_uservalue(L, -2);
  return 1;
}

/* --- building ----------------------------------------------------------------------------------
 */

/* Puts the value on top of the stack into the container that is open at `depth`. */
static void place(lua_State *L, const struct json_partial *partial, size_t depth) {
  if (depth == 0) {
    lua_rawseti(L, BUILD, 0);
    return;
  }
  size_t members = partial->members[depth - 1];
  lua_rawgeti(L, BUILD, (int)depth);
  if (members == 1) { /* it is no longer empty */
    lua_pushnil(L);
    lua_setmetatable(L, -2);
  }
  if (partial->arrays[depth - 1]) {
    lua_insert(L, -2);
    lua_rawseti(L, -2, (int)members);
  } else {
    lua_insert(L, -2);
    lua_rawgeti(L, BUILD, -(int)depth);
    lua_insert(L, -2);
    lua_rawset(L, -3);
  }
  lua_pop(L, 1);
}

/* The outermost table has been there from the start. */
static void open_table(lua_State *L, const struct json_partial *partial, const char *kind) {
  if (partial->depth == 1)
    lua_rawgeti(L, BUILD, 0);
  else
    lua_newtable(L);
  lua_getfield(L, BUILD, kind);
  lua_setmetatable(L, -2);
  lua_pushvalue(L, -1);
  lua_rawseti(L, BUILD, (int)partial->depth);
  place(L, partial, partial->depth - 1);
}

static void push_text(lua_State *L, struct reader *reader, size_t from) {
  struct buffer *text = &reader->partial.text;
  bool lent = reader->lent;
  reader->lent = true;
  buffer_lend(text);
  lua_pushlstring(L, text->length ? buffer_bytes(text) + from : "", text->length - from);
  buffer_take_back(text);
  reader->lent = lent;
}

/* A token that is no value costs nothing: the end of a container, or of what was fed. */
static void weigh(struct reader *reader, enum json_partial_token token) {
  static const unsigned char weights[] = {
      [JSON_PARTIAL_OBJECT] = WEIGHT_TABLE + WEIGHT_ELEMENT,
      [JSON_PARTIAL_ARRAY] = WEIGHT_TABLE + WEIGHT_ELEMENT,
      [JSON_PARTIAL_NAME] = WEIGHT_MEMBER,
      [JSON_PARTIAL_STRING] = WEIGHT_ELEMENT + WEIGHT_STRING,
      [JSON_PARTIAL_NUMBER] = WEIGHT_ELEMENT,
      [JSON_PARTIAL_TRUE] = WEIGHT_ELEMENT,
      [JSON_PARTIAL_FALSE] = WEIGHT_ELEMENT,
      [JSON_PARTIAL_NULL] = WEIGHT_ELEMENT,
      [JSON_PARTIAL_NO_MEMORY] = 0,
  };
  bool has_text = token == JSON_PARTIAL_NAME || token == JSON_PARTIAL_STRING;
  reader->weight += weights[token] + (has_text ? reader->partial.text.length : 0);
}

static void build(lua_State *L, struct reader *reader, enum json_partial_token token) {
  const struct json_partial *partial = &reader->partial;
  switch (token) {
  case JSON_PARTIAL_OBJECT:
    open_table(L, partial, "object");
    return;
  case JSON_PARTIAL_ARRAY:
    open_table(L, partial, "array");
    return;
  case JSON_PARTIAL_NAME:
    push_text(L, reader, 0);
    lua_rawseti(L, BUILD, -(int)partial->depth);
    return;
  case JSON_PARTIAL_STRING:
    push_text(L, reader, 0);
    break;
  case JSON_PARTIAL_NUMBER:
    bind_json_push_number(L, buffer_bytes(&partial->text), partial->text.length);
    break;
  case JSON_PARTIAL_TRUE:
  case JSON_PARTIAL_FALSE:
    lua_pushboolean(L, token == JSON_PARTIAL_TRUE);
    break;
  case JSON_PARTIAL_NULL:
    lua_pushlightuserdata(L, NULL);
    break;
  default:
    return;
  }
  place(L, partial, partial->depth);
}

/* --- methods -----------------------------------------------------------------------------------
 */

static int failure(lua_State *L, struct reader *reader) {
  char position[24];
  reader->failed = true;
  snprintf(position, sizeof position, "%zu", reader->partial.position);
  lua_pushnil(L);
  lua_pushfstring(L, "%s at byte %s", reader->partial.message, position);
  return 2;
}

/* Builds with the token; false if no other token follows. */
static bool take(lua_State *L, struct reader *reader, enum json_partial_token token) {
  if (token == JSON_PARTIAL_NO_MEMORY)
    luaL_error(L, "not enough memory");
  weigh(reader, token);
  reader->failed = reader->weight > json_weight_limit(reader->fed);
  if (reader->failed) {
    reader->partial.message = JSON_COSTLY;
    return false;
  }
  build(L, reader, token);
  return token != JSON_PARTIAL_MORE && token != JSON_PARTIAL_INVALID;
}

/* feed(bytes) -> true | nil, message; after a failure, all further calls fail */
static int feed(lua_State *L) {
  struct reader *reader = check_reader(L);
  size_t length;
  const char *at = luaL_checklstring(L, BYTES, &length), *end = at + length;
  if (reader->failed)
    return failure(L, reader);
  if (reader->lent)
    return luaL_error(L, "not enough memory");
  reader->lent = true;
  reader->fed += length;
  lua_settop(L, BYTES);
  get_uservalue(L, READER_INDEX);
  bool in_string = json_partial_in_string(&reader->partial);
  reader->added_from = in_string ? reader->partial.text.length : 0;
  enum json_partial_token token;
  do {
    token = json_partial_next(&reader->partial, &at, end);
    reader->added_from = token == JSON_PARTIAL_MORE ? reader->added_from : 0;
  } while (take(L, reader, token));
  reader->lent = false;
  if (token == JSON_PARTIAL_INVALID || reader->failed)
    return failure(L, reader);
  lua_pushboolean(L, 1);
  return 1;
}

/* value() -> the value as far as it has come: at first an empty object */
static int value(lua_State *L) {
  check_reader(L);
  get_uservalue(L, READER_INDEX);
  lua_rawgeti(L, -1, 0);
  return 1;
}

/* path() -> the names and positions that lead to the string that is being read | nil */
static int path(lua_State *L) {
  const struct json_partial *partial = &check_reader(L)->partial;
  if (!json_partial_in_string(partial)) {
    lua_pushnil(L);
    return 1;
  }
  get_uservalue(L, READER_INDEX);
  lua_createtable(L, (int)partial->depth, 0);
  for (size_t depth = 1; depth <= partial->depth; depth++) {
    if (partial->arrays[depth - 1])
      lua_pushinteger(L, (lua_Integer)partial->members[depth - 1]);
    else
      lua_rawgeti(L, -2, -(int)depth);
    lua_rawseti(L, -2, (int)depth);
  }
  return 1;
}

/* text() -> the string that is being read, as far as it has come | nil */
static int text(lua_State *L) {
  struct reader *reader = check_reader(L);
  if (json_partial_in_string(&reader->partial))
    push_text(L, reader, 0);
  else
    lua_pushnil(L);
  return 1;
}

/* added() -> what the last feed added to the string that is being read, "" outside a string */
static int added(lua_State *L) {
  struct reader *reader = check_reader(L);
  if (json_partial_in_string(&reader->partial))
    push_text(L, reader, reader->added_from);
  else
    lua_pushliteral(L, "");
  return 1;
}

static int free_reader(lua_State *L) {
  buffer_free(&check_reader(L)->partial.text);
  return 0;
}

static const luaL_Reg metamethods[] = {
    {"__gc", free_reader},
    {NULL, NULL},
};

static const luaL_Reg methods[] = {
    {"feed", feed}, {"value", value}, {"path", path},
    {"text", text}, {"added", added}, {NULL, NULL},
};

void bind_json_partial_open(lua_State *L) {
  bind_type_make(L, READER, metamethods, methods);
  lua_getfield(L, -1, "json_array_metatable");
  lua_getfield(L, -2, "json_object_metatable");
  lua_pushcclosure(L, new_reader, 2);
  lua_setfield(L, -2, "json_partial");
}
