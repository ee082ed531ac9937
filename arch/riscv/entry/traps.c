/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Exceptions from guests, by cause. Each handler either completes the guest's instruction, lets it
 * be executed again, or gives the guest an exception of its own: nothing that a guest does ends
 * here. Ecalls and interrupts do not come this way (entry.S).
 */
#include <arch/p2m.h>
#include <arch/vcpu.h>
#include <asm/csr.h>
#include <asm/inject.h>
#include <asm/traps.h>
#include <xen/domain.h>
#include <xen/lib.h>
#include <xen/printk.h>
#include <xen/trap.h>

typedef void trap_fn(struct vcpu *v, uint64_t cause);

/* What is the guest's own business, on harts that cannot delegate it [RVPRIV 18.2.2]. */
static void trap_reflect(struct vcpu *v, uint64_t cause)
{
    inject_exception(v, cause, csr_read(CSR_STVAL));
}

/* Of an instruction fetch, or (htinst says so) of the walk of the guest's tables for it, which reads
 * [RVPRIV 18.6.3]; htval may be 0 for "not known" [RVPRIV 18.2.8]. */
static void trap_guest_fetch(struct vcpu *v, uint64_t cause __unused)
{
    uint64_t gva = csr_read(CSR_STVAL);
    paddr_t gpa = csr_read(CSR_HTVAL) << 2;
    uint32_t needs = csr_read(CSR_HTINST) != 0 ? 0 : P2M_EXEC;

    if (gpa == 0 && !guest_walk_gpa(gva, &gpa)) {
        gpa = INVALID_PADDR;
    }
    if (p2m_fault(v, gpa, needs)) {
        p2m_forget(gpa);
        return;
    }
    guest_printk(v, "nothing to execute at %#lx (guest address %#lx)\n", gva, gpa);
    inject_abort(v, gva, true);
}

static void trap_unexpected(struct vcpu *v, uint64_t cause)
{
    guest_printk(v, "exception that was not expected: cause %lu at %#lx\n", cause, v->arch.regs.pc);
    inject_undefined(v);
}

static trap_fn *const traps[] = {
    [EXC_FETCH_MISALIGNED] = trap_reflect,
    [EXC_FETCH_ACCESS] = trap_reflect,
    [EXC_ILLEGAL_INSTRUCTION] = trap_reflect,
    [EXC_BREAKPOINT] = trap_reflect,
    [EXC_LOAD_MISALIGNED] = trap_reflect,
    [EXC_LOAD_ACCESS] = trap_reflect,
    [EXC_STORE_MISALIGNED] = trap_reflect,
    [EXC_STORE_ACCESS] = trap_reflect,
    [EXC_ECALL_U] = trap_reflect,
    [EXC_FETCH_PAGE] = trap_reflect,
    [EXC_LOAD_PAGE] = trap_reflect,
    [EXC_STORE_PAGE] = trap_reflect,
    [EXC_FETCH_GUEST_PAGE] = trap_guest_fetch,
    [EXC_LOAD_GUEST_PAGE] = trap_guest_access,
    [EXC_VIRTUAL_INSTRUCTION] = trap_virtual_instruction,
    [EXC_STORE_GUEST_PAGE] = trap_guest_access,
};

void trap_sync(struct vcpu *v, uint64_t cause)
{
    trap_fn *fn = cause < ARRAY_SIZE(traps) ? traps[cause] : NULL;

    if (fn == NULL) {
        fn = trap_unexpected;
    }
    fn(v, cause);
}
