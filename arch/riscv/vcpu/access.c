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
#include <xen/printk.h>
#include <xen/trap.h>

/* What a trap says; its registers are overwritten by the next fault, a guest_fetch's too. */
struct fault {
    uint64_t gva;
    paddr_t gpa; /* INVALID_PADDR: the guest's own tables do not tell */
    bool write;
};

static uint64_t extend(uint64_t value, const struct decoded_access *a)
{
    unsigned int unused = 64u - 8u * a->size;

    return a->sign ? (uint64_t)((int64_t)(value << unused) >> unused) : value << unused >> unused;
}

static enum mmio_result emulate(struct vcpu *v, const struct fault *f,
                                const struct decoded_access *d)
{
    struct mmio_access a = {.gpa = f->gpa, .size = d->size, .write = f->write};
    enum mmio_result result;

    /* A device is accessed aligned or not at all. Another thread of the guest may have changed the
     * instruction that was fetched. */
    if ((f->gpa & (d->size - 1u)) != 0 || d->write != f->write) {
        return MMIO_UNHANDLED;
    }
    if (a.write) {
        a.data = v->arch.regs.x[d->reg] & ~0ul >> (64u - 8u * d->size);
    }
    result = mmio_dispatch(v, &a);
    if (result == MMIO_HANDLED) {
        if (!a.write && d->reg != 0) {
            v->arch.regs.x[d->reg] = extend(a.data, d);
        }
        v->arch.regs.pc += d->length;
    }
    return result;
}

/* Everything but an emulated access that worked; result: what emulation said. */
static __noinline void access_rest(struct vcpu *v, const struct fault *f, bool decoded,
                                   enum mmio_result result)
{
    if (result == MMIO_UNHANDLED && p2m_fault(v, f->gpa, f->write)) {
        p2m_forget(f->gpa);
        return;
    }
    guest_printk(v, "no %s at guest address %#lx (virtual %#lx) for the instruction at %#lx%s\n",
                 result == MMIO_ERROR ? "such access"
                 : f->write           ? "writable memory"
                                      : "memory",
                 f->gpa, f->gva, v->arch.regs.pc,
                 decoded ? "" : ", whose access cannot be emulated");
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
    struct fault f = {.gva = csr_read(CSR_STVAL),
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
        result = emulate(v, &f, &d);
    }
    if (unlikely(result != MMIO_HANDLED)) {
        access_rest(v, &f, decoded, result);
    }
}
