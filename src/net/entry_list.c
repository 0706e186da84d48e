#include "net/entry_list.h"

#include "net/loop_entry.h"

void entry_list_add(struct entry_list *list, struct loop_entry *entry) {
  entry->active = true;
  entry->next = list->first;
  if (list->first)
    list->first->previous = entry;
  list->first = entry;
  list->count++;
}

void entry_list_remove(struct entry_list *list, struct loop_entry *entry) {
  if (entry->previous)
    entry->previous->next = entry->next;
  else
    list->first = entry->next;
  if (entry->next)
    entry->next->previous = entry->previous;
  entry->next = entry->previous = NULL;
  entry->active = false;
  list->count--;
}

void ready_list_add(struct ready_list *list, struct loop_entry *entry) {
  if (entry->ready)
    return;
  entry->ready = true;
  if (list->last)
    list->last->next_ready = entry;
  else
    list->first = entry;
  list->last = entry;
}

void ready_list_remove(struct ready_list *list, struct loop_entry *entry) {
  if (!entry->ready)
    return;
  struct loop_entry **link = &list->first;
  struct loop_entry *before = NULL;
  while (*link != entry) {
    before = *link;
    link = &before->next_ready;
  }
  *link = entry->next_ready;
  if (list->last == entry)
    list->last = before;
  entry->ready = false;
  entry->next_ready = NULL;
}
