/* SPDX-License-Identifier: Apache-2.0 */
/* Memory of domains: <xen/page.h> draws how a page gets there and leaves. */
#pragma once

#include <xen/compiler.h>
#include <xen/types.h>

struct domain;

/*
 * Give d 2^order pages below `limit` (0: anywhere; else rounded down to a power of two, at least 1
 * GiB): charged to d->tot_pages (-E2BIG above max_pages), scrubbed, one reference each. -ENOMEM;
 * -EINVAL: d is dying. Large orders: -ERESTART when free memory must be scrubbed first, a slice of
 * which was done; call again.
 */
int __must_check domain_page_alloc(struct domain *d, unsigned int order, paddr_t limit, mfn_t *mfn);
/* The same for whole chunks that the allocator never had (dom0's banks), not scrubbed. */
int __must_check domain_page_adopt(struct domain *d, mfn_t mfn, uint64_t nr);
/*
 * Drop the allocation's reference of nr pages of d from mfn: each is freed when its last reference
 * goes. The caller alone knows these frames: p2m_take told him, or they never were in a p2m. A
 * frame that he saw there before he dropped the p2m's lock may be another page of d by now, mapped
 * elsewhere. Pages that d does not own (it is dying) are left alone.
 */
void domain_page_free(struct domain *d, mfn_t mfn, uint64_t nr);
/* Does d own all of 2^order pages from mfn, aligned? */
bool domain_page_owned(const struct domain *d, mfn_t mfn, unsigned int order);
/* Free all that d still owns, in slices: 0 or -ERESTART. d is dying, and p2m_relinquish is done: no
 * entry and no translation shows these pages. The caller has a reference on d. */
int __must_check domain_pages_relinquish(struct domain *d);

/*
 * XENMEM_claim_pages: let d's tot_pages rise to `pages` without others taking the memory first; 0
 * ends it. -EINVAL: a claim is there already, pages is not in (tot_pages, max_pages], or d is
 * dying. -ENOMEM. page_claimed: what all claims still hold back.
 */
int __must_check domain_page_reserve(struct domain *d, uint64_t pages);
uint64_t page_claimed(void);
