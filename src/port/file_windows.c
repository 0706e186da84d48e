#include "port/file.h"

#include "port/error_windows.h"
#include "port/handle_windows.h"

#include <errno.h>
#include <fcntl.h>
#include <io.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

enum { SHARE_ALL = FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE };

static HANDLE handle_of(int descriptor) {
  return (HANDLE)_get_osfhandle(descriptor);
}

int port_handle_descriptor(HANDLE handle, int flags, int *descriptor) {
  *descriptor = _open_osfhandle((intptr_t)handle, flags | _O_BINARY | _O_NOINHERIT);
  if (*descriptor >= 0)
    return 0;
  CloseHandle(handle);
  return EMFILE;
}

/* Some reparse points are not links: files that are not here yet, and files that are packed. */
static bool is_link(HANDLE handle) {
  FILE_ATTRIBUTE_TAG_INFO found;
  return GetFileInformationByHandleEx(handle, FileAttributeTagInfo, &found, sizeof found) &&
         (found.FileAttributes & FILE_ATTRIBUTE_REPARSE_POINT) &&
         IsReparseTagNameSurrogate(found.ReparseTag);
}

int port_handle_status(HANDLE handle, struct port_status *status) {
  BY_HANDLE_FILE_INFORMATION found;
  bool is_disk = GetFileType(handle) == FILE_TYPE_DISK;
  if (is_disk && !GetFileInformationByHandle(handle, &found))
    return port_last_error();
  if (!is_disk)
    memset(&found, 0, sizeof found);
  bool is_read_only = (found.dwFileAttributes & FILE_ATTRIBUTE_READONLY) != 0;
  *status = (struct port_status){
      .kind = PORT_OTHER,
      .size = (int64_t)((uint64_t)found.nFileSizeHigh << 32 | found.nFileSizeLow),
      .mode = is_read_only ? 0400 : 0600,
      .has_other_names = found.nNumberOfLinks > 1,
  };
  if (!is_disk)
    return 0;
  if (is_link(handle))
    status->kind = PORT_LINK;
  else
    status->kind = found.dwFileAttributes & FILE_ATTRIBUTE_DIRECTORY ? PORT_DIRECTORY : PORT_FILE;
  return 0;
}

/* A handle of what a path leads to, directories included. */
static int open_path(const char *path, DWORD access, DWORD disposition, HANDLE *handle) {
  WCHAR *wide = port_wide(path);
  if (!wide)
    return port_last_error();
  *handle =
      CreateFileW(wide, access, SHARE_ALL, NULL, disposition, FILE_FLAG_BACKUP_SEMANTICS, NULL);
  int error = *handle == INVALID_HANDLE_VALUE ? port_last_error() : 0;
  free(wide);
  return error;
}

int port_file_open(const char *path, int *descriptor) {
  HANDLE handle;
  int error = open_path(path, GENERIC_READ, OPEN_EXISTING, &handle);
  return error ? error : port_handle_descriptor(handle, _O_RDONLY, descriptor);
}

/* The directory decides on access: a user's own directories are private. */
int port_file_create(const char *path, bool is_private, int *descriptor) {
  HANDLE handle;
  (void)is_private;
  int error = open_path(path, GENERIC_WRITE | DELETE, CREATE_NEW, &handle);
  return error ? error : port_handle_descriptor(handle, _O_WRONLY, descriptor);
}

int port_file_status(int descriptor, struct port_status *status) {
  return port_handle_status(handle_of(descriptor), status);
}

int port_file_look(const char *path, struct port_status *status) {
  HANDLE handle;
  int error = open_path(path, FILE_READ_ATTRIBUTES, OPEN_EXISTING, &handle);
  if (error)
    return error;
  error = port_handle_status(handle, status);
  CloseHandle(handle);
  return error;
}

int port_file_check_writable(const char *path) {
  HANDLE handle;
  int error = open_path(path, GENERIC_WRITE, OPEN_EXISTING, &handle);
  if (!error)
    CloseHandle(handle);
  return error;
}

int port_file_read(int descriptor, void *bytes, size_t count, size_t *length) {
  DWORD got = 0;
  DWORD wanted = count > INT_MAX ? INT_MAX : (DWORD)count;
  *length = 0;
  if (!ReadFile(handle_of(descriptor), bytes, wanted, &got, NULL) &&
      GetLastError() != ERROR_HANDLE_EOF)
    return port_last_error();
  *length = got;
  return 0;
}

