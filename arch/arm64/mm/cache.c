/* SPDX-License-Identifier: Apache-2.0 */
/* Cache maintenance by virtual address, and zeroing a page [Arm ARM B2.8, D7.5]. */
#include <arch/mm.h>
#include <asm/sysregs.h>
#include <xen/config.h>

/* Smallest data cache line of the machine in bytes, from CTR_EL0. */
static inline size_t cache_dcache_line(void)
{
    return 4ul << (READ_SYSREG(ctr_el0) >> 16 & 15u);
}

#define FOR_EACH_LINE(line, start, size, instruction) \
    do { \
        uintptr_t _p = (uintptr_t)(start) & ~((line) - 1ul); \
\
        for (; _p < (uintptr_t)(start) + (size); _p += (line)) { \
            __asm__ volatile(instruction ", %0" ::"r"(_p) : "memory"); \
        } \
    } while (0)

void arch_cache_clean(const void *va, size_t size)
{
    size_t line = cache_dcache_line();

    FOR_EACH_LINE(line, va, size, "dc cvac");
    dsb(sy); /* the data has reached the point of coherency for observers outside the CPUs */
}

void arch_cache_clean_invalidate(const void *va, size_t size)
{
    size_t line = cache_dcache_line();

    FOR_EACH_LINE(line, va, size, "dc civac");
    dsb(sy); /* the same */
}

void arch_icache_sync(const void *va, size_t size)
{
    size_t line = cache_dcache_line();

    FOR_EACH_LINE(line, va, size, "dc cvac");
    dsb(ish); /* data is at the point of coherency before instruction caches are dropped */
    /* All of them: guests fetch by other addresses than ours, and PIPT or VIPT does not matter
     * then. */
    __asm__ volatile("ic ialluis" ::: "memory");
    dsb(ish); /* the invalidation is complete on every CPU */
    isb();    /* and this CPU refetches */
}

void arch_page_zero(void *va)
{
    /* DCZID_EL0: block size in words as a power of two; DZP says that DC ZVA is forbidden. */
    uint64_t dczid = READ_SYSREG(dczid_el0);
    uint64_t *p = va;

    if ((dczid & 0x10u) == 0) {
        size_t block = 4ul << (dczid & 15u);

        for (uintptr_t a = (uintptr_t)va; a < (uintptr_t)va + PAGE_SIZE; a += block) {
            __asm__ volatile("dc zva, %0" ::"r"(a) : "memory");
        }
        return;
    }
    for (unsigned int i = 0; i < PAGE_SIZE / sizeof(*p); i++) {
        p[i] = 0;
    }
}
