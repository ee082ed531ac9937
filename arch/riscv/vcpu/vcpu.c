/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A virtual CPU's registers: creation, reset, moving them on and off a CPU. The general registers
 * are moved by the entry code, interrupts by irq/, timers by time/vtimer.c.
 */
#include <arch/domain.h>
#include <arch/p2m.h>
#include <arch/vcpu.h>
#include <asm/csr.h>
#include <asm/isa.h>
#include <asm/virq.h>
#include <asm/vtimer.h>
#include <xen/cpu.h>
#include <xen/domain.h>
#include <xen/errno.h>
#include <xen/heap.h>
#include <xen/opt.h>
#include <xen/string.h>

#define XLEN_64        (2ul << 32) /* hstatus.VSXL, sstatus.UXL */
#define HSTATUS_GUEST  (HSTATUS_SPV | HSTATUS_SPVP | XLEN_64)
#define FS_CLEAN       (SSTATUS_FS_INIT << 1)
#define VS_CLEAN       (SSTATUS_VS_INIT << 1)
#define VECTOR_NUMBERS 32u

static size_t vcpu_vector_bytes(void)
{
    csr_set(CSR_SSTATUS, SSTATUS_VS_INIT); /* or vlenb cannot be read */
    return VECTOR_NUMBERS * csr_read(CSR_VLENB);
}

/* Architectural reset state; v is not loaded. */
static void vcpu_reset(struct vcpu *v)
{
    struct vcpu_fp *fp = &v->arch.fp;
    void *vector = fp->v;

    memset(&v->arch.regs, 0, sizeof(v->arch.regs));
    memset(&v->arch.csrs, 0, sizeof(v->arch.csrs));
    memset(fp, 0, sizeof(*fp));
    fp->v = vector;
    /* The interrupt file, where it has one, is its own for good. */
    v->arch.hstatus = HSTATUS_GUEST | (v->arch.hstatus & HSTATUS_VGEIN);
    v->arch.hstatus |= opt.vwfi_native ? 0 : HSTATUS_VTW;
    v->arch.sstatus = SSTATUS_SPP | XLEN_64;
    v->arch.sstatus |= isa_has(ISA_D) ? SSTATUS_FS_INIT : 0;
    if (vector != NULL) {
        memset(vector, 0, vcpu_vector_bytes());
        v->arch.sstatus |= SSTATUS_VS_INIT;
    }
    v->arch.csrs.vsstatus = XLEN_64;
    v->arch.csrs.scounteren = COUNTEREN_GUEST;
    virq_vcpu_reset(v);
    vtimer_reset(v);
}

static int vcpu_create_vector(struct vcpu *v)
{
    if (!isa_has(ISA_V)) {
        return 0;
    }
    v->arch.fp.v = heap_alloc(vcpu_vector_bytes());
    return v->arch.fp.v != NULL ? 0 : -ENOMEM;
}

static void vcpu_destroy_vector(struct vcpu *v)
{
    if (v->arch.fp.v != NULL) {
        heap_free(v->arch.fp.v, vcpu_vector_bytes());
        v->arch.fp.v = NULL;
    }
}

static const struct vcpu_part {
    int (*create)(struct vcpu *v);
    void (*destroy)(struct vcpu *v);
} parts[] = {
    {vcpu_create_vector, vcpu_destroy_vector},
    {virq_vcpu_create, virq_vcpu_destroy},
    {vtimer_create, vtimer_destroy},
};

static void vcpu_destroy_parts(struct vcpu *v, size_t n)
{
    while (n-- != 0) {
        parts[n].destroy(v);
    }
}

int arch_vcpu_create(struct vcpu *v)
{
    if (v->id >= ARCH_MAX_VCPUS) {
        return -EINVAL;
    }
    for (size_t i = 0; i < ARRAY_SIZE(parts); i++) {
        int rc = parts[i].create(v);

        if (rc != 0) {
            vcpu_destroy_parts(v, i);
            return rc;
        }
    }
    vcpu_reset(v);
    return 0;
}

void arch_vcpu_destroy(struct vcpu *v)
{
    vcpu_destroy_parts(v, ARRAY_SIZE(parts));
}

