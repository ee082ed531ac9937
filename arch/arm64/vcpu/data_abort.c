/* SPDX-License-Identifier: Apache-2.0 */
/* Accesses that the second stage refused: emulated devices, pages that are mapped on demand, and
 * errors of the guest. */
#include <arch/p2m.h>
#include <arch/vcpu.h>
#include <asm/inject.h>
#include <asm/skip.h>
#include <asm/sysregs.h>
#include <asm/traps.h>
#include <xen/config.h>
#include <xen/domain.h>
#include <xen/mmio.h>
#include <xen/printk.h>
#include <xen/trap.h>

#define PAR_F  1ul
#define PAR_PA 0x0000fffffffff000ul

/* The guest's own translation, for faults that leave HPFAR_EL2 unknown. */
static bool data_abort_stage1(uint64_t gva, paddr_t *gpa)
{
    uint64_t saved = READ_SYSREG(par_el1), par;

    __asm__ volatile("at s1e1r, %0" ::"r"(gva));
    isb(); /* the result is in PAR_EL1 after this */
    par = READ_SYSREG(par_el1);
    WRITE_SYSREG(saved, par_el1);
    *gpa = (par & PAR_PA) | (gva & ~PAGE_MASK);
    return (par & PAR_F) == 0;
}

/* HPFAR_EL2 with the offset in the page from FAR_EL2. */
static paddr_t data_abort_hpfar_address(uint64_t gva)
{
    return (READ_SYSREG(hpfar_el2) & ~0xful) << 8 | (gva & ~PAGE_MASK);
}

/* false: the guest's translation has changed meanwhile. */
static bool data_abort_fault_address(uint64_t esr, uint64_t gva, paddr_t *gpa)
{
    unsigned int type = ABT_FSC(esr) & FSC_TYPE_MASK;

    if (type == FSC_PERMISSION && (esr & ABT_S1PTW) == 0) {
        return data_abort_stage1(gva, gpa);
    }
    *gpa = data_abort_hpfar_address(gva);
    return true;
}

static bool data_abort_is_stage2_fault(uint64_t esr)
{
    unsigned int type = ABT_FSC(esr) & FSC_TYPE_MASK;

    return type == FSC_TRANSLATION || type == FSC_ACCESS || type == FSC_PERMISSION;
}

static enum mmio_result data_abort_emulate(struct vcpu *v, uint64_t esr, paddr_t gpa)
{
    unsigned int size = 1u << ABT_SIZE(esr), rt = ABT_SRT(esr);
    enum mmio_result result;
    uint64_t value;

    if ((esr & ABT_WNR) != 0) {
        return mmio_write(v, gpa, size, rt == 31 ? 0 : v->arch.regs.x[rt]);
    }
    result = mmio_read(v, gpa, size, &value);
    if (result == MMIO_HANDLED && rt != 31) {
        value = mmio_extend(value, size, (esr & ABT_SSE) != 0);
        v->arch.regs.x[rt] = (esr & ABT_SF) != 0 ? value : value & UINT32_MAX;
    }
    return result;
}

/* Everything but an emulated access that worked; result: what emulation said. */
static __noinline void data_abort_rest(struct vcpu *v, uint64_t esr, uint64_t gva,
                                       enum mmio_result result)
{
    struct mmio_fault f = {.gva = gva, .write = (esr & ABT_WNR) != 0};

    if (!data_abort_is_stage2_fault(esr)) {
        guest_printk(v, "data abort: ESR %#lx, address %#lx, at %#lx\n", esr, gva, v->arch.regs.pc);
        inject_abort(v, gva, false);
        return;
    }
    if (!data_abort_fault_address(esr, gva, &f.gpa)) {
        return; /* the guest tries again and gets its own fault */
    }
    if (result == MMIO_UNHANDLED && p2m_fault(v, f.gpa, f.write ? P2M_WRITE : 0)) {
        return;
    }
    if ((esr & ABT_CM) != 0 && (esr & ABT_S1PTW) == 0) {
        skip_insn(v, esr); /* cache maintenance where nothing is: nothing to do */
        return;
    }
    mmio_report(v, &f, (esr & ABT_ISV) != 0, result, v->arch.regs.pc);
    inject_abort(v, gva, false);
}

/* Emulated devices are never mapped, so they are tried first, and nothing is asked that they do not
 * need. */
void trap_data_abort(struct vcpu *v, uint64_t esr)
{
    uint64_t gva = READ_SYSREG(far_el2);
    enum mmio_result result = MMIO_UNHANDLED;

    if (likely((esr & (ABT_ISV | ABT_S1PTW | FSC_TYPE_MASK)) == (ABT_ISV | FSC_TRANSLATION))) {
        result = data_abort_emulate(v, esr, data_abort_hpfar_address(gva));
        if (likely(result == MMIO_HANDLED)) {
            skip_insn(v, esr);
            return;
        }
    }
    data_abort_rest(v, esr, gva, result);
}

void trap_instruction_abort(struct vcpu *v, uint64_t esr)
{
    uint64_t gva = READ_SYSREG(far_el2);
    /* A walk of the guest's tables only reads. */
    uint32_t needs = (esr & ABT_S1PTW) != 0 ? 0 : P2M_EXEC;
    paddr_t gpa;

    if (data_abort_is_stage2_fault(esr) &&
        (!data_abort_fault_address(esr, gva, &gpa) || p2m_fault(v, gpa, needs))) {
        return;
    }
    guest_printk(v, "nothing to execute at %#lx: ESR %#lx\n", gva, esr);
    inject_abort(v, gva, true);
}
