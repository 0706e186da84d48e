/* Looking for words in text, also in its escapes: see decode/escapes.h. */
#include "lua/modules.h"

#include "decode/escapes.h"

#include <string.h>

enum {
  WINDOW = 64 * 1024, /* so much is decoded at once */
  EXPANSION = 32      /* a byte of a word takes at most so many in the text */
};

/* Pushes a userdata that holds the arrays, for up to `length` bytes. */
static struct escapes new_text(lua_State *L, size_t length) {
  struct escapes text = {0};
  text.first = lua_newuserdata(L, length * 2 * sizeof *text.first + length + 1);
  text.last = text.first + length;
  text.bytes = (unsigned char *)(text.last + length);
  return text;
}

/* decode_escapes(text) -> the text without escapes. For short text. */
static int decode_escapes(lua_State *L) {
  size_t length;
  const char *bytes = luaL_checklstring(L, 1, &length);
  luaL_argcheck(L, length <= WINDOW, 1, "too long");
  struct escapes text = new_text(L, length);
  escapes_begin(&text, bytes, length);
  for (int i = 0; i < ESCAPES_ROUNDS && escapes_decode(&text); i++)
    ;
  lua_pushlstring(L, (const char *)text.bytes, text.length);
  return 1;
}

static const unsigned char *find(const unsigned char *at, const unsigned char *end,
                                 const char *word, size_t length) {
  while ((size_t)(end - at) >= length) {
    at = memchr(at, (unsigned char)word[0], (size_t)(end - at) - length + 1);
    if (!at || memcmp(at, word, length) == 0)
      return at;
    at++;
  }
  return NULL;
}

/* The stack of find_spelled; FOUND is nil until something is found. */
enum { TEXT = 1, WORDS, FOUND };

static void append(lua_State *L, size_t value) {
  lua_pushinteger(L, (lua_Integer)value);
  lua_rawseti(L, FOUND, (int)lua_rawlen(L, FOUND) + 1);
}

static void note(lua_State *L, size_t first, size_t last, size_t word) {
  if (lua_isnil(L, FOUND)) {
    lua_newtable(L);
    lua_replace(L, FOUND);
  }
  append(L, first + 1);
  append(L, last + 1);
  append(L, word);
}

/* The table keeps the word alive. */
static const char *word_at(lua_State *L, size_t index, size_t *length) {
  lua_rawgeti(L, WORDS, (int)index);
  luaL_argcheck(L, lua_type(L, -1) == LUA_TSTRING, WORDS, "strings expected");
  const char *word = lua_tolstring(L, -1, length);
  luaL_argcheck(L, *length > 0 && *length <= WINDOW, WORDS, "too short or too long");
  lua_pop(L, 1);
  return word;
}

/* Notes where the words are in the original text. Returns the length of the longest word. */
static size_t find_plain(lua_State *L, const unsigned char *bytes, size_t length) {
  size_t count = lua_rawlen(L, WORDS), longest = 0, size;
  for (size_t i = 1; i <= count; i++) {
    const char *word = word_at(L, i, &size);
    const unsigned char *at = bytes, *end = bytes + length;
    for (; (at = find(at, end, word, size)) != NULL; at += size)
      note(L, (size_t)(at - bytes), (size_t)(at - bytes) + size - 1, i);
    longest = size > longest ? size : longest;
  }
  return longest;
}

/* The same for a window of decoded text that begins after `before` bytes. */
static void find_decoded(lua_State *L, const struct escapes *text, size_t before) {
  size_t count = lua_rawlen(L, WORDS), size;
  for (size_t i = 1; i <= count; i++) {
    const char *word = word_at(L, i, &size);
    const unsigned char *at = text->bytes, *end = at + text->length;
    for (; (at = find(at, end, word, size)) != NULL; at += size) {
      size_t offset = (size_t)(at - text->bytes);
      note(L, before + text->first[offset], before + text->last[offset + size - 1], i);
    }
  }
}

/* Whether there can be an escape, or an invisible character. Plain control characters do not count:
 * when a text is shown they are never left out. */
static bool has_signs(const unsigned char *bytes, size_t length) {
  static const char signs[] = "\\%&\xC2\xD8\xE2\xEF";
  for (const char *sign = signs; *sign; sign++)
    if (memchr(bytes, (unsigned char)*sign, length))
      return true;
  return false;
}

static void decode_and_find(lua_State *L, const char *bytes, size_t length, size_t longest) {
  size_t overlap = longest * EXPANSION;
  size_t window = overlap * 2 > WINDOW ? overlap * 2 : WINDOW;
  window = window < length ? window : length;
  struct escapes text = new_text(L, window);
  for (size_t before = 0; before < length; before += window - overlap) {
    size_t count = length - before < window ? length - before : window;
    escapes_begin(&text, bytes + before, count);
    for (int i = 0; i < ESCAPES_ROUNDS && escapes_decode(&text); i++)
      find_decoded(L, &text, before);
    if (before + count == length)
      break;
  }
}

/* find_spelled(text, words) -> nil | { first, last, index of the word, ... }: where words are in
 * the text, as it is or with its escapes decoded; the same place may come more than once. Linear in
 * the text. */
static int find_spelled(lua_State *L) {
  size_t length;
  const char *bytes = luaL_checklstring(L, TEXT, &length);
  luaL_checktype(L, WORDS, LUA_TTABLE);
  lua_settop(L, FOUND);
  lua_pushnil(L);
  lua_replace(L, FOUND);
  size_t longest = find_plain(L, (const unsigned char *)bytes, length);
  if (longest > 0 && has_signs((const unsigned char *)bytes, length))
    decode_and_find(L, bytes, length, longest);
  lua_settop(L, FOUND);
  return 1;
}

static const luaL_Reg functions[] = {
    {"decode_escapes", decode_escapes},
    {"find_spelled", find_spelled},
    {NULL, NULL},
};

void bind_escapes_open(lua_State *L) {
  luaL_setfuncs(L, functions, 0);
}
