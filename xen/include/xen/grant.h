/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Grant tables, version 1: table.c owns the shared frames and what is pinned, map.c mappings,
 * copy.c copies, flush.c cache maintenance, grant_op.c what guests ask for.
 */
#pragma once

#include <xen/compiler.h>
#include <xen/types.h>

struct domain;
struct vcpu;

/* Domains have grant tables from now on. */
void grant_init(void);

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
