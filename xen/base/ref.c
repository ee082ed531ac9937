/* SPDX-License-Identifier: Apache-2.0 */
/* References whose last one leaves the object to the gate. */
#include <xen/atomic.h>
#include <xen/cpu.h>
#include <xen/ref.h>

static struct ref *dead; /* atomic */

bool ref_get(struct ref *r)
{
    uint32_t old = atomic_load(&r->count);

    do {
        if (old == 0) {
            return false;
        }
    } while (!atomic_compare_exchange(&r->count, &old, old + 1));
    return true;
}

void ref_put_aside(struct ref *r)
{
    struct ref *head = atomic_load(&dead);

    do {
        r->next = head;
    } while (!atomic_compare_exchange(&dead, &head, r));
    cpu_request(this_cpu(), CPU_PENDING_REAP);
}

void ref_put(struct ref *r)
{
    if (atomic_fetch_sub(&r->count, 1u) == 1) {
        ref_put_aside(r);
    }
}

struct ref *ref_take_dead(void)
{
    struct ref *r = atomic_exchange(&dead, (struct ref *)NULL);

    while (r != NULL && r->next != NULL) {
        struct ref *other = r->next;

        r->next = other->next;
        ref_put_aside(other);
    }
    return r;
}
