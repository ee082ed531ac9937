/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sets of ranges (xen/lib/rangeset.c). From any valid set of up to CAPACITY ranges, with any 64-bit
 * bounds, each operation leaves a valid set that has an element exactly when arithmetic says so, or
 * fails and leaves it as it was. By induction this holds after any number of operations.
 */
#include "proof.h"

#include <xen/errno.h>
#include <xen/rangeset.h>

#define CAPACITY 2u

static struct range storage[CAPACITY];

/* The core's one moves bytes; here all are ranges, which the checker follows better. */
void *memmove(void *to, const void *from, size_t size)
{
    const struct range *source = from;
    struct range kept[CAPACITY], *dest = to;

    for (size_t i = 0; i < size / sizeof(kept[0]); i++) {
        kept[i] = source[i];
    }
    for (size_t i = 0; i < size / sizeof(kept[0]); i++) {
        dest[i] = kept[i];
    }
    return to;
}

static bool is_valid(const struct rangeset *rs)
{
    bool good = rs->count <= CAPACITY;

    for (uint32_t i = 0; i < CAPACITY; i++) {
        if (i < rs->count) {
            good = good && rs->ranges[i].start < rs->ranges[i].end &&
                   (i == 0 || rs->ranges[i - 1u].end < rs->ranges[i].start);
        }
    }
    return good;
}

static bool has(const struct rangeset *rs, uint64_t x)
{
    bool there = false;

    for (uint32_t i = 0; i < CAPACITY; i++) {
        there = there || (i < rs->count && x >= rs->ranges[i].start && x < rs->ranges[i].end);
    }
    return there;
}

static void any_set(struct rangeset *rs, struct range *ranges)
{
    rangeset_init(rs, ranges, CAPACITY);
    rs->count = nondet_u32();
    for (uint32_t i = 0; i < CAPACITY; i++) {
        ranges[i] = (struct range){nondet_u64(), nondet_u64()};
    }
    ASSUME(is_valid(rs));
}

static void check_change(struct rangeset *rs, uint64_t start, uint64_t end, uint64_t x)
{
    bool adds = nondet_bool(), before = has(rs, x), in = x >= start && x < end;
    uint32_t count = rs->count;
    int rc = adds ? rangeset_add(rs, start, end) : rangeset_remove(rs, start, end);

    CHECK(is_valid(rs));
    CHECK(rc == 0 || rc == (start > end ? -EINVAL : -ENOSPC));
    CHECK(rc != -ENOSPC || count == CAPACITY);
    CHECK(has(rs, x) == (rc != 0 ? before : adds ? before || in : before && !in));
    if (rc == -ENOSPC) {
        REACHED("no room for one more range");
    } else if (rs->count == 1 && count == CAPACITY) {
        REACHED("ranges join");
    } else if (rs->count == count + 1u && !adds) {
        REACHED("a range is divided");
    }
}

static void check_question(const struct rangeset *rs, uint64_t start, uint64_t end, uint64_t x)
{
    bool in = x >= start && x < end;
    const struct range *found = rangeset_find(rs, x);

    if (rangeset_contains(rs, start, end)) {
        CHECK(!in || has(rs, x));
    }
    if (!rangeset_overlaps(rs, start, end)) {
        CHECK(!in || !has(rs, x));
    }
    CHECK((found != NULL) == has(rs, x));
    CHECK(found == NULL || (x >= found->start && x < found->end));
}

void prove_change(void)
{
    struct rangeset rs;

    any_set(&rs, storage);
    check_change(&rs, nondet_u64(), nondet_u64(), nondet_u64());
    REACHED("the end");
}

void prove_question(void)
{
    struct rangeset rs;

    any_set(&rs, storage);
    check_question(&rs, nondet_u64(), nondet_u64(), nondet_u64());
    REACHED("the end");
}
