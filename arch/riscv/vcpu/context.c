/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A vCPU's registers as the tools read and write them. A context that was read from a vCPU
 * (VGCF_saved) may hold whatever its guest has set. Any other starts a hart, with all that the
 * context does not have reset. Zeros in scounteren are then a builder that forgot the register:
 * they are refused, because the guest's programs would die when they read the time.
 */
#include <arch/p2m.h>
#include <arch/vcpu.h>
#include <asm/csr.h>
#include <public/arch.h>
#include <xen/domain.h>
#include <xen/errno.h>
#include <xen/printk.h>
#include <xen/string.h>

#define VGCF_KNOWN (VGCF_online | VGCF_supervisor | VGCF_saved)

/* Bits of the guest's sstatus that it could have set itself; SD follows from others. */
#define SSTATUS_SD    (1ul << 63)
#define SSTATUS_UXL   (3ul << 32)
#define SSTATUS_UXL64 (2ul << 32)
#define SSTATUS_GUEST \
    (SSTATUS_SIE | SSTATUS_SPIE | SSTATUS_SPP | SSTATUS_VS | SSTATUS_FS | SSTATUS_SUM | \
     SSTATUS_MXR | SSTATUS_UXL | SSTATUS_SD)

static bool context_allowed(const struct vcpu_guest_context *ctx)
{
    uint64_t mode = ctx->satp >> ATP_MODE_SHIFT, uxl = ctx->sstatus & SSTATUS_UXL;

    return (ctx->flags & ~(uint32_t)VGCF_KNOWN) == 0 && ctx->reserved == 0 &&
           (ctx->user_regs.pc & 1u) == 0 && (ctx->sstatus & ~SSTATUS_GUEST) == 0 &&
           (uxl == 0 || uxl == SSTATUS_UXL64) && (p2m_vsatp_modes >> mode & 1u) != 0;
}

static bool context_starts(const struct vcpu *v, const struct vcpu_guest_context *ctx)
{
    if ((ctx->scounteren & COUNTEREN_GUEST) == COUNTEREN_GUEST) {
        return true;
    }
    guest_printk(v, "setvcpucontext: a hart starts with scounteren %#x, not %#lx\n",
                 (unsigned int)COUNTEREN_GUEST, ctx->scounteren);
    return false;
}

int arch_vcpu_set_context(struct vcpu *v, const struct vcpu_guest_context *ctx)
{
    struct vcpu_csrs *s = &v->arch.csrs;

    BUILD_BUG_ON(sizeof(ctx->user_regs) != 32 * sizeof(uint64_t));
    if (!context_allowed(ctx)) {
        return -EINVAL;
    }
    if ((ctx->flags & VGCF_saved) == 0) {
        if (!context_starts(v, ctx)) {
            return -EINVAL;
        }
        arch_vcpu_set_entry(v, 0, 0);
    }
    memcpy(&v->arch.regs.x[1], &ctx->user_regs.ra, 31 * sizeof(uint64_t));
    v->arch.regs.pc = ctx->user_regs.pc;
    v->arch.sstatus &= ~SSTATUS_SPP;
    v->arch.sstatus |= (ctx->flags & VGCF_supervisor) != 0 ? SSTATUS_SPP : 0;
    s->vsstatus = (ctx->sstatus & ~(SSTATUS_SD | SSTATUS_UXL)) | SSTATUS_UXL64;
    s->vsie = ctx->sie;
    s->vstvec = ctx->stvec;
    s->vsscratch = ctx->sscratch;
    s->vsepc = ctx->sepc;
    s->vscause = ctx->scause;
    s->vstval = ctx->stval;
    s->vsatp = ctx->satp;
    s->scounteren = ctx->scounteren;
    s->senvcfg = ctx->senvcfg;
    return 0;
}

void arch_vcpu_get_context(struct vcpu *v, struct vcpu_guest_context *ctx)
{
    const struct vcpu_csrs *s = &v->arch.csrs;

    memset(ctx, 0, sizeof(*ctx));
    memcpy(&ctx->user_regs.ra, &v->arch.regs.x[1], 31 * sizeof(uint64_t));
    ctx->user_regs.pc = v->arch.regs.pc;
    ctx->flags = VGCF_saved | (vcpu_is_up(v) ? VGCF_online : 0u) |
                 ((v->arch.sstatus & SSTATUS_SPP) != 0 ? VGCF_supervisor : 0u);
    ctx->sstatus = s->vsstatus;
    ctx->sie = s->vsie;
    ctx->stvec = s->vstvec;
    ctx->sscratch = s->vsscratch;
    ctx->sepc = s->vsepc;
    ctx->scause = s->vscause;
    ctx->stval = s->vstval;
    ctx->satp = s->vsatp;
    ctx->scounteren = s->scounteren;
    ctx->senvcfg = s->senvcfg;
}
