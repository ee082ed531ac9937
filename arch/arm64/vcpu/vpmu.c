/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Event counters [Arm ARM D12] of guests that have them (vpmu=1): those of the CPU, while the vCPU
 * is on it. Each access traps, so that no counter counts at EL2 and none beyond the last is touched,
 * where an access may be undefined. An overflow raises no interrupt, as in Xen.
 *
 * What a program at EL0 may do, PMUSERENR_EL0 says to the CPU itself: its trap to EL1 comes first.
 */
#include <arch/domain.h>
#include <asm/esr.h>
#include <asm/sysregs.h>
#include <asm/vpmu.h>
#include <public/domctl.h>
#include <xen/domain.h>
#include <xen/errno.h>
#include <xen/heap.h>
#include <xen/string.h>

#define COUNTERS 31u /* at most; the cycle counter's bit is the next one */
#define CYCLES   31u

#define PMCR_N(pmcr)  ((unsigned int)((pmcr) >> 11) & 31u)
#define PMCR_WRITABLE 0x7ful                        /* E, P, C, D, X, DP, LC */
#define PMCR_RESETS   (1ul << 1 | 1ul << 2)         /* P, C: done once, not kept */
#define TYPE_WRITABLE (0xfffffffful & ~(1ul << 27)) /* NSH: count at EL2 */
#define EVERY         0xfffffffful
#define PMUVER(dfr0)  ((dfr0) >> 8 & 15u)
#define PMUVER_OWN    15u /* not this architecture */

struct vpmu {
    uint64_t control, select, user, enabled, interrupts, overflowed;
    uint64_t counter[COUNTERS + 1]; /* the last one is of cycles */
    uint64_t type[COUNTERS + 1];
};

bool arch_has_vpmu(void)
{
    uint64_t version = PMUVER(READ_SYSREG(id_aa64dfr0_el1));

    return version != 0 && version != PMUVER_OWN;
}

int vpmu_vcpu_init(struct vcpu *v)
{
    if ((v->d->options & XEN_DOMCTL_CDF_vpmu) == 0) {
        return 0;
    }
    v->arch.pmu = heap_new(struct vpmu);
    return v->arch.pmu != NULL ? 0 : -ENOMEM;
}

void vpmu_vcpu_destroy(struct vcpu *v)
{
    heap_delete(v->arch.pmu);
}

void vpmu_reset(struct vcpu *v)
{
    if (v->arch.pmu != NULL) {
        memset(v->arch.pmu, 0, sizeof(*v->arch.pmu));
    }
}

static unsigned int vpmu_counters(void)
{
    return PMCR_N(READ_SYSREG(pmcr_el0));
}

static void vpmu_select(uint64_t n)
{
    WRITE_SYSREG(n, pmselr_el0);
    isb(); /* the selection is in effect */
}

void vpmu_save(struct vpmu *p)
{
    unsigned int n = vpmu_counters();

    p->control = READ_SYSREG(pmcr_el0);
    WRITE_SYSREG(0, pmcr_el0); /* all stand still ... */
    isb();
    p->select = READ_SYSREG(pmselr_el0);
    p->user = READ_SYSREG(pmuserenr_el0);
    p->enabled = READ_SYSREG(pmcntenset_el0);
    p->interrupts = READ_SYSREG(pmintenset_el1);
    p->overflowed = READ_SYSREG(pmovsset_el0);
    for (unsigned int i = 0; i < n; i++) {
        vpmu_select(i);
        p->counter[i] = READ_SYSREG(pmxevcntr_el0);
        p->type[i] = READ_SYSREG(pmxevtyper_el0);
    }
    p->counter[CYCLES] = READ_SYSREG(pmccntr_el0);
    p->type[CYCLES] = READ_SYSREG(pmccfiltr_el0);
    /* ... and nothing of them is left for who comes next: programs of others cannot reach them. */
    WRITE_SYSREG(0, pmuserenr_el0);
    WRITE_SYSREG(EVERY, pmcntenclr_el0);
    WRITE_SYSREG(EVERY, pmintenclr_el1);
    WRITE_SYSREG(EVERY, pmovsclr_el0);
}

