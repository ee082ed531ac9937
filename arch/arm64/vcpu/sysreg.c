/* SPDX-License-Identifier: Apache-2.0 */
/*
 * System registers whose accesses trap, as a table by encoding: identification with what guests
 * must not use taken out, the physical timer, debug and performance registers that read as zero.
 * Everything else is undefined.
 */
#include <arch/vcpu.h>
#include <asm/inject.h>
#include <asm/skip.h>
#include <asm/sysregs.h>
#include <asm/traps.h>
#include <asm/vpmu.h>
#include <asm/vtimer_ops.h>
#include <xen/bitops.h>
#include <xen/domain.h>

/* false: undefined for this access. */
typedef bool sysreg_fn(struct vcpu *v, uint32_t reg, bool write, uint64_t *value);

struct sysreg_row {
    uint32_t reg;
    uint32_t any; /* bits of the encoding that do not matter */
    sysreg_fn *fn;
};

#define ANY_OP2      SYSREG(0, 0, 0, 0, 7)
#define ANY_CRM      SYSREG(0, 0, 0, 15, 0)
#define ANY_CRM_LOW3 SYSREG(0, 0, 0, 7, 0)

#define DFR0       SYSREG(3, 0, 0, 5, 0) /* ID_AA64DFR0_EL1 */
#define DFR0_PMUV3 (1ul << 8)

#define FIELD(low) (0xful << (low)) /* identification fields have four bits */

/* ID_AA64PFR0_EL1: AArch64 at EL1, no EL2, EL3, GIC registers, RAS, SVE, MPAM, AMU; CSV2 without
 * the SCXTNUM registers. */
static uint64_t sysreg_id_pfr0(uint64_t real)
{
    uint64_t csv2 = (real >> 56 & 15u) != 0 ? 1ul << 56 : 0;

    return (real & (FIELD(0) | FIELD(16) | FIELD(20) | FIELD(48) | FIELD(60))) | 1ul << 4 | csv2;
}

