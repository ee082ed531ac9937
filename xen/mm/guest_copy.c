/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Access to guest memory. A guest virtual address is translated by the port, once per page, and
 * followed through the direct map if it is RAM of a domain. A few aligned words go the way that is
 * shortest on the port (<arch/guest.h>); when that fails, this one.
 *
 * What keeps the page while it is used: cpu.copying is odd from before the translation until after
 * the last access. Whoever takes a page away clears its p2m entries, flushes, and waits in
 * p2m_quiesce until every CPU that was odd has moved on. Either the translation here comes
 * after the flush and fails, or the other side sees the odd number and waits. While it is odd a CPU
 * takes no p2m lock, because the holder may be waiting for it.
 */
#include <arch/guest.h>
#include <arch/mm.h>
#include <arch/p2m.h>
#include <xen/atomic.h>
#include <xen/cpu.h>
#include <xen/domain.h>
#include <xen/errno.h>
#include <xen/guest_copy.h>
#include <xen/guest_direct.h>
#include <xen/lib.h>
#include <xen/p2m_walk.h>
#include <xen/page.h>
#include <xen/string.h>

#define TRANSLATE_RETRIES 4u

/* The first try failed: perhaps only because a p2m change on another CPU had the entry cleared for
 * a moment. */
static __noinline void *guest_translate_again(struct cpu *c, uint64_t gva, bool write)
{
    void *va;

    for (unsigned int i = 0; i < TRANSLATE_RETRIES; i++) {
        guest_direct_end(c);
        spin_wait_others(&c->current->d->p2m.lock);
        (void)guest_direct_begin();
        if (guest_direct_translate(c, gva, write, &va)) {
            return va;
        }
    }
    return NULL;
}

static __always_inline void *guest_translate(struct cpu *c, uint64_t gva, bool write)
{
    void *va;

    return guest_direct_translate(c, gva, write, &va) ? va : guest_translate_again(c, gva, write);
}

enum guest_access {
    GUEST_READ,
    GUEST_WRITE,
    GUEST_ZERO
};

/* The hypervisor's side of a copy. */
union guest_buffer {
    uint8_t *to;         /* GUEST_READ */
    const uint8_t *from; /* GUEST_WRITE */
};

static __always_inline void guest_access(void *va, union guest_buffer b, size_t n,
                                         enum guest_access access)
{
    switch (access) {
    case GUEST_READ: memcpy(b.to, va, n); break;
    case GUEST_WRITE: memcpy(va, b.from, n); break;
    case GUEST_ZERO: memset(va, 0, n); break;
    }
}

/* A part of one page; false: it cannot be done. d: whose address space; NULL: the running
 * vCPU's. */
typedef bool guest_part_fn(struct domain *d, uint64_t at, union guest_buffer b, size_t n,
                           enum guest_access access);

/* Inline, with constant arguments: each caller has a loop of its own. */
static __always_inline int guest_pages(guest_part_fn *part, struct domain *d, uint64_t at,
                                       union guest_buffer b, size_t n, enum guest_access access)
{
    if (n != 0 && at + (n - 1u) < at) {
        return -EFAULT;
    }
    while (n != 0) {
        size_t size = min_size(n, -(at | PAGE_MASK)); /* to the end of the page */

        if (!part(d, at, b, size, access)) {
            return -EFAULT;
        }
        if (access != GUEST_ZERO) {
            b.from += size;
        }
        at += size;
        n -= size;
    }
    return 0;
}

static inline bool guest_part_gva(struct domain *d __unused, uint64_t gva, union guest_buffer b,
                                  size_t n, enum guest_access access)
{
    struct cpu *c = guest_direct_begin();
    void *va = guest_translate(c, gva, access != GUEST_READ);

    if (va != NULL) {
        guest_access(va, b, n, access);
    }
    guest_direct_end(c);
    return va != NULL;
}

static __noinline int guest_read_pages(void *to, uint64_t gva, size_t n)
{
    return guest_pages(guest_part_gva, NULL, gva, (union guest_buffer){.to = to}, n, GUEST_READ);
}

