#include "port/directory.h"

#include "port/error_windows.h"
#include "port/handle_windows.h"

#include <windows.h>
/* after windows.h */
#include <winternl.h>

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

enum { SHARE_ALL = FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE, LIST_SIZE = 16384 };

static HANDLE handle_of(port_directory directory) {
  return (HANDLE)directory;
}

/* --- names ------------------------------------------------------------------------------------ */

/* Names of devices, with or without a dot and more; the latter are followed by a digit. */
static const char *const devices[] = {"con", "prn", "aux", "nul", "conin$", "conout$"};
static const char *const numbered[] = {"com", "lpt"};

static bool is_same(const char *name, size_t length, const char *word) {
  return strlen(word) == length && _strnicmp(name, word, length) == 0;
}

static bool is_device(const char *name) {
  size_t length = strcspn(name, ".");
  while (length > 0 && name[length - 1] == ' ')
    length--;
  for (size_t i = 0; i < sizeof devices / sizeof *devices; i++)
    if (is_same(name, length, devices[i]))
      return true;
  for (size_t i = 0; i < sizeof numbered / sizeof *numbered; i++)
    if (length == 4 && is_same(name, 3, numbered[i]) && name[3] >= '0' && name[3] <= '9')
      return true;
  return false;
}

/* What other programs could not open is refused, too: a dot or a space at the end, and devices. */
bool port_directory_is_name(const char *name) {
  size_t length = strlen(name);
  for (size_t i = 0; i < length; i++)
    if ((unsigned char)name[i] < ' ' || strchr("\\/:*?\"<>|", name[i]))
      return false;
  return length > 0 && name[length - 1] != '.' && name[length - 1] != ' ' && !is_device(name);
}

/* --- by a name -------------------------------------------------------------------------------- */

/* Opens or makes an entry of a directory: of a link, the link itself, not what it leads to. */
static int open_at(port_directory parent, const char *name, ACCESS_MASK access, ULONG disposition,
                   ULONG options, HANDLE *handle) {
  UNICODE_STRING text;
  OBJECT_ATTRIBUTES attributes;
  IO_STATUS_BLOCK status_block;
  WCHAR *wide = port_wide(name);
  if (!wide)
    return port_last_error();
  size_t size = wcslen(wide) * sizeof *wide;
  if (size > USHRT_MAX) {
    free(wide);
    return ENAMETOOLONG;
  }
  text = (UNICODE_STRING){(USHORT)size, (USHORT)size, wide};
  InitializeObjectAttributes(&attributes, &text, OBJ_CASE_INSENSITIVE, handle_of(parent), NULL);
  NTSTATUS status = NtCreateFile(handle, access | SYNCHRONIZE | FILE_READ_ATTRIBUTES, &attributes,
                                 &status_block, NULL, FILE_ATTRIBUTE_NORMAL, SHARE_ALL, disposition,
                                 options | FILE_OPEN_REPARSE_POINT | FILE_SYNCHRONOUS_IO_NONALERT |
                                     FILE_OPEN_FOR_BACKUP_INTENT,
                                 NULL, 0);
  free(wide);
  return NT_SUCCESS(status) ? 0 : port_error(RtlNtStatusToDosError(status));
}

/* The same, but a link is an error. */
static int open_no_link(port_directory parent, const char *name, ACCESS_MASK access, ULONG options,
                        HANDLE *handle) {
  struct port_status status;
  int error = open_at(parent, name, access, FILE_OPEN, options, handle);
  if (error)
    return error;
  error = port_handle_status(*handle, &status);
  if (!error && status.kind == PORT_LINK)
    error = ELOOP;
  if (error)
    CloseHandle(*handle);
  return error;
}

int port_directory_enter(port_directory parent, const char *name, port_directory *directory) {
  HANDLE handle;
  int error =
      open_no_link(parent, name, FILE_LIST_DIRECTORY | FILE_TRAVERSE, FILE_DIRECTORY_FILE, &handle);
  *directory = error ? NO_DIRECTORY : (port_directory)handle;
  return error;
}

/* Not a duplicate of the handle: that would share its position in the list. */
int port_directory_copy(port_directory directory, port_directory *copy) {
  return port_directory_enter(directory, "", copy);
}

int port_directory_make(port_directory parent, const char *name) {
  HANDLE handle;
  int error = open_at(parent, name, FILE_LIST_DIRECTORY, FILE_CREATE, FILE_DIRECTORY_FILE, &handle);
  if (!error)
    CloseHandle(handle);
  return error;
}

int port_directory_look(port_directory parent, const char *name, struct port_status *status) {
  HANDLE handle;
  int error = open_at(parent, name, 0, FILE_OPEN, 0, &handle);
  if (error)
    return error;
  error = port_handle_status(handle, status);
  CloseHandle(handle);
  return error;
}

int port_directory_open_file(port_directory parent, const char *name, int *descriptor) {
  HANDLE handle;
  int error = open_no_link(parent, name, GENERIC_READ, 0, &handle);
  return error ? error : port_handle_descriptor(handle, _O_RDONLY, descriptor);
}