#define ID(crm, op2, expression) \
    case SYSREG(3, 0, 0, crm, op2): { \
        uint64_t real = READ_SYSREG(S3_0_C0_C##crm##_##op2); \
        return (expression); \
    }

/* Registers 0..3 of the AArch32 features, for programs at EL0: without debug, performance and GIC
 * parts. */
static uint64_t sysreg_id_value32(uint32_t reg)
{
    switch (reg) {
        ID(1, 0, real & ~FIELD(28))                          /* ID_PFR0: no RAS */
        ID(1, 1, real & ~(FIELD(4) | FIELD(12) | FIELD(28))) /* ID_PFR1: no security or
                                                                virtualization extension, no GIC */
        ID(1, 2, real & 0xffful)                             /* ID_DFR0: debug only */
        ID(1, 4, real)                                       /* ID_MMFR0-3 */
        ID(1, 5, real)
        ID(1, 6, real)
        ID(1, 7, real)
        ID(2, 0, real) /* ID_ISAR0-5 */
        ID(2, 1, real)
        ID(2, 2, real)
        ID(2, 3, real)
        ID(2, 4, real)
        ID(2, 5, real)
        ID(2, 6, real) /* ID_MMFR4 */
        ID(2, 7, real) /* ID_ISAR6 */
        ID(3, 0, real) /* MVFR0-2 */
        ID(3, 1, real)
        ID(3, 2, real)
        ID(3, 4, real & FIELD(4)) /* ID_PFR2: SSBS */
    default: return 0;
    }
}

/*
 * What stays visible is what a guest can use without the hypervisor's doing. Left out: debug beyond
 * the minimum, PMU, trace, SVE, SME, MTE, pointer authentication, transactional memory, and what
 * needs HCRX_EL2 or more of HCR_EL2.
 */
static uint64_t sysreg_id_value(uint32_t reg)
{
    switch (reg) {
        ID(4, 0, sysreg_id_pfr0(real))
        ID(4, 1, real & (FIELD(0) | FIELD(4))) /* PFR1: BT, SSBS */
    case DFR0:
        return 6ul | 1ul << 12 | 1ul << 20; /* version 8, two break- and watchpoints */
        ID(6, 0, real & ~FIELD(24))         /* ISAR0: no TME */
        ID(6, 1, real & ~(FIELD(4) | FIELD(8) | FIELD(24) | FIELD(28) | FIELD(56) | FIELD(60)))
        ID(7, 0,
           real & (FIELD(0) | FIELD(4) | FIELD(8) | FIELD(12) | FIELD(16) | FIELD(20) | FIELD(24) |
                   FIELD(28)))
        ID(7, 1, real & (FIELD(0) | FIELD(12) | FIELD(20) | FIELD(24) | FIELD(36)))   /* HAFDBS HPDS
                                                                                         PAN SpecSEI
                                                                                         ETS */
        ID(7, 2, real & ~(FIELD(12) | FIELD(24) | FIELD(40) | FIELD(44) | FIELD(56))) /* no IESB,
                                                                                         NV, FWB,
                                                                                         EVT */
    default: return sysreg_id_value32(reg);
    }
}

static bool sysreg_id(struct vcpu *v, uint32_t reg, bool write, uint64_t *value)
{
    if (!write) {
        *value = sysreg_id_value(reg) | (reg == DFR0 && v->arch.pmu != NULL ? DFR0_PMUV3 : 0);
    }
    return !write;
}

static bool sysreg_zero(struct vcpu *v __unused, uint32_t reg __unused, bool write, uint64_t *value)
{
    if (!write) {
        *value = 0;
    }
    return true;
}

/* The same for the kernel; undefined at EL0, to which nobody has opened it. */
static bool sysreg_zero_el1(struct vcpu *v, uint32_t reg, bool write, uint64_t *value)
{
    return (v->arch.regs.spsr & PSR_MODE_MASK) != PSR_MODE_EL0T &&
           sysreg_zero(v, reg, write, value);
}

/* Event counters, if the guest has them. */
static bool sysreg_pmu(struct vcpu *v, uint32_t reg, bool write, uint64_t *value)
{
    return v->arch.pmu != NULL ? vpmu_access(reg, write, value)
                               : sysreg_zero_el1(v, reg, write, value);
}

/* OSLSR_EL1: the OS lock is implemented, and open [Arm ARM D17.3.24]. */
static bool sysreg_oslsr(struct vcpu *v __unused, uint32_t reg __unused, bool write,
                         uint64_t *value)
{
    if (!write) {
        *value = 1ul << 3;
    }
    return !write;
}

/* Implementation defined controls: read as they are, never written. */
static bool sysreg_actlr(struct vcpu *v __unused, uint32_t reg __unused, bool write,
                         uint64_t *value)
{
    if (!write) {
        *value = READ_SYSREG(actlr_el1);
    }
    return true;
}

#define CNTP_TVAL SYSREG(3, 3, 14, 2, 0)
#define CNTP_CTL  SYSREG(3, 3, 14, 2, 1)
#define CNTP_CVAL SYSREG(3, 3, 14, 2, 2)

static bool sysreg_timer(struct vcpu *v, uint32_t reg, bool write, uint64_t *value)
{
    enum vtimer_reg which = reg == CNTP_CTL    ? VTIMER_CTL
                            : reg == CNTP_CVAL ? VTIMER_CVAL
                                               : VTIMER_TVAL;

    if (write) {
        vtimer_phys_write(v, which, *value);
    } else {
        *value = vtimer_phys_read(v, which);
    }
    return true;
}

static const struct sysreg_row rows[] = {
    {CNTP_TVAL, 0, sysreg_timer},
    {CNTP_CTL, 0, sysreg_timer},
    {CNTP_CVAL, 0, sysreg_timer},
    {SYSREG(3, 0, 0, 0, 0), ANY_CRM_LOW3 | ANY_OP2, sysreg_id},
    {SYSREG(3, 0, 1, 0, 1), 0, sysreg_actlr},
    {SYSREG(2, 0, 0, 2, 2), 0, sysreg_zero},       /* MDSCR_EL1 */
    {SYSREG(2, 0, 1, 0, 4), 0, sysreg_zero},       /* OSLAR_EL1 */
    {SYSREG(2, 0, 1, 1, 4), 0, sysreg_oslsr},      /* OSLSR_EL1 */
    {SYSREG(2, 0, 1, 3, 4), 0, sysreg_zero},       /* OSDLR_EL1 */
    {SYSREG(2, 0, 1, 4, 4), 0, sysreg_zero},       /* DBGPRCR_EL1 */
    {SYSREG(2, 0, 1, 0, 0), 0, sysreg_zero},       /* MDRAR_EL1 */
    {SYSREG(2, 0, 0, 0, 4), ANY_CRM, sysreg_zero}, /* DBGBVRn_EL1 */
    {SYSREG(2, 0, 0, 0, 5), ANY_CRM, sysreg_zero}, /* DBGBCRn_EL1 */
    {SYSREG(2, 0, 0, 0, 6), ANY_CRM, sysreg_zero}, /* DBGWVRn_EL1, OSECCR_EL1 */
    {SYSREG(2, 0, 0, 0, 7), ANY_CRM, sysreg_zero}, /* DBGWCRn_EL1 */
    {SYSREG(2, 0, 0, 2, 0), 0, sysreg_zero},       /* MDCCINT_EL1 */
    {SYSREG(2, 3, 0, 1, 0), 0, sysreg_zero},       /* MDCCSR_EL0 */
    {SYSREG(2, 3, 0, 4, 0), 0, sysreg_zero},       /* DBGDTR_EL0 */
    {SYSREG(2, 3, 0, 5, 0), 0, sysreg_zero},       /* DBGDTRRX_EL0, DBGDTRTX_EL0 */
    {SYSREG(2, 0, 0, 0, 2), 0, sysreg_zero},       /* OSDTRRX_EL1 */
    {SYSREG(2, 0, 0, 3, 2), 0, sysreg_zero},       /* OSDTRTX_EL1 */
    {SYSREG(2, 0, 7, 8, 6), 0, sysreg_zero},       /* DBGCLAIMSET_EL1 */
    {SYSREG(2, 0, 7, 9, 6), 0, sysreg_zero},       /* DBGCLAIMCLR_EL1 */
    {SYSREG(2, 0, 7, 14, 6), 0, sysreg_zero},      /* DBGAUTHSTATUS_EL1 */
    {SYSREG(3, 3, 9, 12, 0), ANY_OP2, sysreg_pmu}, /* PMCR_EL0 ... PMCEID1_EL0 */
    {SYSREG(3, 3, 9, 13, 0), ANY_OP2, sysreg_pmu}, /* PMCCNTR_EL0 ... */
    {SYSREG(3, 3, 9, 14, 0), ANY_OP2, sysreg_pmu}, /* PMUSERENR_EL0, PMOVSSET_EL0 */
    {SYSREG(3, 0, 9, 14, 0), ANY_OP2, sysreg_pmu}, /* PMINTENSET_EL1, PMINTENCLR_EL1 */
    {SYSREG(3, 3, 14, 8, 0), ANY_CRM_LOW3 | ANY_OP2, sysreg_pmu}, /* PMEVCNTRn_EL0,
                                                                          PMEVTYPERn_EL0,
                                                                          PMCCFILTR_EL0 */
};

static const struct sysreg_row *sysreg_find(uint32_t reg)
{
    size_t i;

    for (i = 0; i < ARRAY_SIZE(rows); i++) {
        if (((reg ^ rows[i].reg) & ~rows[i].any) == 0) {
            return &rows[i];
        }
    }
    return NULL;
}

void trap_sysreg(struct vcpu *v, uint64_t esr)
{
    const struct sysreg_row *row = sysreg_find(SYSREG_OF(esr));
    unsigned int rt = SYSREG_RT(esr);
    bool write = (esr & SYSREG_IS_READ) == 0;
    uint64_t value = write && rt != 31 ? v->arch.regs.x[rt] : 0;

    if (row == NULL || !row->fn(v, SYSREG_OF(esr), write, &value)) {
        inject_undefined(v);
        return;
    }
    if (!write && rt != 31) {
        v->arch.regs.x[rt] = value;
    }
    skip_insn(v, esr);
}
