/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Third port: memory and second-stage tables. Caches do not exist, and a flush is a number; but an
 * entry is broken and flushed before it is made again [Arm ARM D8.14.1].
 */
#include "state.h"

#include <arch/mm.h>
#include <arch/p2m.h>
#include <xen/domain.h>
#include <xen/lib.h>
#include <xen/memmap.h>
#include <xen/printk.h>
#include <xen/string.h>

#define MAX_STALE 4096u

uint8_t *host_directmap;
_Thread_local uint64_t host_pte_looks;

/* Who clears an entry flushes it before the lock is free. */
static _Thread_local const pte_t *host_stale[MAX_STALE];
static _Thread_local unsigned int host_nr_stale;

paddr_t arch_image_start(void)
{
    return host_state.image;
}

paddr_t arch_image_end(void)
{
    return host_state.image + HOST_IMAGE_SIZE;
}

void arch_cache_clean(const void *va __unused, size_t size __unused)
{
}

void arch_cache_clean_invalidate(const void *va __unused, size_t size __unused)
{
}

void arch_icache_sync(const void *va __unused, size_t size __unused)
{
}

void arch_page_zero(void *va)
{
    memset(va, 0, PAGE_SIZE);
}

void arch_p2m_init(void)
{
}

unsigned int arch_p2m_root_order(void)
{
    return ARCH_P2M_ROOT_ORDER;
}

unsigned int arch_p2m_ipa_bits(void)
{
    return PAGE_SHIFT + 9 * ARCH_P2M_LEVELS + ARCH_P2M_ROOT_ORDER;
}

void arch_p2m_setup(struct arch_p2m *hw, paddr_t root)
{
    hw->root = root;
}

static bool host_same_entry(pte_t a, pte_t b)
{
    return a.valid == b.valid && a.table == b.table && a.kind == b.kind && a.flags == b.flags &&
           a.frame == b.frame;
}

void host_pte_write(pte_t *slot, pte_t pte)
{
    if (slot->valid) {
        BUG_ON(pte.valid && !host_same_entry(*slot, pte));
        BUG_ON(host_nr_stale == MAX_STALE);
        host_stale[host_nr_stale++] = slot;
    }
    for (unsigned int i = 0; !slot->valid && pte.valid && i < host_nr_stale; i++) {
        BUG_ON(host_stale[i] == slot);
    }
    __atomic_store(slot, &pte, __ATOMIC_RELEASE); /* whole, as hardware reads it */
}

unsigned int host_unflushed(void)
{
    return host_nr_stale;
}

void arch_p2m_flush(struct arch_p2m *hw)
{
    BUG_ON(hw->root == 0);
    host_nr_stale = 0;
    hw->flushes++;
    (void)__atomic_fetch_add(&host_state.flushes, 1, __ATOMIC_RELAXED);
}

uint64_t host_flushes(void)
{
    return host_state.flushes;
}

void arch_p2m_flush_range(struct arch_p2m *hw, gfn_t gfn, uint64_t nr)
{
    BUG_ON(nr == 0 || gfn_x(gfn) + nr > 1ul << (arch_p2m_ipa_bits() - PAGE_SHIFT));
    arch_p2m_flush(hw);
}

void arch_p2m_flush_all(void)
{
    host_state.flushes_of_all++;
}

/* What a hardware walk of d's table finds for a guest-physical address. */
static bool host_walk(const struct domain *d, paddr_t gpa, bool write, paddr_t *pa)
{
    const pte_t *table = arch_pa_to_va(d->p2m.arch.root);
    uint32_t read_only = atomic_load(&d->p2m.arch.read_only);
    gfn_t g = gfn(gpa >> PAGE_SHIFT);

    if (host_state.late) {
        host_wait_a_while();
    }
    if (gpa >> arch_p2m_ipa_bits() != 0) {
        return false;
    }
    for (unsigned int level = 0; level < ARCH_P2M_LEVELS; level++) {
        pte_t pte;

        __atomic_load(&table[arch_p2m_index(g, level)], &pte, __ATOMIC_ACQUIRE);

        if (!arch_pte_valid(pte)) {
            return false;
        }
        if (!arch_pte_is_table(pte, level)) {
            uint64_t size = PAGE_SIZE << arch_p2m_order(level);
            struct p2m_leaf leaf = arch_pte_parse(pte, level);

            /* The contract: told in time, or no translation is under way. */
            BUG_ON((leaf.flags & P2M_WRITE) == 0 && read_only == 0);
            *pa = (mfn_x(leaf.mfn) << PAGE_SHIFT) + (gpa & (size - 1));
            return !write || (leaf.flags & P2M_WRITE) != 0;
        }
        table = arch_pa_to_va(arch_pte_table_pa(pte));
    }
    return false;
}

void host_watch(uint64_t gva, uint64_t size)
{
    host_state.watched = gva;
    host_state.watched_end = gva + size;
    host_state.fetches = 0;
}

unsigned int host_watched(void)
{
    return host_state.fetches;
}

void host_fail_access(unsigned int n)
{
    host_state.failing_access = n;
    host_state.access_failed = false;
}

bool host_access_failed(void)
{
    return host_state.access_failed;
}

/* Threads only look: no test with threads lets any fail. */
static bool host_access_fails(void)
{
    if (host_state.failing_access == 0) {
        return false;
    }
    if (host_state.failing_access > 1) {
        host_state.failing_access--;
        return false;
    }
    host_state.access_failed = true;
    return true;
}

/* Each access to guest memory asks for its address first. */
static void host_count_fetch(uint64_t gva)
{
    if (gva >= host_state.watched && gva < host_state.watched_end) {
        host_state.fetches_of_call++;
        host_state.fetches = max_u32(host_state.fetches, host_state.fetches_of_call);
    }
}

/* Guests of this port have no tables of their own: virtual addresses are guest-physical ones. */
bool host_gva_to_pa(uint64_t gva, bool write, paddr_t *pa)
{
    if (!write && !host_state.threads) {
        host_count_fetch(gva);
    }
    BUG_ON((host_cpu->copying & 1u) == 0);
    smp_mb(); /* the contract: earlier stores are visible before the translation begins */
    if (host_access_fails()) {
        return false;
    }
    return host_walk(host_cpu->current->d, gva, write, pa);
}

static bool host_guest_access(uint16_t domain, uint64_t gpa, uint8_t *buffer, size_t size,
                              bool write)
{
    struct domain *d = domain_get_by_id(domain);
    bool good = d != NULL;
    paddr_t pa;

    for (; good && size != 0; size--, gpa++, buffer++) {
        good = host_walk(d, gpa, write, &pa) && memmap_is_ram(pa, pa + 1);
        if (good && write) {
            *(uint8_t *)arch_pa_to_va(pa) = *buffer;
        } else if (good) {
            *buffer = *(uint8_t *)arch_pa_to_va(pa);
        }
    }
    if (d != NULL) {
        domain_put(d);
    }
    return good;
}

bool host_guest_read(uint16_t domain, uint64_t gpa, void *to, size_t size)
{
    return host_guest_access(domain, gpa, to, size, false);
}

bool host_guest_write(uint16_t domain, uint64_t gpa, const void *from, size_t size)
{
    return host_guest_access(domain, gpa, (uint8_t *)(uintptr_t)from, size, true);
}
