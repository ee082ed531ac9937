/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Exceptions that the hypervisor gives to a guest, entered in VS-mode as the hart would
 * [RVPRIV 12.1.1, 18.6]. The vCPU is the one that is loaded here, on the full path.
 */
#include <arch/vcpu.h>
#include <asm/csr.h>
#include <asm/inject.h>
#include <xen/domain.h>

#define STVEC_BASE (~3ul) /* the mode below it is for interrupts */

void inject_exception(struct vcpu *v, uint64_t cause, uint64_t value)
{
    uint64_t status = csr_read(CSR_VSSTATUS), entered = status & ~(SSTATUS_SPP | SSTATUS_SPIE);

    entered |= v->arch.sstatus & SSTATUS_SPP;
    entered |= (status & SSTATUS_SIE) != 0 ? SSTATUS_SPIE : 0;
    csr_write(CSR_VSSTATUS, entered & ~SSTATUS_SIE);
    csr_write(CSR_VSEPC, v->arch.regs.pc);
    csr_write(CSR_VSCAUSE, cause);
    csr_write(CSR_VSTVAL, value);
    v->arch.regs.pc = csr_read(CSR_VSTVEC) & STVEC_BASE;
    v->arch.sstatus |= SSTATUS_SPP;
}

/* stval may have been overwritten since: 0 says that the instruction is not told
 * [RVPRIV 12.1.9]. */
void inject_undefined(struct vcpu *v)
{
    inject_exception(v, EXC_ILLEGAL_INSTRUCTION, 0);
}

void inject_abort(struct vcpu *v, uint64_t gva, bool instruction)
{
    inject_exception(v, instruction ? EXC_FETCH_ACCESS : EXC_LOAD_ACCESS, gva);
}
