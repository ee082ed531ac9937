/*
 * SBI calls of guests: from the extension id to its file. Nothing a guest passes is trusted, and
 * unknown ids are answered, never reported: guests probe.
 */
#include <asm/vcpu.h>
#include <asm/vsbi.h>
#include <public/arch.h>
#include <xen/domain.h>
#include <xen/nospec.h>

#define LEGACY_LAST SBI_EXT_SHUTDOWN

/* In the order of use. */
static const struct vsbi_extension extensions[] = {
    {.id = SBI_EXT_IPI, .call = vsbi_ipi},
    {.id = SBI_EXT_TIME, .call = vsbi_time},
    {.id = SBI_EXT_RFENCE, .call = vsbi_rfence},
    {.id = SBI_EXT_DBCN, .call = vsbi_dbcn, .privileged = true},
    {.id = SBI_EXT_HSM, .call = vsbi_hsm},
    {.id = SBI_EXT_SRST, .call = vsbi_srst},
    {.id = SBI_EXT_BASE, .call = vsbi_base},
};

/* NULL: none, or none for v. */
static const struct vsbi_extension *vsbi_row(const struct vcpu *v, uint64_t id)
{
    for (const struct vsbi_extension *row = extensions; row < extensions + ARRAY_SIZE(extensions);
         row++) {
        if (row->id == id) {
            return row->privileged && !v->d->is_privileged ? NULL : row;
        }
    }
    return NULL;
}

bool vsbi_has(const struct vcpu *v, uint64_t extension)
{
    if (extension == SBI_EXT_PUTCHAR || extension == SBI_EXT_GETCHAR) {
        return v->d->is_privileged;
    }
    return extension <= LEGACY_LAST || extension == XEN_SBI_EXT_HYPERCALL ||
           vsbi_row(v, extension) != NULL;
}

static __noinline void vsbi_other(struct vcpu *v, uint64_t id)
{
    uint64_t *a = &v->arch.regs.x[REG_A0];
    const struct vsbi_extension *row = vsbi_row(v, id);
    uint64_t value = 0;
    long error = SBI_ERR_NOT_SUPPORTED;

    if (row != NULL) {
        error = row->call(v, a[6], a, &value);
    } else if (id <= LEGACY_LAST) {
        vsbi_legacy(v, id);
        return;
    }
    a[0] = (uint64_t)error;
    a[1] = value;
}

void vsbi_call(struct vcpu *v)
{
    uint64_t *a = &v->arch.regs.x[REG_A0];

    if (a[7] == SBI_EXT_BASE && a[6] < VSBI_IDENTITIES) {
        a[0] = SBI_SUCCESS;
        a[1] = vsbi_identity[index_nospec(a[6], VSBI_IDENTITIES)];
    } else {
        vsbi_other(v, a[7]);
    }
}

bool vsbi_harts(const struct vcpu *v, uint64_t mask, uint64_t base, uint64_t *harts)
{
    uint64_t all = UINT64_MAX >> (64u - v->d->max_vcpus);

    BUILD_BUG_ON(ARCH_MAX_VCPUS > 64);
    if (base == SBI_ALL_HARTS) {
        *harts = all;
        return true;
    }
    if (unlikely(base >= 64)) {
        base = 63;
        mask = mask != 0 ? 2 : 0;
    }
    *harts = mask << base;
    return *harts >> base == mask && (*harts & ~all) == 0;
}
