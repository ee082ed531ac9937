/* SPDX-License-Identifier: Apache-2.0 */
/* The hart masks of SBI calls [RVSBI 3.1]. */
#include <asm/vsbi.h>
#include <xen/domain.h>

bool vsbi_harts(const struct vcpu *v, uint64_t mask, uint64_t base, uint64_t *harts)
{
    uint64_t all = UINT64_MAX >> (64u - v->d->max_vcpus);

    BUILD_BUG_ON(ARCH_MAX_VCPUS > 64);
    if (base == SBI_ALL_HARTS) {
        *harts = all;
        return true;
    }
    if (unlikely(base >= 64)) {
        base = 63;
        mask = mask != 0 ? 2 : 0;
    }
    *harts = mask << base;
    return *harts >> base == mask && (*harts & ~all) == 0;
}