/* The hart's own number comes first, as Linux and SBI HSM have it [RVBOOT, RVSBI 9.1]. */
void arch_vcpu_set_entry(struct vcpu *v, uint64_t pc, uint64_t arg)
{
    vcpu_reset(v);
    v->arch.regs.pc = pc;
    v->arch.regs.x[REG_A0] = arch_vcpu_hwid(v->d, v->id);
    v->arch.regs.x[REG_A1] = arg;
}

/*
 * The units' registers move only with the vCPU, and are saved only if it has written them: sstatus,
 * stored on the way to the gate, says so for VS-mode as well [RVPRIV 18.2.13]. They are always
 * loaded: a guest may switch a unit on without a trap, and must not find another's values in it.
 */
static void vcpu_units_save(struct vcpu *v)
{
    uint64_t status = v->arch.sstatus;

    csr_set(CSR_SSTATUS, SSTATUS_FS | SSTATUS_VS); /* accessible, whatever it is now */
    if ((status & SSTATUS_FS) == SSTATUS_FS_DIRT) {
        fp_save(&v->arch.fp);
        status = (status & ~SSTATUS_FS) | FS_CLEAN;
    }
    if ((status & SSTATUS_VS) == SSTATUS_VS_DIRT && v->arch.fp.v != NULL) {
        vector_save(&v->arch.fp);
        status = (status & ~SSTATUS_VS) | VS_CLEAN;
    }
    v->arch.sstatus = status;
}

static void vcpu_units_load(const struct vcpu *v)
{
    csr_set(CSR_SSTATUS, SSTATUS_FS | SSTATUS_VS);
    if (isa_has(ISA_D)) {
        fp_load(&v->arch.fp);
    }
    if (v->arch.fp.v != NULL) {
        vector_load(&v->arch.fp);
    }
}

void arch_vcpu_save(struct vcpu *v)
{
    struct vcpu_csrs *s = &v->arch.csrs;

    vtimer_save(v);
    virq_save(v);
    s->vsstatus = csr_read(CSR_VSSTATUS);
    s->vstvec = csr_read(CSR_VSTVEC);
    s->vsscratch = csr_read(CSR_VSSCRATCH);
    s->vsepc = csr_read(CSR_VSEPC);
    s->vscause = csr_read(CSR_VSCAUSE);
    s->vstval = csr_read(CSR_VSTVAL);
    /* No translation by one guest's first stage and another's second or none, nor by tables that
     * are freed, not even ahead of time [RVPRIV 18.2.10]: the first stage goes first. */
    s->vsatp = csr_swap(CSR_VSATP, 0ul);
    p2m_unload(&v->d->p2m.arch);
    s->scounteren = csr_read(CSR_SCOUNTEREN);
    s->senvcfg = csr_read(CSR_SENVCFG);
    if (isa_has(ISA_SMSTATEEN)) {
        s->sstateen0 = csr_read(CSR_SSTATEEN0);
    }
    vcpu_units_save(v);
}

void arch_vcpu_load(struct vcpu *v)
{
    const struct vcpu_csrs *s = &v->arch.csrs;

    p2m_load(&v->d->p2m.arch, v->id);
    csr_write(CSR_VSATP, s->vsatp);
    csr_write(CSR_HSTATUS, v->arch.hstatus);
    csr_write(CSR_VSSTATUS, s->vsstatus);
    csr_write(CSR_VSTVEC, s->vstvec);
    csr_write(CSR_VSSCRATCH, s->vsscratch);
    csr_write(CSR_VSEPC, s->vsepc);
    csr_write(CSR_VSCAUSE, s->vscause);
    csr_write(CSR_VSTVAL, s->vstval);
    csr_write(CSR_SCOUNTEREN, s->scounteren);
    csr_write(CSR_SENVCFG, s->senvcfg);
    if (isa_has(ISA_SMSTATEEN)) {
        csr_write(CSR_SSTATEEN0, s->sstateen0);
    }
    vcpu_units_load(v);
    virq_load(v);
    vtimer_load(v);
}

/* Only a hypercall does this, and its pc is in the register until the gate saves it. */
void arch_hypercall_repeat(struct vcpu *v __unused)
{
    csr_write(CSR_SEPC, csr_read(CSR_SEPC) - 4u);
}

bool arch_vcpu_wakeup_pending(struct vcpu *v)
{
    return virq_wanted(v);
}
