/* SPDX-License-Identifier: Apache-2.0 */
/* How domains are found: the list by id. What is found is kept by a reference. */
#include <xen/cpu.h>
#include <xen/domain.h>

#define HASH_SIZE 64u

spinlock_t domain_list_lock = SPINLOCK_INIT(LOCK_DOMAIN_LIST);
struct list domain_list = LIST_INIT(domain_list);
struct domain *hardware_domain;

static struct domain *hash[HASH_SIZE]; /* domain_list_lock */

void domain_link(struct domain *d)
{
    struct domain *next;

    spin_lock(&domain_list_lock);
    list_for_each(next, &domain_list, all) {
        if (next->id > d->id) {
            break;
        }
    }
    list_add_before(&next->all, &d->all);
    d->hash_next = hash[d->id % HASH_SIZE];
    hash[d->id % HASH_SIZE] = d;
    spin_unlock(&domain_list_lock);
}

void domain_unlink(struct domain *d)
{
    struct domain **slot = &hash[d->id % HASH_SIZE];

    spin_lock(&domain_list_lock);
    if (list_linked(&d->all)) {
        while (*slot != d) {
            slot = &(*slot)->hash_next;
        }
        *slot = d->hash_next;
        list_del(&d->all);
    }
    spin_unlock(&domain_list_lock);
}

/* With domain_list_lock held. */
static struct domain *domain_find(domid_t id)
{
    struct domain *d = hash[id % HASH_SIZE];

    while (d != NULL && d->id != id) {
        d = d->hash_next;
    }
    return d;
}

domid_t domain_free_id(domid_t from)
{
    domid_t id = from != 0 ? from : 1;

    spin_lock(&domain_list_lock);
    while (id < DOMID_FIRST_RESERVED && domain_find(id) != NULL) {
        id++;
    }
    spin_unlock(&domain_list_lock);
    return id < DOMID_FIRST_RESERVED ? id : DOMID_INVALID;
}

struct domain *domain_get_by_id(domid_t id)
{
    struct domain *d;

    spin_lock(&domain_list_lock);
    d = domain_find(id);
    if (d != NULL && !domain_get(d)) {
        d = NULL;
    }
    spin_unlock(&domain_list_lock);
    return d;
}

struct domain *domain_by_id_or_self(domid_t id)
{
    struct domain *self = current_vcpu()->d;

    if (id == DOMID_SELF || id == self->id) {
        return domain_get(self) ? self : NULL;
    }
    return domain_get_by_id(id);
}

struct domain *domain_get_next(domid_t from)
{
    struct domain *d, *found = NULL;

    spin_lock(&domain_list_lock);
    list_for_each(d, &domain_list, all) {
        if (d->id >= from && domain_get(d)) {
            found = d;
            break;
        }
    }
    spin_unlock(&domain_list_lock);
    return found;
}

struct domain *domain_get_behind(struct domain *d)
{
    struct domain *found = NULL;
    struct list *at;

    spin_lock(&domain_list_lock);
    /* The reference keeps d in the list. */
    for (at = d->all.next; at != &domain_list && found == NULL; at = at->next) {
        struct domain *next = list_entry(at, struct domain, all);

        found = domain_get(next) ? next : NULL;
    }
    spin_unlock(&domain_list_lock);
    domain_put(d);
    return found;
}

struct vcpu *domain_next_vcpu(const struct domain *d, uint32_t from)
{
    struct vcpu *v = NULL;

    while (from < d->max_vcpus && v == NULL) {
        v = domain_vcpu(d, from++);
    }
    return v;
}
