/*
 * The calls of SBI 0.1 [RVSBI 5]: each is an extension, the function id does not count, a0 alone
 * has the result. Hart masks are in guest virtual memory; a mask that cannot be read is the
 * guest's page fault at the ecall.
 */
#include <arch/vcpu.h>
#include <asm/csr.h>
#include <asm/inject.h>
#include <asm/virq.h>
#include <asm/vsbi.h>
#include <asm/vtimer.h>
#include <public/sched.h>
#include <xen/console.h>
#include <xen/domain.h>
#include <xen/guest_copy.h>

/* The load that read the mask faults at the ecall [RVSBI 5]. Fast path: pc and sstatus are still in
 * their registers. */
static void legacy_fault(struct vcpu *v, uint64_t gva)
{
    v->arch.regs.pc = csr_read(CSR_SEPC) - 4u;
    v->arch.sstatus = csr_read(CSR_SSTATUS);
    inject_exception(v, EXC_LOAD_PAGE, gva);
    csr_write(CSR_SEPC, v->arch.regs.pc);
    csr_write(CSR_SSTATUS, v->arch.sstatus);
}

static void legacy_run(struct vcpu *v, uint64_t extension, uint64_t harts, const uint64_t *a)
{
    switch (extension) {
    case SBI_EXT_SEND_IPI: vsbi_ipi_send(v, harts); break;
    case SBI_EXT_FENCE_I: vsbi_fence_i(v, harts); break;
    case SBI_EXT_SFENCE: vsbi_sfence(v, harts, a[1], a[2], VSBI_ASID_ALL); break;
    default: vsbi_sfence(v, harts, a[1], a[2], (uint16_t)a[3]); break;
    }
}

/* A domain has no more harts than one word has bits; without a mask all are meant. */
static void legacy_with_harts(struct vcpu *v, uint64_t extension, uint64_t *a)
{
    uint64_t mask = 0, harts;

    if (a[0] != 0 && guest_copy_from(&mask, a[0], sizeof(mask)) != 0) {
        legacy_fault(v, a[0]);
        return;
    }
    if (!vsbi_harts(v, mask, a[0] != 0 ? 0 : SBI_ALL_HARTS, &harts)) {
        a[0] = (uint64_t)SBI_ERR_INVALID_PARAM;
        return;
    }
    legacy_run(v, extension, harts, a);
    a[0] = SBI_SUCCESS;
}

static long legacy_simple(struct vcpu *v, uint64_t extension, uint64_t argument)
{
    char c = (char)argument;

    if (!vsbi_has(v, extension)) {
        return SBI_ERR_NOT_SUPPORTED;
    }
    switch (extension) {
    case SBI_EXT_SET_TIMER: vtimer_set(v, argument); return 0;
    case SBI_EXT_PUTCHAR: vsbi_put(v, c); return 0;
    case SBI_EXT_GETCHAR: return console_read_guest(v->d, &c, 1) != 0 ? (uint8_t)c : -1;
    case SBI_EXT_CLEAR_IPI: virq_clear(v, 1ul << IRQ_VS_SOFT); return 0;
    case SBI_EXT_SHUTDOWN: domain_shutdown(v->d, SHUTDOWN_poweroff); return 0;
    default: return SBI_ERR_NOT_SUPPORTED;
    }
}

void vsbi_legacy(struct vcpu *v, uint64_t extension)
{
    uint64_t *a = &v->arch.regs.x[REG_A0];

    if (extension >= SBI_EXT_SEND_IPI && extension <= SBI_EXT_SFENCE_ASID) {
        legacy_with_harts(v, extension, a);
    } else {
        a[0] = (uint64_t)legacy_simple(v, extension, a[0]);
    }
}
