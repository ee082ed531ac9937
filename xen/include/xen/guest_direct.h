/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Guest memory by translation and the direct map: private to guest_copy.c and to <asm/guest.h> of
 * ports whose CPUs have no better way. Why the page stays: see the head of guest_copy.c.
 */
#pragma once

#include <arch/mm.h>
#include <arch/p2m.h>
#include <xen/atomic.h>
#include <xen/compiler.h>
#include <xen/cpu.h>
#include <xen/domain.h>
#include <xen/page.h>
#include <xen/types.h>

static inline struct cpu *guest_direct_begin(void)
{
    struct cpu *c = this_cpu();

    /* arch_gva_to_pa begins with the barrier that makes this visible before the translation. */
    atomic_store(&c->copying, c->copying + 1u);
    return c;
}

static inline void guest_direct_end(struct cpu *c)
{
    /* Release: the accesses are over before another CPU sees the number. */
    atomic_store_release(&c->copying, c->copying + 1u);
}

static __always_inline bool guest_direct_translate(const struct cpu *c, uint64_t gva, bool write,
                                                   void **va)
{
    const struct arch_p2m *hw = &c->current->d->p2m.arch;
    paddr_t pa;

    if (unlikely(!arch_gva_to_pa(hw, gva, write, &pa)) || unlikely(!page_is_guest_ram(pa))) {
        return false;
    }
    *va = arch_pa_to_va(pa);
    return true;
}

/* The four of <arch/guest.h>. */

static __always_inline bool guest_direct_read32(uint64_t gva, uint32_t *to)
{
    struct cpu *c = guest_direct_begin();
    void *p;
    bool ok = guest_direct_translate(c, gva, false, &p);

    if (likely(ok)) {
        *to = READ_ONCE(*(uint32_t *)p);
    }
    guest_direct_end(c);
    return ok;
}

static __always_inline bool guest_direct_write32(uint64_t gva, uint32_t value)
{
    struct cpu *c = guest_direct_begin();
    void *p;
    bool ok = guest_direct_translate(c, gva, true, &p);

    if (likely(ok)) {
        WRITE_ONCE(*(uint32_t *)p, value);
    }
    guest_direct_end(c);
    return ok;
}

static __always_inline bool guest_direct_read_words(uint64_t gva, uint64_t *to, size_t n)
{
    struct cpu *c = guest_direct_begin();
    void *p;
    bool ok = guest_direct_translate(c, gva, false, &p);

    for (size_t i = 0; ok && i < n; i++) {
        to[i] = READ_ONCE(((uint64_t *)p)[i]);
    }
    guest_direct_end(c);
    return ok;
}

static __always_inline bool guest_direct_write_words(uint64_t gva, const uint64_t *from, size_t n)
{
    struct cpu *c = guest_direct_begin();
    void *p;
    bool ok = guest_direct_translate(c, gva, true, &p);

    for (size_t i = 0; ok && i < n; i++) {
        WRITE_ONCE(((uint64_t *)p)[i], from[i]);
    }
    guest_direct_end(c);
    return ok;
}
