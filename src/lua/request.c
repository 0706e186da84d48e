/* What a request is made of: the options table of loop:start. A wrong type is a mistake in the Lua
 * layer and raises. */
#include "lua/request.h"

#include "lua/modules.h"
#include "net/multipart.h"
#include "util/sink.h"

#include <string.h>

/* The stack of loop:start. */
enum { LOOP = 1, OPTIONS, BODY, SINK, PARTS, BODY_FILE };

/* Leaves the string on the stack, which keeps it alive; nil if it is missing. */
static const char *push_string(lua_State *L, int table, const char *name, size_t *length) {
  lua_getfield(L, table, name);
  if (!lua_isnil(L, -1) && lua_type(L, -1) != LUA_TSTRING)
    luaL_error(L, "%s must be a string", name);
  return lua_tolstring(L, -1, length);
}

/* NULL also if it is a list of at least one string: they are sent as if they were one. */
static const char *push_body(lua_State *L, size_t *length) {
  lua_getfield(L, OPTIONS, "body");
  bool is_list = lua_istable(L, -1) && lua_rawlen(L, -1) > 0;
  if (!is_list)
    lua_pop(L, 1);
  return is_list ? NULL : push_string(L, OPTIONS, "body", length);
}

/* A path may hold a line break, because it is not sent. */
static const char *push_path(lua_State *L, int table, const char *name) {
  size_t length = 0;
  const char *path = push_string(L, table, name, &length);
  if (path && strlen(path) != length)
    luaL_error(L, "%s must not contain NUL", name);
  return path;
}

/* A string for libcurl, which would stop at a NUL and pass a line break on to the wire. */
static const char *push_line(lua_State *L, int table, const char *name) {
  size_t length = 0;
  const char *text = push_string(L, table, name, &length);
  if (text && (strlen(text) != length || strpbrk(text, "\r\n")))
    luaL_error(L, "%s must not contain NUL or a line break", name);
  return text;
}

static double number_field(lua_State *L, const char *name) {
  lua_getfield(L, OPTIONS, name);
  if (!lua_isnil(L, -1) && lua_type(L, -1) != LUA_TNUMBER)
    luaL_error(L, "%s must be a number", name);
  double number = lua_tonumber(L, -1);
  lua_pop(L, 1);
  return number;
}

size_t bind_request_size(lua_State *L, const char *name) {
  size_t size = bind_size(number_field(L, name));
  return size > 0 ? size : SIZE_MAX;
}

bool bind_request_flag(lua_State *L, const char *name) {
  lua_getfield(L, OPTIONS, name);
  bool value = lua_toboolean(L, -1);
  lua_pop(L, 1);
  return value;
}

/* false: without the value that all requests have in common. */
static const char *push_route_option(lua_State *L, const struct route_option *row) {
  lua_getfield(L, OPTIONS, row->name);
  bool is_none = !lua_toboolean(L, -1);
  lua_pop(L, 1);
  if (is_none || row->is_flag)
    return is_none ? NULL : row->name;
  return push_line(L, OPTIONS, row->name);
}

struct transfer_options bind_request_read(lua_State *L) {
  struct transfer_options options = {0};
  luaL_checkstack(L, LUA_MINSTACK + MAX_ROUTE_OPTIONS, "too many options");
  options.body = push_body(L, &options.body_length);
  lua_getfield(L, OPTIONS, "sink");
  options.sink = lua_isnil(L, SINK) ? NULL : bind_sink_check(L, SINK);
  lua_getfield(L, OPTIONS, "multipart");
  options.body_file = push_path(L, OPTIONS, "body_file");
  options.method = push_line(L, OPTIONS, "method");
  options.url = push_line(L, OPTIONS, "url");
  for (size_t i = 0; route_options[i].name; i++)
    options.route[i] = push_route_option(L, &route_options[i]);
  options.http2 = bind_request_flag(L, "http2");
  options.fresh = bind_request_flag(L, "fresh");
  options.once = bind_request_flag(L, "once");
  options.max_idle = (long)number_field(L, "max_idle");
  options.connect_timeout = number_field(L, "connect_timeout");
  options.first_byte_timeout = number_field(L, "first_byte_timeout");
  options.idle_timeout = number_field(L, "idle_timeout");
  options.total_timeout = number_field(L, "total_timeout");
  options.max_body_bytes = bind_request_size(L, "max_body_bytes");
  options.max_download_bytes = bind_request_size(L, "max_download_bytes");
  options.record = bind_request_flag(L, "record");
  if (!options.method || !options.url)
    luaL_error(L, "method and url must be given");
  return options;
}

