#include "port/child.h"

#include "port/error_windows.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static HANDLE handle_of(intptr_t handle) {
  return (HANDLE)handle;
}

/* --- the command line ------------------------------------------------------------------------- */

/* Writes an argument, unless `to` is NULL, in the form that the C library parses, and returns its
 * length: in quotes if it needs them; backslashes count double before a quote, and nowhere else.
 */
static size_t quote(const char *argument, char *to) {
  size_t length = 0, backslashes = 0;
#define PUT(character) (to ? (void)(to[length] = (character)) : (void)0, length++)
  if (*argument && !strpbrk(argument, " \t\n\v\"")) {
    length = strlen(argument);
    if (to)
      memcpy(to, argument, length);
    return length;
  }
  PUT('"');
  for (const char *at = argument;; at++) {
    if (*at == '\\') {
      backslashes++;
      PUT('\\');
      continue;
    }
    if (*at == '"' || *at == '\0')
      for (; backslashes > 0; backslashes--)
        PUT('\\');
    backslashes = 0;
    if (*at == '\0')
      break;
    if (*at == '"')
      PUT('\\');
    PUT(*at);
  }
  PUT('"');
#undef PUT
  return length;
}

/* All of them, with spaces between. NULL: the error is set. */
static WCHAR *command_line(char *const *arguments) {
  size_t size = 0;
  for (char *const *each = arguments; *each; each++)
    size += quote(*each, NULL) + 1;
  char *text = malloc(size), *at = text;
  if (!text) {
    SetLastError(ERROR_NOT_ENOUGH_MEMORY);
    return NULL;
  }
  for (char *const *each = arguments; *each; each++) {
    at += quote(*each, at);
    *at++ = ' ';
  }
  at[-1] = '\0';
  WCHAR *wide = port_wide(text);
  free(text);
  return wide;
}

/* A batch file is read by a shell, which parses its arguments in a way of its own: the caller has
 * to write that (cmd /c ...). The system ignores dots and spaces at a name's end.
 */
static bool is_script(const char *name) {
  size_t length = strlen(name);
  while (length > 0 && (name[length - 1] == '.' || name[length - 1] == ' '))
    length--;
  const char *end = length >= 4 ? name + length - 4 : "";
  return _strnicmp(end, ".bat", 4) == 0 || _strnicmp(end, ".cmd", 4) == 0;
}

/* --- starting --------------------------------------------------------------------------------- */

/* The child's standard handles: it inherits all of these, and no others. */
enum { ITS_INPUT, ITS_OUTPUT, ITS_ERRORS, HANDLES };

static HANDLE inheritable_errors(void) {
  HANDLE self = GetCurrentProcess(), copy = NULL;
  HANDLE errors = GetStdHandle(STD_ERROR_HANDLE);
  if (errors && errors != INVALID_HANDLE_VALUE &&
      DuplicateHandle(self, errors, self, &copy, 0, TRUE, DUPLICATE_SAME_ACCESS))
    return copy;
  return NULL;
}

static int open_handles(HANDLE *handles, HANDLE *output) {
  SECURITY_ATTRIBUTES inherits = {sizeof inherits, NULL, TRUE};
  handles[ITS_OUTPUT] = handles[ITS_ERRORS] = NULL;
  handles[ITS_INPUT] = CreateFileW(L"NUL", GENERIC_READ, FILE_SHARE_READ | FILE_SHARE_WRITE,
                                   &inherits, OPEN_EXISTING, 0, NULL);
  if (handles[ITS_INPUT] == INVALID_HANDLE_VALUE) {
    handles[ITS_INPUT] = NULL;
    return port_last_error();
  }
  if (!CreatePipe(output, &handles[ITS_OUTPUT], &inherits, 0))
    return port_last_error();
  handles[ITS_ERRORS] = inheritable_errors();
  return SetHandleInformation(*output, HANDLE_FLAG_INHERIT, 0) ? 0 : port_last_error();
}

