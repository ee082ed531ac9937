/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Cache maintenance, and zeroing a page [RVUNPRIV Zicbom, Zicboz]. Memory is coherent for all harts
 * and, unless the device tree says otherwise, for all devices, so most machines have nothing to
 * write back: also a hart without paging reads through its caches.
 */
#include <arch/mm.h>
#include <asm/csr.h>
#include <asm/isa.h>
#include <asm/mm.h>
#include <asm/sbi.h>
#include <xen/config.h>
#include <xen/dt.h>
#include <xen/printk.h>

static size_t clean_block; /* bytes; 0: nothing needs cleaning */
static size_t zero_block;  /* bytes; 0: no instruction for it */

void cache_init(void)
{
    bool coherent = true;
    const struct dt_node *n;

    dt_for_each_node(&dt_host, n) {
        coherent = coherent && !dt_has(&dt_host, n, "dma-noncoherent");
    }
    zero_block = isa_has(ISA_ZICBOZ) ? isa_cboz_size : 0;
    if (coherent) {
        return;
    }
    clean_block = isa_has(ISA_ZICBOM) ? isa_cbom_size : 0;
    if (clean_block == 0) {
        printk(XENLOG_WARNING "Devices with dma-noncoherent, but no Zicbom: guests must keep "
                              "their caches clean by themselves\n");
    }
}

/* Instructions of the form `op (address)`: opcode MISC-MEM, function 2, the operation as
 * immediate. */
#define FOR_EACH_BLOCK(block, start, size, operation) \
    do { \
        uintptr_t _p = (uintptr_t)(start) & ~((block) - 1ul); \
\
        for (; _p < (uintptr_t)(start) + (size); _p += (block)) { \
            __asm__ volatile(".insn i 0x0f, 2, x0, %0, " #operation::"r"(_p) : "memory"); \
        } \
    } while (0)

void arch_cache_clean(const void *va, size_t size)
{
    if (clean_block != 0) {
        FOR_EACH_BLOCK(clean_block, va, size, 1);
        fence(rw, iorw); /* memory has the data before a device is told of it */
    }
}

void arch_cache_clean_invalidate(const void *va, size_t size)
{
    if (clean_block != 0) {
        FOR_EACH_BLOCK(clean_block, va, size, 2);
        fence(rw, iorw); /* the same */
    }
}

void arch_icache_sync(const void *va __unused, size_t size __unused)
{
    /* The stores are visible to all harts before they drop what they fetched. */
    fence(w, rw);
    __asm__ volatile("fence.i" ::: "memory");
    (void)sbi_call(SBI_EXT_RFENCE, SBI_RFENCE_FENCE_I, 0, SBI_ALL_HARTS, 0, 0, 0);
}

void arch_page_zero(void *va)
{
    uint64_t *p = va;

    if (zero_block != 0) {
        FOR_EACH_BLOCK(zero_block, va, PAGE_SIZE, 4);
        return;
    }
    for (unsigned int i = 0; i < PAGE_SIZE / sizeof(*p); i++) {
        p[i] = 0;
    }
}
