/* lua/json_encode.c: any Lua value is valid JSON that says the same, or an error. */
#include "fuzz_lua.h"

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t size) {
  static lua_State *L;
  if (!L)
    L = fuzz_open_lua("json_encode");
  lua_pushvalue(L, 1);
  lua_pushlstring(L, (const char *)input, size);
  fuzz_call(L, 1, 0, input, size);
  return 0;
}
