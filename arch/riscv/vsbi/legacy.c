/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The calls of SBI 0.1 [RVSBI 5], for kernels that do not probe and for early consoles: each is an
 * extension, the function id does not count, a0 alone has the result. Those with a hart mask are
 * calls of the extension that replaced them: IPI or RFENCE.
 */
#include <asm/csr.h>
#include <asm/inject.h>
#include <asm/vcpu.h>
#include <asm/virq.h>
#include <asm/vsbi.h>
#include <asm/vtimer.h>
#include <public/sched.h>
#include <xen/console.h>
#include <xen/domain.h>
#include <xen/guest_copy.h>

/* A mask that cannot be read is the guest's page fault at the ecall [RVSBI 5]. Fast path: pc and
 * sstatus are still in their registers. */
static void legacy_fault(struct vcpu *v, uint64_t gva)
{
    v->arch.regs.pc = csr_read(CSR_SEPC) - 4u;
    v->arch.sstatus = csr_read(CSR_SSTATUS);
    inject_exception(v, EXC_LOAD_PAGE, gva);
    csr_write(CSR_SEPC, v->arch.regs.pc);
    csr_write(CSR_SSTATUS, v->arch.sstatus);
}

/* The mask is one word in guest virtual memory; a domain has no more harts. Without it all are
 * meant. */
static long legacy_with_harts(struct vcpu *v, uint64_t extension, const uint64_t *a)
{
    uint64_t args[] = {0, SBI_ALL_HARTS, a[1], a[2], a[3]}, none;

    if (a[0] != 0) {
        args[1] = 0;
        if (guest_copy_from(&args[0], a[0], sizeof(args[0])) != 0) {
            legacy_fault(v, a[0]);
            return (long)a[0]; /* a0 as it was: the guest sees the fault only */
        }
    }
    if (extension == SBI_EXT_SEND_IPI) {
        return vsbi_ipi(v, 0, args, &none);
    }
    return vsbi_rfence(v, extension - SBI_EXT_FENCE_I, args, &none);
}

long vsbi_legacy(struct vcpu *v, uint64_t function __unused, const uint64_t *args, uint64_t *value)
{
    uint64_t extension = args[REG_A7 - REG_A0];
    char c = (char)args[0];

    *value = args[1]; /* a1 stays as it was */
    switch (extension) {
    case SBI_EXT_SET_TIMER: vtimer_set(v, args[0]); return 0;
    case SBI_EXT_PUTCHAR: return vsbi_put(v, c, args, value);
    case SBI_EXT_GETCHAR: return console_read_guest(v->d, &c, 1) != 0 ? (uint8_t)c : -1;
    case SBI_EXT_CLEAR_IPI: virq_clear(v, 1ul << IRQ_VS_SOFT); return 0;
    case SBI_EXT_SHUTDOWN: domain_shutdown(v->d, SHUTDOWN_poweroff); return 0;
    default: return legacy_with_harts(v, extension, args);
    }
}
