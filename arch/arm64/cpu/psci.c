/* SPDX-License-Identifier: Apache-2.0 */
/* The firmware's PSCI as the host uses it [DEN0022]: only if the device tree names it, by the
 * conduit that it names. */
#include <asm/cpu.h>
#include <asm/psci.h>
#include <asm/smccc.h>
#include <xen/dt.h>
#include <xen/errno.h>
#include <xen/printk.h>
#include <xen/string.h>

#define PSCI_1_0  0x10000
#define SMCCC_1_1 0x10001

static enum {
    NONE,
    SMC,
    HVC
} conduit;
static uint32_t cpu_on_id;
static bool smccc; /* firmware has SMCCC_VERSION 1.1 or later */

static long psci_call(uint32_t id, uint64_t a1, uint64_t a2, uint64_t a3)
{
    register uint64_t x0 __asm__("x0") = id;
    register uint64_t x1 __asm__("x1") = a1;
    register uint64_t x2 __asm__("x2") = a2;
    register uint64_t x3 __asm__("x3") = a3;

    /* Registers x4-x17 may be destroyed by SMCCC 1.0 [DEN0028 2.6]. An HVC from EL2 goes to
     * firmware only under emulation. */
    if (conduit == SMC) {
        __asm__ volatile("smc #0"
                         : "+r"(x0), "+r"(x1), "+r"(x2), "+r"(x3)
                         :
                         : "x4", "x5", "x6", "x7", "x8", "x9", "x10", "x11", "x12", "x13", "x14",
                           "x15", "x16", "x17", "memory");
    } else {
        __asm__ volatile("hvc #0"
                         : "+r"(x0), "+r"(x1), "+r"(x2), "+r"(x3)
                         :
                         : "x4", "x5", "x6", "x7", "x8", "x9", "x10", "x11", "x12", "x13", "x14",
                           "x15", "x16", "x17", "memory");
    }
    return (long)(int32_t)x0;
}

void psci_init(void)
{
    static const char *const compatible[] = {"arm,psci-1.0", "arm,psci-0.2", "arm,psci", NULL};
    const struct dt_node *node = dt_path(&dt_host, "/psci");
    const char *method = node != NULL ? dt_string(&dt_host, node, "method") : NULL;

    if (node == NULL || !dt_available(&dt_host, node) ||
        !dt_compatible_any(&dt_host, node, compatible) || method == NULL) {
        return;
    }
    cpu_on_id = PSCI_CPU_ON | SMCCC_64;
    if (!dt_compatible(&dt_host, node, "arm,psci-0.2") &&
        !dt_compatible(&dt_host, node, "arm,psci-1.0") &&
        !dt_u32(&dt_host, node, "cpu_on", &cpu_on_id)) {
        return;
    }
    conduit = strcmp(method, "smc") == 0 ? SMC : strcmp(method, "hvc") == 0 ? HVC : NONE;
    if (conduit == NONE) {
        printk(XENLOG_WARNING "PSCI: unknown method \"%s\" in the device tree: not used\n", method);
        return;
    }
    if (dt_compatible(&dt_host, node, "arm,psci-0.2") ||
        dt_compatible(&dt_host, node, "arm,psci-1.0")) {
        long version = psci_call(PSCI_VERSION, 0, 0, 0);

        printk("Using PSCI v%ld.%ld\n", version >> 16, version & 0xffff);
        /* Only PSCI tells whether SMCCC_VERSION may be asked for [DEN0028 SMCCC_VERSION]. */
        smccc = conduit == SMC && version >= PSCI_1_0 &&
                psci_call(PSCI_FEATURES, SMCCC_VERSION, 0, 0) >= 0 &&
                psci_call(SMCCC_VERSION, 0, 0, 0) >= SMCCC_1_1;
    }
}

int32_t psci_smccc(uint32_t function, uint32_t arg)
{
    return smccc ? (int32_t)psci_call(function, arg, 0, 0) : SMCCC_NOT_SUPPORTED;
}

int psci_cpu_on(uint64_t mpidr, paddr_t entry, uint64_t context)
{
    long rc = conduit == NONE ? -1 : psci_call(cpu_on_id, mpidr, entry, context);

    return rc == 0 ? 0 : -ENODEV;
}

void psci_system_off(void)
{
    if (conduit != NONE) {
        (void)psci_call(PSCI_SYSTEM_OFF, 0, 0, 0);
    }
}

void psci_system_reset(void)
{
    if (conduit != NONE) {
        (void)psci_call(PSCI_SYSTEM_RESET, 0, 0, 0);
    }
}
