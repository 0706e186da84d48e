/* What the port's files for Windows share of open files. */
#ifndef ANTHROPIC_PORT_HANDLE_WINDOWS_H
#define ANTHROPIC_PORT_HANDLE_WINDOWS_H

#include "port/file.h"

#include <windows.h>

#pragma GCC visibility push(hidden)

/* Makes a C library descriptor, which then owns the handle. If that fails, closes the handle.
 * `flags`: _O_RDONLY or _O_WRONLY. 0, or the number of the error. */
int port_handle_descriptor(HANDLE handle, int flags, int *descriptor);

/* What a handle leads to. 0, or the number of the error. */
int port_handle_status(HANDLE handle, struct port_status *status);

#pragma GCC visibility pop

#endif
