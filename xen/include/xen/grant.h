/*
 * Grant tables, version 1: table.c owns the shared frames and what is pinned, map.c mappings,
 * copy.c copies, flush.c cache maintenance, grant_op.c what guests ask for.
 */
#pragma once

#include <xen/compiler.h>
#include <xen/types.h>

struct domain;
struct vcpu;

int __must_check grant_domain_init(struct domain *d, uint32_t max_frames,
                                   uint32_t max_maptrack_frames);
/* Give back all that d has mapped of others: 0 or -ERESTART. d is dying, and its p2m maps nothing
 * any more. */
int __must_check grant_domain_relinquish(struct domain *d);
/* Nobody maps what d granted any more: each mapping holds a reference on d. */
void grant_domain_destroy(struct domain *d);

/*
 * Frame `index` of the table (XENMAPSPACE_grant_table, XENMEM_acquire_resource), growing it if
 * allowed: machine frame, or -EINVAL; -ERESTART: it grew by some, call again. The frames are shared
 * pages of d (page_share) and live as long as d.
 */
int __must_check grant_table_frame(struct domain *d, uint64_t index, mfn_t *mfn);
uint32_t grant_table_frames(const struct domain *d);
uint32_t grant_table_max_frames(const struct domain *d);


/* Debug key 'g'. */
void grant_dump(struct domain *d);