static int create(WCHAR *line, HANDLE *handles, HANDLE *process) {
  STARTUPINFOEXW start = {.StartupInfo = {.cb = sizeof start, .dwFlags = STARTF_USESTDHANDLES}};
  PROCESS_INFORMATION made;
  SIZE_T size = 0;
  start.StartupInfo.hStdInput = handles[ITS_INPUT];
  start.StartupInfo.hStdOutput = handles[ITS_OUTPUT];
  start.StartupInfo.hStdError = handles[ITS_ERRORS];
  InitializeProcThreadAttributeList(NULL, 1, 0, &size);
  start.lpAttributeList = malloc(size);
  if (!start.lpAttributeList)
    return ENOMEM;
  int error = 0;
  if (!InitializeProcThreadAttributeList(start.lpAttributeList, 1, 0, &size)) {
    error = port_last_error();
  } else {
    size_t count = handles[ITS_ERRORS] ? HANDLES : HANDLES - 1;
    if (!UpdateProcThreadAttribute(start.lpAttributeList, 0, PROC_THREAD_ATTRIBUTE_HANDLE_LIST,
                                   handles, count * sizeof *handles, NULL, NULL) ||
        !CreateProcessW(NULL, line, NULL, NULL, TRUE,
                        CREATE_NO_WINDOW | EXTENDED_STARTUPINFO_PRESENT, NULL, NULL,
                        &start.StartupInfo, &made))
      error = port_last_error();
    DeleteProcThreadAttributeList(start.lpAttributeList);
  }
  free(start.lpAttributeList);
  if (error)
    return error;
  CloseHandle(made.hThread);
  *process = made.hProcess;
  return 0;
}

int port_child_start(struct port_child *child, char *const *arguments) {
  HANDLE handles[HANDLES], output = NULL, process = NULL;
  *child = (struct port_child){.pipe = NO_PIPE};
  if (is_script(arguments[0]))
    return ENOEXEC;
  WCHAR *line = command_line(arguments);
  if (!line)
    return port_last_error();
  int error = open_handles(handles, &output);
  if (!error)
    error = create(line, handles, &process);
  free(line);
  for (int i = 0; i < HANDLES; i++)
    if (handles[i])
      CloseHandle(handles[i]);
  if (error) {
    if (output)
      CloseHandle(output);
    return error;
  }
  child->pipe = (intptr_t)output;
  child->process = (intptr_t)process;
  return 0;
}

bool port_child_runs(const struct port_child *child) {
  return child->process != 0;
}

void port_child_forget(struct port_child *child) {
  if (child->process)
    CloseHandle(handle_of(child->process));
  child->process = 0;
}

/* --- what it does ----------------------------------------------------------------------------- */

/* A pipe is no socket. */
port_socket port_child_output(const struct port_child *child) {
  (void)child;
  return NO_SOCKET;
}

bool port_child_read(struct port_child *child, void *bytes, size_t size, size_t *count) {
  DWORD waiting = 0, length = 0;
  HANDLE pipe = handle_of(child->pipe);
  bool is_open = PeekNamedPipe(pipe, NULL, 0, NULL, &waiting, NULL);
  if (is_open && waiting == 0)
    return false;
  DWORD wanted = waiting < size ? waiting : (DWORD)size;
  if (is_open && !ReadFile(pipe, bytes, wanted, &length, NULL))
    length = 0;
  *count = length;
  return true;
}

void port_child_close_pipe(struct port_child *child) {
  if (child->pipe != NO_PIPE)
    CloseHandle(handle_of(child->pipe));
  child->pipe = NO_PIPE;
}

void port_child_kill(const struct port_child *child) {
  TerminateProcess(handle_of(child->process), (UINT)PORT_CHILD_KILLED);
}

void port_child_collect(struct port_child *child, bool waits, int *status) {
  DWORD code = 0;
  HANDLE process = handle_of(child->process);
  if (WaitForSingleObject(process, waits ? INFINITE : 0) == WAIT_TIMEOUT)
    return;
  if (GetExitCodeProcess(process, &code))
    *status = (int)code;
  port_child_forget(child);
}