int port_directory_create_file(port_directory parent, const char *name, int *descriptor) {
  HANDLE handle;
  int error =
      open_at(parent, name, GENERIC_WRITE | DELETE, FILE_CREATE, FILE_NON_DIRECTORY_FILE, &handle);
  return error ? error : port_handle_descriptor(handle, _O_WRONLY, descriptor);
}

static int rename_handle(HANDLE handle, port_directory to, const char *new_name) {
  IO_STATUS_BLOCK status_block;
  WCHAR *wide = port_wide(new_name);
  if (!wide)
    return port_last_error();
  size_t length = wcslen(wide) * sizeof *wide;
  size_t size = sizeof(FILE_RENAME_INFORMATION) + length;
  FILE_RENAME_INFORMATION *information = length <= USHRT_MAX ? calloc(1, size) : NULL;
  int error = length <= USHRT_MAX ? ENOMEM : ENAMETOOLONG;
  if (information) {
    information->ReplaceIfExists = TRUE;
    information->RootDirectory = handle_of(to);
    information->FileNameLength = (ULONG)length;
    memcpy(information->FileName, wide, length);
    NTSTATUS status = NtSetInformationFile(handle, &status_block, information, (ULONG)size,
                                           FileRenameInformation);
    error = NT_SUCCESS(status) ? 0 : port_error(RtlNtStatusToDosError(status));
  }
  free(information);
  free(wide);
  return error;
}

int port_directory_rename(port_directory from, const char *name, port_directory to,
                          const char *new_name) {
  HANDLE handle;
  int error = open_at(from, name, DELETE, FILE_OPEN, 0, &handle);
  if (error)
    return error;
  error = rename_handle(handle, to, new_name);
  CloseHandle(handle);
  return error;
}

int port_directory_remove(port_directory parent, const char *name, bool is_directory) {
  HANDLE handle;
  FILE_DISPOSITION_INFO disposition = {TRUE};
  int error =
      open_at(parent, name, DELETE, FILE_OPEN, is_directory ? FILE_DIRECTORY_FILE : 0, &handle);
  if (error)
    return error;
  if (!SetFileInformationByHandle(handle, FileDispositionInfo, &disposition, sizeof disposition))
    error = port_last_error();
  CloseHandle(handle);
  return error;
}

/* --- as a whole ------------------------------------------------------------------------------- */

int port_directory_open(const char *path, port_directory *directory) {
  struct port_status status;
  *directory = NO_DIRECTORY;
  WCHAR *wide = port_wide(path);
  if (!wide)
    return port_last_error();
  HANDLE handle = CreateFileW(wide, FILE_LIST_DIRECTORY | FILE_TRAVERSE | FILE_READ_ATTRIBUTES,
                              SHARE_ALL, NULL, OPEN_EXISTING, FILE_FLAG_BACKUP_SEMANTICS, NULL);
  int error = handle == INVALID_HANDLE_VALUE ? port_last_error() : 0;
  free(wide);
  if (error)
    return error;
  error = port_handle_status(handle, &status);
  if (!error && status.kind != PORT_DIRECTORY)
    error = ENOTDIR;
  if (error)
    CloseHandle(handle);
  else
    *directory = (port_directory)handle;
  return error;
}

void port_directory_close(port_directory directory) {
  CloseHandle(handle_of(directory));
}

int port_directory_status(port_directory directory, struct port_status *status) {
  return port_handle_status(handle_of(directory), status);
}

/* Calls `visit` with the names of one piece of the list. False if `visit` wants no more. */
static bool visit_names(const char *piece, bool (*visit)(const char *name, void *data), void *data,
                        int *error) {
  const FILE_ID_BOTH_DIR_INFO *entry = (const void *)piece;
  for (;;) {
    size_t length = entry->FileNameLength / sizeof(WCHAR);
    WCHAR *wide = calloc(length + 1, sizeof *wide);
    if (wide)
      memcpy(wide, entry->FileName, entry->FileNameLength);
    char *name = wide ? port_narrow(wide) : NULL;
    free(wide);
    if (!name) {
      *error = ENOMEM;
      return false;
    }
    bool goes_on = strcmp(name, ".") == 0 || strcmp(name, "..") == 0 || visit(name, data);
    free(name);
    if (!goes_on)
      return false;
    if (entry->NextEntryOffset == 0)
      return true;
    piece += entry->NextEntryOffset;
    entry = (const void *)piece;
  }
}

int port_directory_list(port_directory directory, bool (*visit)(const char *name, void *data),
                        void *data) {
  HANDLE handle = handle_of(directory);
  FILE_INFO_BY_HANDLE_CLASS class = FileIdBothDirectoryRestartInfo;
  char *piece = malloc(LIST_SIZE); /* aligned as the entries are */
  int error = piece ? 0 : ENOMEM;
  bool goes_on = piece != NULL;
  while (goes_on && !error) {
    if (!GetFileInformationByHandleEx(handle, class, piece, LIST_SIZE)) {
      error = GetLastError() == ERROR_NO_MORE_FILES ? 0 : port_last_error();
      break;
    }
    class = FileIdBothDirectoryInfo;
    goes_on = visit_names(piece, visit, data, &error);
  }
  free(piece);
  CloseHandle(handle);
  return error;
}
