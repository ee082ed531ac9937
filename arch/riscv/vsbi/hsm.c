/* SPDX-License-Identifier: Apache-2.0 */
/* SBI hart state management [RVSBI 9]: power of a domain's vCPUs. The states are the core's; none of
 * those between two others is ever seen. */
#include <arch/p2m.h>
#include <arch/vcpu.h>
#include <asm/vsbi.h>
#include <xen/domain.h>
#include <xen/errno.h>

#define SUSPEND_RETENTIVE     0x00000000u
#define SUSPEND_NON_RETENTIVE 0x80000000u

static long hsm_start(struct vcpu *v, const uint64_t *args, uint64_t *value)
{
    struct vcpu *t = domain_vcpu(v->d, args[0]);
    uint64_t pc = args[1];

    if (t == NULL) {
        return SBI_ERR_INVALID_PARAM;
    }
    if ((pc & 1u) != 0 || pc >> arch_p2m_ipa_bits() != 0) {
        return SBI_ERR_INVALID_ADDRESS;
    }
    switch (vcpu_start(t, pc, args[2])) {
    case 0: return SBI_SUCCESS;
    case -ERESTART: return vsbi_repeat(v, args, value);
    default: return SBI_ERR_ALREADY_AVAILABLE;
    }
}

static long hsm_status(const struct vcpu *v, uint64_t hart, uint64_t *value)
{
    const struct vcpu *t = domain_vcpu(v->d, hart);

    if (t == NULL) {
        return SBI_ERR_INVALID_PARAM;
    }
    if (!vcpu_is_up(t)) {
        *value = SBI_HSM_STOPPED;
    } else {
        *value = vcpu_is_suspended(t) ? SBI_HSM_SUSPENDED : SBI_HSM_STARTED;
    }
    return SBI_SUCCESS;
}

/* Of the suspend types the one that keeps all state exists: execution goes on behind the call when
 * an interrupt comes. */
static long hsm_suspend(struct vcpu *v, uint64_t type)
{
    type = (uint32_t)type;
    if (type == SUSPEND_NON_RETENTIVE) {
        return SBI_ERR_NOT_SUPPORTED;
    }
    if (type != SUSPEND_RETENTIVE) {
        return SBI_ERR_INVALID_PARAM;
    }
    vcpu_suspend(v);
    return SBI_SUCCESS;
}

long vsbi_hsm(struct vcpu *v, uint64_t function, const uint64_t *args, uint64_t *value)
{
    switch (function) {
    case SBI_HSM_HART_START: return hsm_start(v, args, value);
    case SBI_HSM_HART_STOP:
        vcpu_down(v);
        return SBI_SUCCESS; /* nobody sees it: a start makes registers anew */
    case SBI_HSM_HART_STATUS: return hsm_status(v, args[0], value);
    case SBI_HSM_HART_SUSPEND: return hsm_suspend(v, args[0]);
    default: return SBI_ERR_NOT_SUPPORTED;
    }
}