/* `headers` is a list of "Name: value" lines. False when memory ran out. */
static bool add_headers(lua_State *L, struct transfer *transfer) {
  lua_getfield(L, OPTIONS, "headers");
  size_t count = lua_istable(L, -1) ? lua_rawlen(L, -1) : 0;
  for (size_t i = 1; i <= count; i++) {
    size_t length = 0;
    lua_rawgeti(L, -1, (int)i);
    const char *line = lua_type(L, -1) == LUA_TSTRING ? lua_tolstring(L, -1, &length) : NULL;
    if (!line || strlen(line) != length || strpbrk(line, "\r\n"))
      luaL_error(L, "header %d must be a string without NUL or a line break", (int)i);
    if (!transfer_add_header(transfer, line))
      return false;
    lua_pop(L, 1);
  }
  lua_pop(L, 1);
  return true;
}

/* Each item of the list is { name, filename, content_type, path or data }. False with the
 * transfer's message set. */
static bool add_parts(lua_State *L, struct transfer *transfer) {
  size_t count = lua_istable(L, PARTS) ? lua_rawlen(L, PARTS) : 0;
  bool ok = count == 0 || transfer_begin_parts(transfer, count);
  for (size_t i = 1; ok && i <= count; i++) {
    struct part part = {0};
    lua_rawgeti(L, PARTS, (int)i);
    int table = lua_gettop(L);
    luaL_checktype(L, table, LUA_TTABLE);
    part.name = push_line(L, table, "name");
    part.filename = push_line(L, table, "filename");
    part.content_type = push_line(L, table, "content_type");
    part.path = push_path(L, table, "path");
    part.data = push_string(L, table, "data", &part.length);
    if (!part.name || !part.path == !part.data)
      luaL_error(L, "part %d must have a name and either a path or data", (int)i);
    ok = transfer_add_part(transfer, &part);
    lua_settop(L, table - 1);
  }
  return ok;
}

static bool add_file(lua_State *L, struct transfer *transfer) {
  const struct part part = {.path = lua_tolstring(L, BODY_FILE, NULL)};
  return !part.path || transfer_add_joined(transfer, &part, 1);
}

/* The strings are not copied: the transfer keeps the list alive. */
static bool add_strings(lua_State *L, struct transfer *transfer) {
  size_t count = lua_istable(L, BODY) ? lua_rawlen(L, BODY) : 0;
  if (count == 0)
    return true;
  struct part *parts = lua_newuserdata(L, count * sizeof *parts);
  memset(parts, 0, count * sizeof *parts);
  for (size_t i = 0; i < count; i++) {
    lua_rawgeti(L, BODY, (int)i + 1);
    if (lua_type(L, -1) != LUA_TSTRING)
      luaL_error(L, "body[%d] must be a string", (int)i + 1);
    parts[i].data = lua_tolstring(L, -1, &parts[i].length);
    lua_pop(L, 1);
  }
  bool ok = transfer_add_joined(transfer, parts, count);
  lua_pop(L, 1);
  return ok;
}

/* A second attempt begins with an empty file. */
static bool restart_sink(struct transfer *transfer) {
  const char *problem = transfer->sink ? sink_restart(transfer->sink) : NULL;
  if (problem)
    transfer_fail_file(transfer, "write", transfer->sink->path, problem);
  return !problem;
}

void bind_request_keep(lua_State *L, int transfer) {
  static const int kept[] = {LOOP, BODY, SINK, PARTS, BODY_FILE};
  enum { COUNT = sizeof kept / sizeof *kept };
  lua_createtable(L, COUNT, 0);
  for (int i = 0; i < COUNT; i++) {
    lua_pushvalue(L, kept[i]);
    lua_rawseti(L, -2, i + 1);
  }
  set_uservalue(L, transfer);
}

const char *bind_request_add(lua_State *L, struct transfer *transfer) {
  if (add_headers(L, transfer) && add_parts(L, transfer) && add_file(L, transfer) &&
      add_strings(L, transfer) && restart_sink(transfer))
    return NULL;
  return transfer->message[0] ? transfer->message : "not enough memory";
}
