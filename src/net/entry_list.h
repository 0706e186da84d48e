/* The two lists that a loop keeps of its entries. No Lua. */
#ifndef ANTHROPIC_NET_ENTRY_LIST_H
#define ANTHROPIC_NET_ENTRY_LIST_H

#include <stddef.h>

#pragma GCC visibility push(hidden)

struct loop_entry;

/* Entries under way, the newest first. Zero-initialise to make an empty list. */
struct entry_list {
  struct loop_entry *first;
  size_t count;
};

/* Entries that have news, first come first served. Zero-initialise to make an empty list. */
struct ready_list {
  struct loop_entry *first;
  struct loop_entry *last;
};

/* Adds an entry, which becomes active. */
void entry_list_add(struct entry_list *list, struct loop_entry *entry);

/* Takes an active entry out. */
void entry_list_remove(struct entry_list *list, struct loop_entry *entry);

/* Appends an entry, unless it is in the list. */
void ready_list_add(struct ready_list *list, struct loop_entry *entry);

/* Takes an entry out. One that is not in the list is fine. */
void ready_list_remove(struct ready_list *list, struct loop_entry *entry);

#pragma GCC visibility pop

#endif
