/* The system's errors in errno's numbers, and its names of files: the part of the port that its
 * files for Windows share. */
#ifndef ANTHROPIC_PORT_ERROR_WINDOWS_H
#define ANTHROPIC_PORT_ERROR_WINDOWS_H

#include <windows.h>

#pragma GCC visibility push(hidden)

/* What errno has for an error of GetLastError: EIO where it knows no such thing. */
int port_error(DWORD error);

/* The same for what was called last. */
int port_last_error(void);

/* UTF-8 in the system's characters, ended by a NUL. NULL where that is no UTF-8, or memory ran out:
 * the error is set. The caller frees it. */
WCHAR *port_wide(const char *text);

/* The other way. */
char *port_narrow(const WCHAR *text);

#pragma GCC visibility pop

#endif
