/* The system's errors in errno's numbers, and its names of files: the part of the port that its
 * files for Windows share. */
#ifndef ANTHROPIC_PORT_ERROR_WINDOWS_H
#define ANTHROPIC_PORT_ERROR_WINDOWS_H

#include <windows.h>

#pragma GCC visibility push(hidden)

/* The errno number for an error of GetLastError: EIO if there is none. */
int port_error(DWORD error);

/* The same for what GetLastError returns now. */
int port_last_error(void);

/* Converts UTF-8 to the system's characters, with a NUL. NULL if the text is not UTF-8 or memory
 * ran out: GetLastError says which. The caller frees the result. */
WCHAR *port_wide(const char *text);

/* Converts the other way. */
char *port_narrow(const WCHAR *text);

#pragma GCC visibility pop

#endif
