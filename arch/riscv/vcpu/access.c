/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Loads and stores that the second stage refused: emulated devices, pages that are mapped on
 * demand, and errors of the guest.
 */
#include <arch/p2m.h>
#include <arch/vcpu.h>
#include <asm/csr.h>
#include <asm/decode.h>
#include <asm/inject.h>
#include <asm/traps.h>
#include <xen/domain.h>
#include <xen/mmio.h>
#include <xen/trap.h>

static enum mmio_result access_emulate(struct vcpu *v, const struct mmio_fault *f,
                                       const struct decoded_access *d)
{
    enum mmio_result result;
    uint64_t value;

    if (d->write != f->write) {
        return MMIO_UNHANDLED; /* another thread of the guest has changed the instruction fetched */
    }
    if (d->write) {
        result = mmio_write(v, f->gpa, d->size, v->arch.regs.x[d->reg]);
    } else {
        result = mmio_read(v, f->gpa, d->size, &value);
        if (result == MMIO_HANDLED && d->reg != 0) {
            v->arch.regs.x[d->reg] = mmio_extend(value, d->size, d->sign);
        }
    }
    if (result == MMIO_HANDLED) {
        v->arch.regs.pc += d->length;
    }
    return result;
}

/* Everything but an emulated access that worked; result: what emulation said. */
static __noinline void access_rest(struct vcpu *v, const struct mmio_fault *f, bool decoded,
                                   enum mmio_result result)
{
    if (result == MMIO_UNHANDLED && p2m_fault(v, f->gpa, f->write ? P2M_WRITE : 0)) {
        p2m_forget(f->gpa);
        return;
    }
    mmio_report(v, f, decoded, result, v->arch.regs.pc);
    inject_exception(v, f->write ? EXC_STORE_ACCESS : EXC_LOAD_ACCESS, f->gva);
}

/*
 * Emulated devices are never mapped, so they are tried first, and nothing is asked that they do not
 * need. htinst may say nothing (0), or that the first stage accessed its own tables, which is no
 * instruction to emulate [RVPRIV 18.6.3].
 */
void trap_guest_access(struct vcpu *v, uint64_t cause)
{
    uint64_t htinst = csr_read(CSR_HTINST);
    /* A trap's registers are overwritten by the next fault, guest_fetch's too. */
    struct mmio_fault f = {.gva = csr_read(CSR_STVAL),
                           .gpa = csr_read(CSR_HTVAL) << 2,
                           .write = cause == EXC_STORE_GUEST_PAGE};
    enum mmio_result result = MMIO_UNHANDLED;
    struct decoded_access d;
    bool decoded;

    if (likely(htinst != 0)) {
        decoded = decode_htinst(htinst, &d);
    } else {
        uint32_t insn;

        if (!guest_fetch(v, &insn)) {
            return; /* changed meanwhile: the guest tries again and gets its own fault */
        }
        decoded = decode_access(insn, &d);
    }
    if (likely(f.gpa != 0)) {
        f.gpa |= f.gva & 3u; /* htval has the rest */
    } else if (!guest_walk_gpa(f.gva, &f.gpa)) {
        f.gpa = INVALID_PADDR;
    }
    if (likely(decoded)) {
        result = access_emulate(v, &f, &d);
    }
    if (unlikely(result != MMIO_HANDLED)) {
        access_rest(v, &f, decoded, result);
    }
}
