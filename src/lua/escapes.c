/* Looking for words in text whose escapes are decoded: see decode/escapes.h. */
#include "lua/modules.h"

#include "decode/escapes.h"

#include <string.h>

enum {
  WINDOW = 64 * 1024, /* that much is decoded at once */
  EXPANSION = 32      /* a byte of a word takes so many in the text, or fewer */
};

/* Pushes what keeps the arrays, for up to `length` bytes. */
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

/* The stack of find_escaped. */
enum { TEXT = 1, WORDS, FOUND };

static void append(lua_State *L, size_t value) {
  lua_pushinteger(L, (lua_Integer)value);
  lua_rawseti(L, FOUND, (int)lua_rawlen(L, FOUND) + 1);
}

/* Adds where the words stand in a window that begins after `before` bytes. */
static void find_words(lua_State *L, const struct escapes *text, size_t before) {
  size_t count = lua_rawlen(L, WORDS), length;
  for (size_t i = 1; i <= count; i++) {
    lua_rawgeti(L, WORDS, (int)i);
    const char *word = lua_tolstring(L, -1, &length);
    const unsigned char *at = text->bytes, *end = at + text->length;
    while ((at = find(at, end, word, length)) != NULL) {
      append(L, before + text->first[at - text->bytes] + 1);
      append(L, before + text->last[at - text->bytes + (ptrdiff_t)length - 1] + 1);
      append(L, i);
      at += length;
    }
    lua_pop(L, 1);
  }
}

static size_t longest_word(lua_State *L) {
  size_t count = lua_rawlen(L, WORDS), longest = 0, length;
  for (size_t i = 1; i <= count; i++) {
    lua_rawgeti(L, WORDS, (int)i);
    luaL_argcheck(L, lua_type(L, -1) == LUA_TSTRING, WORDS, "strings expected");
    lua_tolstring(L, -1, &length);
    luaL_argcheck(L, length > 0 && length <= WINDOW, WORDS, "too short or too long");
    longest = length > longest ? length : longest;
    lua_pop(L, 1);
  }
  return longest;
}

/* find_escaped(text, words) -> { first, last, index of the word, ... }: where words stand in the
 * text once its escapes are decoded, the same place perhaps more than once. Linear in the text. */
static int find_escaped(lua_State *L) {
  size_t length;
  const char *bytes = luaL_checklstring(L, TEXT, &length);
  luaL_checktype(L, WORDS, LUA_TTABLE);
  lua_settop(L, WORDS);
  lua_newtable(L);
  size_t overlap = longest_word(L) * EXPANSION;
  size_t window = overlap * 2 > WINDOW ? overlap * 2 : WINDOW;
  window = window < length ? window : length;
  struct escapes text = new_text(L, window);
  for (size_t before = 0; before < length; before += window - overlap) {
    size_t count = length - before < window ? length - before : window;
    escapes_begin(&text, bytes + before, count);
    for (int i = 0; i < ESCAPES_ROUNDS && escapes_decode(&text); i++)
      find_words(L, &text, before);
    if (before + count == length)
      break;
  }
  lua_settop(L, FOUND);
  return 1;
}

static const luaL_Reg functions[] = {
    {"decode_escapes", decode_escapes},
    {"find_escaped", find_escaped},
    {NULL, NULL},
};

void bind_escapes_open(lua_State *L) {
  luaL_setfuncs(L, functions, 0);
}
