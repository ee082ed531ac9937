/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Calls of a guest by HVC: hypercalls, and the SMC calling convention [DEN0028] (also by trapped
 * SMC). Unknown functions are answered, never reported: guests probe.
 */
#include <arch/vcpu.h>
#include <asm/inject.h>
#include <asm/psci.h>
#include <asm/smccc.h>
#include <asm/speculation.h>
#include <asm/traps.h>
#include <public/arch-arm/smccc.h>
#include <public/arch.h>
#include <xen/domain.h>
#include <xen/trap.h>

#define SMCCC_1_2 0x10002

static void smccc_answer4(struct vcpu *v, uint32_t x0, uint32_t x1, uint32_t x2, uint32_t x3)
{
    v->arch.regs.x[0] = x0;
    v->arch.regs.x[1] = x1;
    v->arch.regs.x[2] = x2;
    v->arch.regs.x[3] = x3;
}

static int64_t smccc_arch_features(uint32_t function)
{
    switch (function) {
    case SMCCC_VERSION:
    case SMCCC_ARCH_FEATURES: return 0;
    default: return speculation_answer(function);
    }
}

static void smccc_other(struct vcpu *v, uint32_t function)
{
    int64_t result = SMCCC_NOT_SUPPORTED;

    switch (function) {
    case SMCCC_VERSION: result = SMCCC_1_2; break;
    case SMCCC_ARCH_FEATURES: result = smccc_arch_features((uint32_t)v->arch.regs.x[1]); break;
    case SMCCC_ARCH_WORKAROUND_1:
    case SMCCC_ARCH_WORKAROUND_3:
        /* This entry has done it already, or this CPU needs nothing. */
        result = speculation_answer(function) < 0 ? SMCCC_NOT_SUPPORTED : 0;
        break;
    case SMCCC_STD_CALL_UID:
        smccc_answer4(v, SSSC_SMCCC_UID_0, SSSC_SMCCC_UID_1, SSSC_SMCCC_UID_2, SSSC_SMCCC_UID_3);
        return;
    case SMCCC_STD_REVISION:
        smccc_answer4(v, SSSC_SMCCC_MAJOR_REVISION, SSSC_SMCCC_MINOR_REVISION, 0, 0);
        return;
    case SMCCC_HYP_CALL_UID:
        smccc_answer4(v, XEN_SMCCC_UID_0, XEN_SMCCC_UID_1, XEN_SMCCC_UID_2, XEN_SMCCC_UID_3);
        return;
    case SMCCC_HYP_REVISION:
        smccc_answer4(v, XEN_SMCCC_MAJOR_REVISION, XEN_SMCCC_MINOR_REVISION, 0, 0);
        return;
    case SMCCC_STD_CALL_COUNT:
        result = 12; /* PSCI's nine and these three */
        break;
    case SMCCC_HYP_CALL_COUNT: result = 3; break;
    default: break;
    }
    v->arch.regs.x[0] = (uint64_t)result;
}

void smccc_call(struct vcpu *v)
{
    uint32_t function = (uint32_t)v->arch.regs.x[0];
    int64_t result;

    if (vpsci_call(v, function, &result)) {
        v->arch.regs.x[0] = (uint64_t)result;
        return;
    }
    smccc_other(v, function);
}

void trap_hvc(struct vcpu *v, uint64_t esr)
{
    uint32_t immediate = esr & 0xffffu;

    if (immediate == XEN_HYPERCALL_TAG) {
        hypercall_enter(v);
    } else if (immediate == 0) {
        smccc_call(v);
    } else {
        inject_undefined_hvc();
    }
}
