/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sets of numbers as sorted arrays of ranges. Neighbours are always merged, so a range asked about
 * lies in the set exactly when it lies in one element. Lookups are binary, changes move the tail of
 * the array.
 */
#include <xen/errno.h>
#include <xen/lib.h>
#include <xen/rangeset.h>
#include <xen/string.h>

void rangeset_init(struct rangeset *rs, struct range *storage, uint32_t capacity)
{
    rs->ranges = storage;
    rs->count = 0;
    rs->capacity = capacity;
}

/* Index of the first range that ends at or after `x`; count when there is none. */
static uint32_t rangeset_first_ending_at(const struct rangeset *rs, uint64_t x)
{
    uint32_t low = 0, high = rs->count;

    while (low < high) {
        uint32_t middle = low + (high - low) / 2;

        if (rs->ranges[middle].end < x) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

/* Puts the `with_count` ranges of `with` where [first, last) of rs was. */
static int rangeset_replace(struct rangeset *rs, uint32_t first, uint32_t last,
                            const struct range *with, uint32_t with_count)
{
    uint32_t tail = rs->count - last;

    if (first + with_count + tail > rs->capacity) {
        return -ENOSPC;
    }
    memmove(&rs->ranges[first + with_count], &rs->ranges[last], tail * sizeof(*with));
    for (uint32_t i = 0; i < with_count; i++) {
        rs->ranges[first + i] = with[i];
    }
    rs->count = first + with_count + tail;
    return 0;
}

int rangeset_add(struct rangeset *rs, uint64_t start, uint64_t end)
{
    if (start >= end) {
        return start == end ? 0 : -EINVAL;
    }

    /* Everything that overlaps or touches [start, end) melts into it. */
    uint32_t first = rangeset_first_ending_at(rs, start), last = first;
    struct range merged = {start, end};

    while (last < rs->count && rs->ranges[last].start <= end) {
        merged.start = min_u64(merged.start, rs->ranges[last].start);
        merged.end = max_u64(merged.end, rs->ranges[last].end);
        last++;
    }
    return rangeset_replace(rs, first, last, &merged, 1);
}

int rangeset_remove(struct rangeset *rs, uint64_t start, uint64_t end)
{
    if (start >= end) {
        return start == end ? 0 : -EINVAL;
    }

    uint32_t first = rangeset_first_ending_at(rs, start), last = first;
    struct range rest[2];
    uint32_t rests = 0;

    /* What sticks out on either side of the ranges hit stays; at most two pieces do. */
    for (; last < rs->count && rs->ranges[last].start < end; last++) {
        struct range r = rs->ranges[last];

        if (r.start < start) {
            rest[rests++] = (struct range){r.start, min_u64(r.end, start)};
        }
        if (r.end > end) {
            rest[rests++] = (struct range){end, r.end};
        }
    }
    return rangeset_replace(rs, first, last, rest, rests);
}

int rangeset_subtract(struct rangeset *rs, const struct rangeset *other)
{
    for (uint32_t i = 0; i < other->count; i++) {
        int rc = rangeset_remove(rs, other->ranges[i].start, other->ranges[i].end);

        if (rc != 0) {
            return rc;
        }
    }
    return 0;
}

int rangeset_copy(struct rangeset *to, const struct rangeset *from)
{
    return rangeset_replace(to, 0, to->count, from->ranges, from->count);
}

const struct range *rangeset_find(const struct rangeset *rs, uint64_t x)
{
    if (x == UINT64_MAX) {
        return NULL; /* not representable as an element: ends are exclusive */
    }

    uint32_t i = rangeset_first_ending_at(rs, x + 1);

    return i < rs->count && rs->ranges[i].start <= x ? &rs->ranges[i] : NULL;
}

bool rangeset_contains(const struct rangeset *rs, uint64_t start, uint64_t end)
{
    if (start >= end) {
        return start == end;
    }

    const struct range *r = rangeset_find(rs, start);

    return r != NULL && end <= r->end;
}

bool rangeset_overlaps(const struct rangeset *rs, uint64_t start, uint64_t end)
{
    if (start >= end) {
        return false;
    }

    uint32_t i = rangeset_first_ending_at(rs, start + 1);

    return i < rs->count && rs->ranges[i].start < end;
}

/* The place within one range, lowest or highest. */
static bool rangeset_place_in(struct range r, uint64_t size, uint64_t align, bool from_top,
                              uint64_t *start)
{
    if (r.start >= r.end || r.end - r.start < size || round_up_overflows(r.start, align)) {
        return false;
    }

    uint64_t low = round_up(r.start, align);

    if (low > r.end || r.end - low < size) {
        return false;
    }
    *start = from_top ? round_down(r.end - size, align) : low;
    return true;
}

int rangeset_place(const struct rangeset *rs, uint64_t size, uint64_t align, uint64_t low,
                   uint64_t high, bool from_top, uint64_t *start)
{
    for (uint32_t n = 0; n < rs->count; n++) {
        struct range r = rs->ranges[from_top ? rs->count - 1 - n : n];

        r.start = max_u64(r.start, low);
        r.end = min_u64(r.end, high);
        if (rangeset_place_in(r, size, align, from_top, start)) {
            return 0;
        }
    }
    return -ENOSPC;
}

uint64_t rangeset_total(const struct rangeset *rs)
{
    uint64_t total = 0;

    for (uint32_t i = 0; i < rs->count; i++) {
        total += rs->ranges[i].end - rs->ranges[i].start;
    }
    return total;
}