void vpmu_load(const struct vpmu *p)
{
    unsigned int n = vpmu_counters();

    for (unsigned int i = 0; i < n; i++) {
        vpmu_select(i);
        WRITE_SYSREG(p->type[i], pmxevtyper_el0);
        WRITE_SYSREG(p->counter[i], pmxevcntr_el0);
    }
    WRITE_SYSREG(p->type[CYCLES], pmccfiltr_el0);
    WRITE_SYSREG(p->counter[CYCLES], pmccntr_el0);
    WRITE_SYSREG(p->select, pmselr_el0);
    WRITE_SYSREG(p->user, pmuserenr_el0);
    WRITE_SYSREG(EVERY, pmovsclr_el0); /* a CPU that no such vCPU has had yet */
    WRITE_SYSREG(EVERY, pmcntenclr_el0);
    WRITE_SYSREG(EVERY, pmintenclr_el1);
    WRITE_SYSREG(p->overflowed, pmovsset_el0);
    WRITE_SYSREG(p->enabled, pmcntenset_el0);
    WRITE_SYSREG(p->interrupts, pmintenset_el1);
    isb(); /* all is in place before they count */
    WRITE_SYSREG(p->control & PMCR_WRITABLE & ~PMCR_RESETS, pmcr_el0);
}

/* Counter n, or what it counts, with the guest's selection left as it is. One that is not there
 * reads as zero. */
static bool vpmu_indexed(unsigned int n, bool type, bool write, uint64_t *value)
{
    uint64_t selected = READ_SYSREG(pmselr_el0);

    if (n >= vpmu_counters() && !(type && n == CYCLES)) {
        *value = 0;
        return true;
    }
    vpmu_select(n);
    if (type && write) {
        WRITE_SYSREG(*value & TYPE_WRITABLE, pmxevtyper_el0);
    } else if (type) {
        *value = READ_SYSREG(pmxevtyper_el0);
    } else if (write) {
        WRITE_SYSREG(*value, pmxevcntr_el0);
    } else {
        *value = READ_SYSREG(pmxevcntr_el0);
    }
    WRITE_SYSREG(selected, pmselr_el0);
    return true;
}

#define ALL(crm, op2) SYSREG(3, 3, 9, crm, op2)
#define EL1(op2)      SYSREG(3, 0, 9, 14, op2)

#define ROW(encoding, writable, name) \
    case encoding: \
        if (write) { \
            WRITE_SYSREG(*value & (writable), name); \
        } else { \
            *value = READ_SYSREG(name); \
        } \
        return true;

#define ROW_READ(encoding, name) \
    case encoding: \
        if (!write) { \
            *value = READ_SYSREG(name); \
        } \
        return !write;

/* The registers without a number. false: there is none, or not for this access. */
static bool vpmu_plain(uint32_t reg, bool write, uint64_t *value)
{
    unsigned int selected = (unsigned int)READ_SYSREG(pmselr_el0) & 31u;

    switch (reg) {
        ROW(ALL(12, 0), PMCR_WRITABLE, pmcr_el0)
        ROW(ALL(12, 1), EVERY, pmcntenset_el0)
        ROW(ALL(12, 2), EVERY, pmcntenclr_el0)
        ROW(ALL(12, 3), EVERY, pmovsclr_el0)
        ROW(ALL(12, 5), 31u, pmselr_el0)
        ROW_READ(ALL(12, 6), pmceid0_el0)
        ROW_READ(ALL(12, 7), pmceid1_el0)
        ROW(ALL(13, 0), UINT64_MAX, pmccntr_el0)
        ROW(ALL(14, 0), 15u, pmuserenr_el0)
        ROW(ALL(14, 3), EVERY, pmovsset_el0)
        ROW(EL1(1), EVERY, pmintenset_el1)
        ROW(EL1(2), EVERY, pmintenclr_el1)
    case ALL(12, 4):
        if (write) {
            WRITE_SYSREG(*value & EVERY, pmswinc_el0);
        }
        return write;
    case ALL(13, 1): return vpmu_indexed(selected, true, write, value);
    case ALL(13, 2): return vpmu_indexed(selected, false, write, value);
    default: return false;
    }
}

bool vpmu_access(uint32_t reg, bool write, uint64_t *value)
{
    unsigned int crm = reg >> 1 & 15u, op2 = reg >> 17 & 7u;

    if ((reg & SYSREG(3, 7, 15, 0, 0)) == SYSREG(3, 3, 14, 0, 0)) {
        return vpmu_indexed((crm & 3u) << 3 | op2, crm >= 12, write, value);
    }
    return vpmu_plain(reg, write, value);
}
