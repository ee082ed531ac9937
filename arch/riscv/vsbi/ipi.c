/* SPDX-License-Identifier: Apache-2.0 */
/* SBI IPI extension [RVSBI 7]: supervisor software interrupts between a domain's vCPUs. */
#include <asm/csr.h>
#include <asm/virq.h>
#include <asm/vsbi.h>
#include <xen/domain.h>

long vsbi_ipi(struct vcpu *v, uint64_t function, const uint64_t *args, uint64_t *value __unused)
{
    uint64_t harts;

    if (function != 0) {
        return SBI_ERR_NOT_SUPPORTED;
    }
    if (!vsbi_harts(v, args[0], args[1], &harts)) {
        return SBI_ERR_INVALID_PARAM;
    }
    for (; harts != 0; harts &= harts - 1u) {
        struct vcpu *t = domain_vcpu(v->d, (uint64_t)__builtin_ctzll(harts));

        /* A stopped hart has no interrupts, and starts without any. */
        if (t != NULL && vcpu_is_up(t)) {
            virq_raise(t, 1ul << IRQ_VS_SOFT);
        }
    }
    return SBI_SUCCESS;
}
