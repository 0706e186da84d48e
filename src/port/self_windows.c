#include "port/self.h"

#include <stdint.h>
#include <windows.h>

long port_self_id(void) {
  return (long)GetCurrentProcessId();
}

void port_self_stay_loaded(void (*function)(void)) {
  HMODULE module;
  GetModuleHandleExW(GET_MODULE_HANDLE_EX_FLAG_FROM_ADDRESS | GET_MODULE_HANDLE_EX_FLAG_PIN,
                     (const WCHAR *)(intptr_t)function, &module);
}
