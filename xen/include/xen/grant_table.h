/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Inside xen/grant/: the table of a domain, as granter and as mapper.
 *
 * A shared entry is the guest's memory; what was agreed on when it was first used is kept in a
 * struct grant_active until the last use ends: who, and which page, with one reference on that
 * page. An entry is pinned while it is mapped or being copied.
 */
#pragma once

#include <public/grant_table.h>
#include <xen/config.h>
#include <xen/domain.h>
#include <xen/grant.h>
#include <xen/spinlock.h>

/* Pins of one kind that an entry may have; Xen's limit. */
#define GRANT_MAX_PINS 128u

struct grant_active {
    struct page *pg;  /* valid while pinned */
    uint16_t readers; /* pins that only read */
    uint16_t writers;
    domid_t by; /* who uses it, valid while pinned */
};

struct grant_map {    /* a mapping that the domain has; its index is the handle */
    struct domain *d; /* granter, referenced */
    grant_ref_t ref;  /* in use: the granter's entry; free: next free handle */
    uint16_t flags;   /* GNTMAP_host_map, GNTMAP_readonly, GRANT_MAP_ENDS; 0: free */
};

#define GRANT_MAP_ENDS 0x8000u /* while map_lock is held: in the batch that is being unmapped */

#define GRANT_NO_HANDLE         UINT32_MAX
#define GRANT_ENTRIES_PER_FRAME (PAGE_SIZE / sizeof(struct grant_entry_v1))
#define GRANT_MAPS_PER_FRAME    (PAGE_SIZE / sizeof(struct grant_map))
#define GRANT_ACTIVE_ORDER      1u /* of the active entries of a frame */

_Static_assert(GRANT_ENTRIES_PER_FRAME * sizeof(struct grant_active) == PAGE_SIZE
                                                                            << GRANT_ACTIVE_ORDER,
               "active entries");

struct grant_table {
    spinlock_t lock;    /* as granter: frames, active entries. Taken after a mapper's map_lock */
    uint32_t nr_frames; /* published after the frame */
    uint32_t max_frames;
    struct grant_entry_v1 **frame; /* [max_frames] pages shared with the domain */
    struct grant_active **active;  /* [max_frames], one for each shared entry */

    spinlock_t map_lock; /* as mapper: what follows */
    uint32_t nr_maps;    /* handles that have a struct grant_map */
    uint32_t max_map_frames;
    struct grant_map **map;  /* [max_map_frames] pages, added as they are needed */
    grant_handle_t free_map; /* list of free handles */
    grant_handle_t relinquish_next;
};

/* Entries of d's table; table lock held or the number only used as a bound. */
static inline uint32_t grant_entries(const struct grant_table *gt)
{
    return atomic_load_acquire(&gt->nr_frames) * (uint32_t)GRANT_ENTRIES_PER_FRAME;
}

/* NULL: d has no such entry. */
struct grant_active *grant_active(const struct grant_table *gt, grant_ref_t ref);
struct grant_entry_v1 *grant_entry(const struct grant_table *gt, grant_ref_t ref);

/*
 * Pin entry `ref` of d for use by domain `by`: GNTST_okay and the page, which stays allocated until
 * the pin goes; or the status for the guest. `map`: for a mapping, not a copy.
 */
int16_t grant_pin(struct domain *d, grant_ref_t ref, domid_t by, bool write, bool map,
                  struct page **pg);
/* Undo that. The result, if not NULL, is to be page_put once no lock is held. */
struct page *__must_check grant_unpin(struct domain *d, grant_ref_t ref, bool write);

/* One element of each operation on lists: its status for the guest. Arguments are copies. */
int16_t grant_op_map(struct domain *d, struct gnttab_map_grant_ref *op);
int16_t grant_op_copy(struct domain *d, const struct gnttab_copy *op);
int16_t grant_op_swap(struct domain *d, const struct gnttab_swap_grant_ref *op);
/*
 * Unmapping, in their order, with one flush of TLBs: it costs more than all the rest, and backends
 * unmap what a whole packet was in. How many elements have their status now: at least one, at most
 * nr, which is at most GRANT_UNMAP_MAX.
 */
#define GRANT_UNMAP_MAX 16u
unsigned int grant_op_unmap(struct domain *d, struct gnttab_unmap_grant_ref *op, unsigned int nr,
                            bool replace);

/*
 * One element of cache_flush: 0, -errno, or -ERESTART: *cursor says where to go on. *cursor is 0 at
 * first, else a value that was given out before or that a guest made up.
 */
int grant_op_cache_flush(struct domain *d, const struct gnttab_cache_flush *op, uint32_t *cursor);
/* Entries that one step of that looks at; the cursor is a multiple of it. */
#define GRANT_FLUSH_STEP 1024u

/* Number of frames to `nr`: 0, -EINVAL (above the limit) or -ENOMEM; -ERESTART: some were added,
 * call again. */
int __must_check grant_grow(struct domain *d, uint32_t nr);

/* Of struct domain_part. -EINVAL, -ENOMEM. */
int __must_check grant_domain_init(struct domain *d, const struct xen_domctl_createdomain *config);
/* Nobody maps what d granted any more: each mapping holds a reference on d. */
void grant_domain_destroy(struct domain *d);
