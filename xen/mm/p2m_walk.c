/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Second-stage tables: walking them, making them, splitting blocks; and the wait that ends a
 * change, because CPUs copy through addresses that they translated before. It does not know what
 * the leaves are for.
 */
#include <arch/mm.h>
#include <xen/cpu.h>
#include <xen/domain.h>
#include <xen/errno.h>
#include <xen/lib.h>
#include <xen/p2m_walk.h>
#include <xen/page.h>
#include <xen/page_alloc.h>

#define TABLE_ENTRIES (PAGE_SIZE / sizeof(pte_t))

uint64_t p2m_limit(void)
{
    return 1ull << (arch_p2m_ipa_bits() - PAGE_SHIFT);
}

/* The leaf or hole that covers g. */
static pte_t p2m_walk(const struct p2m *p2m, uint64_t g, unsigned int *level)
{
    const pte_t *table = p2m->root;

    for (*level = 0;; (*level)++) {
        pte_t pte = READ_ONCE(table[arch_p2m_index((gfn_t){g}, *level)]);

        if (!arch_pte_valid(pte) || !arch_pte_is_table(pte, *level)) {
            return pte;
        }
        table = p2m_table(pte);
    }
}

bool p2m_find(const struct p2m *p2m, gfn_t gfn, struct p2m_leaf *leaf, unsigned int *level)
{
    pte_t pte;

    *level = 0;
    if (gfn.n >= p2m_limit()) {
        return false;
    }
    pte = p2m_walk(p2m, gfn.n, level);
    if (!arch_pte_valid(pte)) {
        return false;
    }
    *leaf = arch_pte_parse(pte, *level);
    leaf->mfn.n += gfn.n & (p2m_level_pages(*level) - 1u);
    return true;
}

bool p2m_translate(const struct p2m *p2m, paddr_t gpa, bool write, paddr_t *pa)
{
    struct p2m_leaf leaf;
    unsigned int level;
    pte_t pte;

    if (gpa >> PAGE_SHIFT >= p2m_limit()) {
        return false;
    }
    pte = p2m_walk(p2m, gpa >> PAGE_SHIFT, &level);
    leaf = arch_pte_parse(pte, level);
    *pa = (leaf.mfn.n << PAGE_SHIFT) + (gpa & ((PAGE_SIZE << arch_p2m_order(level)) - 1u));
    return arch_pte_valid(pte) && (!write || (leaf.flags & P2M_WRITE) != 0);
}

/* A new table behind an empty slot. */
static int p2m_add_table(struct p2m *p2m, pte_t *slot, pte_t *table)
{
    if (table == NULL) {
        return -ENOMEM;
    }
    p2m->table_pages++;
    smp_wmb(); /* the table's contents are there before a walker can find it */
    arch_pte_write(slot, arch_pte_table(arch_va_to_pa(table)));
    return 0;
}

static pte_t *p2m_new_table(const struct p2m *p2m)
{
    return p2m->table_pages < p2m->pool_pages ? page_alloc(0) : NULL;
}

int p2m_split(struct p2m *p2m, pte_t *slot, uint64_t g, unsigned int level)
{
    struct p2m_leaf leaf = arch_pte_parse(*slot, level);
    pte_t *table = p2m_new_table(p2m);

    if (table == NULL) {
        return -ENOMEM;
    }
    for (unsigned int i = 0; i < TABLE_ENTRIES; i++) {
        table[i] = arch_pte_leaf(&leaf, level + 1u);
        leaf.mfn.n += p2m_level_pages(level + 1u);
    }
    arch_pte_write(slot, (pte_t){0});
    arch_p2m_flush_range(&p2m->arch, (gfn_t){round_down(g, p2m_level_pages(level))},
                         p2m_level_pages(level));
    return p2m_add_table(p2m, slot, table);
}

int p2m_descend(struct p2m *p2m, uint64_t g, unsigned int level, pte_t **slot)
{
    pte_t *table = p2m->root;

    for (unsigned int l = 0; l < level && l < P2M_LAST_LEVEL; l++) {
        pte_t *e = &table[arch_p2m_index((gfn_t){g}, l)];
        int rc = 0;

        if (!arch_pte_valid(*e)) {
            rc = p2m_add_table(p2m, e, p2m_new_table(p2m));
        } else if (!arch_pte_is_table(*e, l)) {
            rc = p2m_split(p2m, e, g, l);
        }
        if (rc != 0) {
            return rc;
        }
        table = p2m_table(*e);
    }
    *slot = &table[arch_p2m_index((gfn_t){g}, level)];
    return 0;
}

void p2m_quiesce(void)
{
    const struct cpu *self = this_cpu();

    /* The cleared p2m entries and the flush come before the numbers are read: see the head of
     * guest_copy.c. */
    smp_mb();
    for (unsigned int i = 0; i < nr_cpus; i++) {
        struct cpu *c = &cpus[i];
        uint32_t seen = atomic_load_acquire(&c->copying);

        while (c != self && (seen & 1u) != 0 && atomic_load_acquire(&c->copying) == seen) {
            arch_wait_while_equal(&c->copying, seen);
        }
    }
}

void p2m_gone_release(struct p2m_gone *gone)
{
    p2m_quiesce();
    for (uint32_t i = 0; i < gone->nr; i++) {
        if ((gone->item[i] & 1u) != 0) {
            page_put((struct page *)(gone->item[i] & ~(uintptr_t)1u));
        } else {
            page_free((void *)gone->item[i], 0);
        }
    }
    gone->nr = 0;
}