int port_file_write(int descriptor, const void *bytes, size_t count, int64_t *length) {
  while (count > 0) {
    DWORD written = 0;
    DWORD wanted = count > INT_MAX ? INT_MAX : (DWORD)count;
    if (!WriteFile(handle_of(descriptor), bytes, wanted, &written, NULL))
      return port_last_error();
    *length += written;
    bytes = (const char *)bytes + written;
    count -= written;
  }
  return 0;
}

int port_file_flush(int descriptor) {
  return FlushFileBuffers(handle_of(descriptor)) ? 0 : port_last_error();
}

int port_file_empty(int descriptor) {
  LARGE_INTEGER begin = {.QuadPart = 0};
  HANDLE handle = handle_of(descriptor);
  return SetFilePointerEx(handle, begin, NULL, FILE_BEGIN) && SetEndOfFile(handle)
             ? 0
             : port_last_error();
}

/* Files have no mode here: the directory decides on access. */
int port_file_set_mode(int descriptor, int mode) {
  (void)descriptor;
  (void)mode;
  return 0;
}

int port_file_close(int descriptor) {
  return _close(descriptor) == 0 ? 0 : errno;
}

int port_file_replace(const char *from, const char *to) {
  WCHAR *source = port_wide(from), *target = source ? port_wide(to) : NULL;
  int error = 0;
  if (!target || !MoveFileExW(source, target, MOVEFILE_REPLACE_EXISTING))
    error = port_last_error();
  free(source);
  free(target);
  return error;
}

void port_file_remove(const char *path) {
  WCHAR *wide = port_wide(path);
  if (wide)
    DeleteFileW(wide);
  free(wide);
}

static char *path_of(HANDLE handle) {
  DWORD size = GetFinalPathNameByHandleW(handle, NULL, 0, FILE_NAME_NORMALIZED);
  WCHAR *wide = size ? malloc((size_t)size * sizeof *wide) : NULL;
  if (!wide) {
    errno = size ? ENOMEM : port_last_error();
    return NULL;
  }
  DWORD length = GetFinalPathNameByHandleW(handle, wide, size, FILE_NAME_NORMALIZED);
  char *path = length > 0 && length < size ? port_narrow(wide) : NULL;
  if (!path)
    errno = port_last_error();
  free(wide);
  return path;
}

char *port_file_real_path(const char *path) {
  HANDLE handle;
  int error = open_path(path, FILE_READ_ATTRIBUTES, OPEN_EXISTING, &handle);
  if (error) {
    errno = error;
    return NULL;
  }
  char *found = path_of(handle);
  CloseHandle(handle);
  return found;
}

const char *port_file_whole_path(const char *path, char text[PORT_PATH_SIZE]) {
  WCHAR *wide = *path ? port_wide(path) : NULL;
  DWORD size = wide ? GetFullPathNameW(wide, 0, NULL, NULL) : 0;
  WCHAR *whole = size ? malloc((size_t)size * sizeof *whole) : NULL;
  DWORD length = whole ? GetFullPathNameW(wide, size, whole, NULL) : 0;
  char *found = length > 0 && length < size ? port_narrow(whole) : NULL;
  bool fits = found && strlen(found) < PORT_PATH_SIZE;
  if (fits)
    memcpy(text, found, strlen(found) + 1);
  free(found);
  free(whole);
  free(wide);
  return fits ? text : path;
}

/* --- directories ------------------------------------------------------------------------------ */

static bool is_separator(WCHAR character) {
  return character == L'/' || character == L'\\';
}

/* Errors on the way, as for a drive's root, do not matter: the part after a missing one fails. */
int port_file_make_directories(const char *path) {
  WCHAR *wide = port_wide(path);
  if (!wide)
    return port_last_error();
  int error = ENOENT;
  for (WCHAR *at = wide; *at; at++) {
    if (at[1] && !is_separator(at[1]))
      continue;
    WCHAR byte = at[1];
    at[1] = L'\0';
    error = CreateDirectoryW(wide, NULL) ? 0 : port_last_error();
    at[1] = byte;
  }
  DWORD attributes = GetFileAttributesW(wide);
  if (attributes != INVALID_FILE_ATTRIBUTES && (attributes & FILE_ATTRIBUTE_DIRECTORY))
    error = 0;
  free(wide);
  return error;
}

void port_file_make_parent(char *path) {
  char *end = NULL;
  for (char *at = path; *at; at++)
    if (*at == '/' || *at == '\\')
      end = at;
  if (!end)
    return;
  char separator = *end;
  *end = '\0';
  WCHAR *wide = port_wide(path);
  if (wide)
    CreateDirectoryW(wide, NULL); /* it may be there */
  free(wide);
  *end = separator;
}
