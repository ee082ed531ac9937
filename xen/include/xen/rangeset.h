/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sets of numbers as sorted, disjoint, non-adjacent ranges [start, end) in an array of fixed
 * capacity that the caller provides. Used for memory maps, extended regions and I/O permissions. No
 * locking. A function that fails leaves the set as it was.
 */
#pragma once

#include <xen/compiler.h>

#include <stdbool.h>
#include <stdint.h>

struct range {
    uint64_t start;
    uint64_t end;
};

struct rangeset {
    struct range *ranges; /* in ascending order; iterate 0 .. count - 1 */
    uint32_t count;
    uint32_t capacity;
};

/* Initialiser of an empty set that lives in the array `storage`. */
#define RANGESET_INIT(storage) {(storage), 0, (uint32_t)ARRAY_SIZE(storage)}

void rangeset_init(struct rangeset *rs, struct range *storage, uint32_t capacity);

/*
 * -EINVAL when start > end; -ENOSPC when one more range would be needed than fits. Empty ranges do
 * nothing.
 */
int rangeset_add(struct rangeset *rs, uint64_t start, uint64_t end) __must_check;
int rangeset_remove(struct rangeset *rs, uint64_t start, uint64_t end) __must_check;

/*
 * Take everything in `other` out of `rs`. Stops at the first -ENOSPC, with what was removed until
 * then removed.
 */
int rangeset_subtract(struct rangeset *rs, const struct rangeset *other) __must_check;

/* Makes `to` equal to `from`; -ENOSPC when it does not fit. */
int rangeset_copy(struct rangeset *to, const struct rangeset *from) __must_check;

/* Is all of [start, end) in the set? True for an empty range. */
bool rangeset_contains(const struct rangeset *rs, uint64_t start, uint64_t end);

/* Is any of [start, end) in the set? False for an empty range. */
bool rangeset_overlaps(const struct rangeset *rs, uint64_t start, uint64_t end);

/* The range that holds `x`, or NULL. */
const struct range *rangeset_find(const struct rangeset *rs, uint64_t x);

/* Sum of the sizes. */
uint64_t rangeset_total(const struct rangeset *rs);

/*
 * Find `size` free numbers that begin at a multiple of `align` (a power of 2) within [low, high):
 * the lowest such place, or the highest when `from_top`. 0 and *start, or -ENOSPC. Nothing is
 * removed from the set.
 */
int rangeset_place(const struct rangeset *rs, uint64_t size, uint64_t align, uint64_t low,
                   uint64_t high, bool from_top, uint64_t *start) __must_check;