static __noinline int guest_write_pages(uint64_t gva, const void *from, size_t n)
{
    return guest_pages(guest_part_gva, NULL, gva, (union guest_buffer){.from = from}, n,
                       GUEST_WRITE);
}

/* Aligned words, which arguments are, take a short way without calls. */
#define WORDS_MAX 8u

static inline bool guest_is_half(uint64_t gva, const void *p, size_t n)
{
    return n == 4 && is_aligned(gva | (uintptr_t)p, 4);
}

/* A few whole words in one page. */
static inline bool guest_is_words(uint64_t gva, const void *p, size_t n)
{
    return is_aligned(gva | (uintptr_t)p | n, 8) && n <= WORDS_MAX * 8u &&
           (gva & ~PAGE_MASK) + n <= PAGE_SIZE;
}

int guest_copy_from(void *to, uint64_t gva, size_t n)
{
    if (likely(guest_is_half(gva, to, n)) && likely(arch_guest_read32(gva, to))) {
        return 0;
    }
    if (guest_is_words(gva, to, n) && likely(arch_guest_read_words(gva, to, n / 8u))) {
        return 0;
    }
    return guest_read_pages(to, gva, n);
}

/* Not inline: the way of guest_copy_to that needs no registers must save none. */
static __noinline int guest_write_half(uint64_t gva, const uint32_t *from)
{
    return likely(arch_guest_write32(gva, *from)) ? 0 : guest_write_pages(gva, from, sizeof(*from));
}

static __noinline int guest_write_words(uint64_t gva, const uint64_t *from, size_t n)
{
    return likely(arch_guest_write_words(gva, from, n / 8u)) ? 0 : guest_write_pages(gva, from, n);
}

int guest_copy_to(uint64_t gva, const void *from, size_t n)
{
    if (likely(guest_is_half(gva, from, n))) {
        return guest_write_half(gva, from);
    }
    if (guest_is_words(gva, from, n)) {
        return guest_write_words(gva, from, n);
    }
    return guest_write_pages(gva, from, n);
}

int guest_zero(uint64_t gva, size_t n)
{
    return guest_pages(guest_part_gva, NULL, gva, (union guest_buffer){.to = NULL}, n, GUEST_ZERO);
}

/* Under the p2m lock, which keeps the mapping and so the page. */
static bool guest_part_gpa(struct domain *d, uint64_t gpa, union guest_buffer b, size_t n,
                           enum guest_access access)
{
    struct p2m_leaf leaf;
    unsigned int level;
    paddr_t pa;
    bool ok;

    spin_lock(&d->p2m.lock);
    ok = p2m_find(&d->p2m, (gfn_t){gpa >> PAGE_SHIFT}, &leaf, &level);
    pa = ok ? (leaf.mfn.n << PAGE_SHIFT) + (gpa & ~PAGE_MASK) : 0;
    ok = ok && leaf.kind != P2M_MMIO && page_is_guest_ram(pa) &&
         (access == GUEST_READ || (leaf.flags & P2M_WRITE) != 0);
    if (ok) {
        guest_access(arch_pa_to_va(pa), b, n, access);
    }
    spin_unlock(&d->p2m.lock);
    return ok;
}

int guest_copy_from_gpa(struct domain *d, void *to, paddr_t gpa, size_t n)
{
    return guest_pages(guest_part_gpa, d, gpa, (union guest_buffer){.to = to}, n, GUEST_READ);
}

int guest_copy_to_gpa(struct domain *d, paddr_t gpa, const void *from, size_t n)
{
    return guest_pages(guest_part_gpa, d, gpa, (union guest_buffer){.from = from}, n, GUEST_WRITE);
}

struct page *guest_page_of_gva(uint64_t gva, bool write)
{
    struct cpu *c = guest_direct_begin();
    void *va = guest_translate(c, gva, write);
    struct page *pg = NULL;

    if (va != NULL) {
        pg = page_get_frame((mfn_t){arch_va_to_pa(va) >> PAGE_SHIFT}, c->current->d);
    }
    guest_direct_end(c);
    return pg;
}
