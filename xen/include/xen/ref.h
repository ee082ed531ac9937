/* SPDX-License-Identifier: Apache-2.0 */
/*
 * References. The last one may go away deep inside something, with any lock held: then the object
 * is only put aside, and the gate of this CPU is asked to free it (CPU_PENDING_REAP).
 */
#pragma once

#include <xen/compiler.h>
#include <xen/types.h>

struct ref {
    uint32_t count;   /* atomic */
    struct ref *next; /* of those put aside */
};

/* false: the last one is gone already. */
bool __must_check ref_get(struct ref *r);
void ref_put(struct ref *r);
/* One that was put aside, NULL: none. Which one is not said; the gate is asked again for others. */
struct ref *ref_take_dead(void);
/* Back to those put aside: there is more to free. */
void ref_put_aside(struct ref *r);
