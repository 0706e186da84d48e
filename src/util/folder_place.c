#include "util/folder_place.h"

#include <errno.h>
#include <string.h>

const char folder_missing[] = "it does not exist";
const char folder_exists[] = "it exists already";
const char folder_too_deep[] = "the path has too many names";

static const char link_on_the_way[] = "a symbolic link is on the way";

const char *folder_words_of(int error) {
  if (!error)
    return NULL;
  return error == ENOENT ? folder_missing : error == EEXIST ? folder_exists : strerror(error);
}

bool folder_is_link(port_directory parent, const char *name) {
  struct port_status status;
  return port_directory_look(parent, name, &status) == 0 && status.kind == PORT_LINK;
}

const char *folder_place_enter(struct folder_place *place, const char *name, bool make) {
  port_directory next;
  int error = make ? port_directory_make(place->parent, name) : 0;
  if (error && error != EEXIST)
    return folder_words_of(error);
  error = port_directory_enter(place->parent, name, &next);
  if (error)
    return folder_is_link(place->parent, name) ? link_on_the_way : folder_words_of(error);
  port_directory_close(place->parent);
  place->parent = next;
  return NULL;
}

void folder_place_leave(struct folder_place *place) {
  port_directory_close(place->parent);
}

int folder_place_names(const char *path) {
  int count = 1;
  for (; *path; path++)
    count += *path == '/';
  return count;
}

const char *folder_place_find(port_directory directory, const char *path, bool make,
                              struct folder_place *place) {
  size_t length = strlen(path);
  place->name = place->text;
  if (directory == NO_DIRECTORY)
    return "it is closed";
  if (length >= sizeof place->text)
    return "the path is too long";
  if (folder_place_names(path) > FOLDER_MOST_NAMES)
    return folder_too_deep;
  memcpy(place->text, path, length + 1);
  int error = port_directory_copy(directory, &place->parent);
  if (error)
    return strerror(error);
  char *name = place->text;
  const char *problem = NULL;
  while (!problem) {
    char *end = strchr(name, '/');
    if (end)
      *end = '\0';
    if (!port_directory_is_name(name))
      problem = "the path has a part that is not a name"; /* such as ".." */
    else if (!end)
      break;
    else
      problem = folder_place_enter(place, name, make);
    name = end ? end + 1 : name;
  }
  place->name = name;
  if (problem)
    folder_place_leave(place);
  return problem;
}
