/* SPDX-License-Identifier: Apache-2.0 */
/* PSCI 1.1 for guests [DEN0022E]: power of their vCPUs and of the whole domain. */
#include <arch/domain.h>
#include <arch/vcpu.h>
#include <asm/psci.h>
#include <asm/smccc.h>
#include <public/sched.h>
#include <xen/domain.h>
#include <xen/errno.h>
#include <xen/nospec.h>

#define PSCI_1_1 0x10001

/* Argument n (1..3) of a call in its 32-bit or 64-bit form. */
static uint64_t vpsci_arg(const struct vcpu *v, uint32_t function, unsigned int n)
{
    uint64_t value = v->arch.regs.x[n];

    return (function & SMCCC_64) != 0 ? value : value & UINT32_MAX;
}

static struct vcpu *vpsci_target(const struct domain *d, uint64_t mpidr)
{
    uint32_t i;

    for (i = 0; i < d->max_vcpus; i++) {
        if (d->vcpu[i] != NULL && arch_vcpu_hwid(d, i) == mpidr) {
            return d->vcpu[i];
        }
    }
    return NULL;
}

static int64_t vpsci_version(struct vcpu *v __unused, uint32_t function __unused)
{
    return PSCI_1_1;
}

/* Every state is a standby state here: execution goes on behind the call when an interrupt comes
 * [DEN0022 5.4.5]. */
static int64_t vpsci_cpu_suspend(struct vcpu *v, uint32_t function __unused)
{
    vcpu_block(v);
    return PSCI_SUCCESS;
}

static int64_t vpsci_cpu_off(struct vcpu *v, uint32_t function __unused)
{
    vcpu_down(v);
    return PSCI_SUCCESS; /* seen by nobody: CPU_ON makes registers anew */
}

static int64_t vpsci_cpu_on(struct vcpu *v, uint32_t function)
{
    struct vcpu *t = vpsci_target(v->d, vpsci_arg(v, function, 1));
    uint64_t entry = vpsci_arg(v, function, 2);

    if (t == NULL) {
        return PSCI_INVALID_PARAMETERS;
    }
    if ((entry & 3u) != 0) {
        return PSCI_INVALID_ADDRESS;
    }
    switch (vcpu_start(t, entry, vpsci_arg(v, function, 3))) {
    case 0: return PSCI_SUCCESS;
    case -ERESTART:
        arch_hypercall_repeat(v);
        return (int64_t)v->arch.regs.x[0]; /* as it was, for the same call */
    default: return PSCI_ALREADY_ON;
    }
}

static int64_t vpsci_affinity_info(struct vcpu *v, uint32_t function)
{
    const struct vcpu *t = vpsci_target(v->d, vpsci_arg(v, function, 1));

    if (t == NULL || vpsci_arg(v, function, 2) != 0) {
        return PSCI_INVALID_PARAMETERS; /* levels above 0 are optional since 1.0 [DEN0022 5.7.2] */
    }
    return (atomic_load(&t->pause_flags) & VPF_DOWN) != 0 ? PSCI_AFFINITY_OFF : PSCI_AFFINITY_ON;
}

static int64_t vpsci_migrate_info_type(struct vcpu *v __unused, uint32_t function __unused)
{
    return PSCI_NO_MIGRATION;
}

static int64_t vpsci_system_off(struct vcpu *v, uint32_t function __unused)
{
    domain_shutdown(v->d, SHUTDOWN_poweroff);
    return PSCI_SUCCESS;
}

static int64_t vpsci_system_reset(struct vcpu *v, uint32_t function __unused)
{
    domain_shutdown(v->d, SHUTDOWN_reboot);
    return PSCI_SUCCESS;
}

static bool vpsci_has(uint32_t function);

static int64_t vpsci_features(struct vcpu *v, uint32_t function)
{
    uint32_t asked = (uint32_t)vpsci_arg(v, function, 1);

    return asked == SMCCC_VERSION || vpsci_has(asked) ? 0 : PSCI_NOT_SUPPORTED;
}

struct vpsci_row {
    int64_t (*fn)(struct vcpu *v, uint32_t function);
    bool both; /* has a 64-bit form too */
};

/* By the low byte of the function id. */
static const struct vpsci_row vpsci_rows[] = {
    [PSCI_VERSION & 0xffu] = {vpsci_version, false},
    [PSCI_CPU_SUSPEND & 0xffu] = {vpsci_cpu_suspend, true},
    [PSCI_CPU_OFF & 0xffu] = {vpsci_cpu_off, false},
    [PSCI_CPU_ON & 0xffu] = {vpsci_cpu_on, true},
    [PSCI_AFFINITY_INFO & 0xffu] = {vpsci_affinity_info, true},
    [PSCI_MIGRATE_INFO_TYPE & 0xffu] = {vpsci_migrate_info_type, false},
    [PSCI_SYSTEM_OFF & 0xffu] = {vpsci_system_off, false},
    [PSCI_SYSTEM_RESET & 0xffu] = {vpsci_system_reset, false},
    [PSCI_FEATURES & 0xffu] = {vpsci_features, false},
};

static const struct vpsci_row *vpsci_row(uint32_t function)
{
    uint32_t index = function & 0xffu;
    const struct vpsci_row *row;

    if ((function & ~(SMCCC_64 | 0xffu)) != (PSCI_VERSION & ~0xffu) ||
        index >= ARRAY_SIZE(vpsci_rows)) {
        return NULL;
    }
    row = &vpsci_rows[index_nospec(index, ARRAY_SIZE(vpsci_rows))];
    return row->fn != NULL && ((function & SMCCC_64) == 0 || row->both) ? row : NULL;
}

static bool vpsci_has(uint32_t function)
{
    return vpsci_row(function) != NULL;
}

bool vpsci_call(struct vcpu *v, uint32_t function, int64_t *result)
{
    const struct vpsci_row *row = vpsci_row(function);

    if (row != NULL) {
        *result = row->fn(v, function);
        return true;
    }
    if (function == PSCI_0_1_CPU_ON) {
        *result = vpsci_cpu_on(v, function | SMCCC_64); /* its arguments are whole registers */
        return true;
    }
    if (function == PSCI_0_1_CPU_OFF) {
        *result = vpsci_cpu_off(v, function);
        return true;
    }
    return false;
}
