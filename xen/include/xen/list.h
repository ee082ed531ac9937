/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Doubly linked circular lists with the links inside the members. A head is a `struct list` that is
 * not inside a member; an empty list is a head that points at itself. No locking.
 */
#pragma once

#include <xen/compiler.h>

#include <stdbool.h>
#include <stddef.h>

struct list {
    struct list *next;
    struct list *prev;
};

#define LIST_INIT(name) {&(name), &(name)}

static inline void list_init(struct list *head)
{
    head->next = head;
    head->prev = head;
}

static inline bool list_empty(const struct list *head)
{
    return head->next == head;
}

/* Puts `entry`, which is in no list, before `where`: at the tail when `where` is the head. */
static inline void list_add_before(struct list *where, struct list *entry)
{
    entry->next = where;
    entry->prev = where->prev;
    where->prev->next = entry;
    where->prev = entry;
}

static inline void list_add_tail(struct list *head, struct list *entry)
{
    list_add_before(head, entry);
}

static inline void list_add_head(struct list *head, struct list *entry)
{
    list_add_before(head->next, entry);
}

/* Takes `entry` out and leaves it as an empty list, so that removing it again does no harm. */
static inline void list_del(struct list *entry)
{
    entry->prev->next = entry->next;
    entry->next->prev = entry->prev;
    list_init(entry);
}

/* Is a member in some list? Its links were initialised with list_init before. */
static inline bool list_linked(const struct list *entry)
{
    return entry->next != entry;
}

#define list_entry(link, type, member) container_of(link, type, member)

/* NULL when the list is empty. */
#define list_first(head, type, member) \
    (list_empty(head) ? NULL : list_entry((head)->next, type, member))
#define list_last(head, type, member) \
    (list_empty(head) ? NULL : list_entry((head)->prev, type, member))

#define list_for_each(entry, head, member) \
    for ((entry) = list_entry((head)->next, __typeof__(*(entry)), member); \
         &(entry)->member != (head); \
         (entry) = list_entry((entry)->member.next, __typeof__(*(entry)), member))

/* The body may take `entry` out (and free it), but not `after`. */
#define list_for_each_safe(entry, after, head, member) \
    for ((entry) = list_entry((head)->next, __typeof__(*(entry)), member), \
        (after) = list_entry((entry)->member.next, __typeof__(*(entry)), member); \
         &(entry)->member != (head); (entry) = (after), \
        (after) = list_entry((after)->member.next, __typeof__(*(after)), member))
