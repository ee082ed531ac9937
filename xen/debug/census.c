/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The census: a word for each frame of RAM, filled anew by each check. Its memory, 1 MiB for each GiB,
 * is taken at the first check and kept.
 */
#include <arch/mm.h>
#include <xen/errno.h>
#include <xen/page.h>
#include <xen/page_alloc.h>
#include <xen/string.h>

#include "check.h"

#define FRAMES_PER_GIB (1u << BUDDY_MAX_ORDER)
#define CENSUS_BYTES   (FRAMES_PER_GIB * sizeof(uint32_t))
#define CENSUS_ORDER   (BUDDY_MAX_ORDER + 2u - PAGE_SHIFT)

static uint32_t *census[MEM_MAX_GIBS];
static uint64_t total[CLAIMS];

int census_begin(void)
{
    memset(total, 0, sizeof(total));
    for (uint64_t gib = 0; gib < MEM_MAX_GIBS; gib++) {
        if (mem_chunks[gib] == NULL) {
            continue;
        }
        if (census[gib] == NULL) {
            census[gib] = page_alloc(CENSUS_ORDER);
        }
        if (census[gib] == NULL) {
            return -ENOMEM;
        }
        memset(census[gib], 0, CENSUS_BYTES);
    }
    return 0;
}

uint32_t *census_of(uint64_t frame)
{
    uint64_t gib = frame >> BUDDY_MAX_ORDER;

    return gib < MEM_MAX_GIBS && census[gib] != NULL ? &census[gib][frame & (FRAMES_PER_GIB - 1u)]
                                                     : NULL;
}

void census_claim(uint64_t frame, uint64_t nr, enum claim what)
{
    for (; nr != 0; nr--, frame++) {
        uint32_t *word = census_of(frame);

        if (word == NULL) {
            check_wrong("frame %#lx, of kind %d, is not RAM", frame, (int)what);
            return;
        }
        if ((*word & CENSUS_CLAIM) != CLAIM_NONE) {
            check_wrong("frame %#lx is of kind %d and of kind %u", frame, (int)what,
                        *word & CENSUS_CLAIM);
            return;
        }
        *word |= (uint32_t)what;
        total[what]++;
    }
}

void census_claim_object(const void *va, uint64_t pages, enum claim what)
{
    census_claim(arch_va_to_pa(va) >> PAGE_SHIFT, pages, what);
}

void census_reference(uint64_t frame)
{
    uint32_t *word = census_of(frame);
    enum claim claim = census_claim_of(frame);

    if (claim != CLAIM_PAGE && claim != CLAIM_SHARED) {
        check_wrong("frame %#lx, of kind %d, is referenced", frame, (int)claim);
    } else if ((*word & CENSUS_REF_MASK) != CENSUS_REF_MASK) {
        *word += CENSUS_REF;
    }
}

void census_grant(uint64_t frame)
{
    uint32_t *word = census_of(frame);

    if (word != NULL && (*word & CENSUS_GRANT_MASK) != CENSUS_GRANT_MASK) {
        *word += CENSUS_GRANT;
    }
}

bool census_grant_ends(uint64_t frame)
{
    uint32_t *word = census_of(frame);

    if (word == NULL || (*word & CENSUS_GRANT_MASK) == 0) {
        return false;
    }
    *word -= CENSUS_GRANT;
    return true;
}

bool census_mark(uint64_t frame, uint32_t bit)
{
    uint32_t *word = census_of(frame);

    if (word == NULL || (*word & bit) != 0) {
        return false;
    }
    *word |= bit;
    return true;
}

uint64_t census_total(enum claim what)
{
    return total[what];
}
