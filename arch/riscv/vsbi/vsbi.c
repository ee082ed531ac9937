/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SBI calls of guests: from the extension id to its file, and the base extension, which says what
 * is there [RVSBI 4]. Nothing a guest passes is trusted, and unknown ids are answered, never
 * reported: guests probe.
 */
#include <asm/vcpu.h>
#include <asm/vsbi.h>
#include <public/arch.h>
#include <xen/console.h>
#include <xen/domain.h>
#include <xen/nospec.h>

static vsbi_fn vsbi_base;

/* In the order of use. */
static const struct vsbi_extension {
    uint64_t id;
    vsbi_fn *call;
    bool console; /* for a domain that has one */
} extensions[] = {
    {.id = SBI_EXT_IPI, .call = vsbi_ipi},
    {.id = SBI_EXT_TIME, .call = vsbi_time},
    {.id = SBI_EXT_RFENCE, .call = vsbi_rfence},
    {.id = SBI_EXT_DBCN, .call = vsbi_dbcn, .console = true},
    {.id = SBI_EXT_HSM, .call = vsbi_hsm},
    {.id = SBI_EXT_SRST, .call = vsbi_srst},
    {.id = SBI_EXT_BASE, .call = vsbi_base},
    {.id = SBI_EXT_PUTCHAR, .call = vsbi_legacy, .console = true},
    {.id = SBI_EXT_GETCHAR, .call = vsbi_legacy, .console = true},
    {.id = SBI_EXT_SET_TIMER, .call = vsbi_legacy},
    {.id = SBI_EXT_CLEAR_IPI, .call = vsbi_legacy},
    {.id = SBI_EXT_SEND_IPI, .call = vsbi_legacy},
    {.id = SBI_EXT_FENCE_I, .call = vsbi_legacy},
    {.id = SBI_EXT_SFENCE, .call = vsbi_legacy},
    {.id = SBI_EXT_SFENCE_ASID, .call = vsbi_legacy},
    {.id = SBI_EXT_SHUTDOWN, .call = vsbi_legacy},
};

/* The answers to the first functions of the base extension. */
static const uint64_t identity[] = {
    [SBI_BASE_SPEC_VERSION] = 2u << 24, /* 2.0 */
    [SBI_BASE_IMPL_ID] = XEN_SBI_IMPL_ID,
    [SBI_BASE_IMPL_VERSION] = 4u << 16 | 20u, /* Xen 4.20 */
};

/* NULL: none, or none for v. */
static const struct vsbi_extension *vsbi_row(const struct vcpu *v, uint64_t id)
{
    for (const struct vsbi_extension *row = extensions; row < extensions + ARRAY_SIZE(extensions);
         row++) {
        if (row->id == id) {
            return row->console && !console_is_there(v->d) ? NULL : row;
        }
    }
    return NULL;
}

/* Which machine it is says the firmware; not worth remembering, guests ask once. */
static long vsbi_machine(uint64_t function, uint64_t *value)
{
    struct sbi_result r = sbi_call(SBI_EXT_BASE, function, 0, 0, 0, 0, 0);

    *value = r.value;
    return r.error;
}

/* All but the first functions, which vsbi_call answers. */
static long vsbi_base(struct vcpu *v, uint64_t function, const uint64_t *args, uint64_t *value)
{
    switch (function) {
    case SBI_BASE_PROBE:
        *value = args[0] == XEN_SBI_EXT_HYPERCALL || vsbi_row(v, args[0]) != NULL;
        return SBI_SUCCESS;
    case SBI_BASE_MVENDORID:
    case SBI_BASE_MARCHID:
    case SBI_BASE_MIMPID: return vsbi_machine(function, value);
    default: return SBI_ERR_NOT_SUPPORTED;
    }
}

static __noinline void vsbi_other(struct vcpu *v, uint64_t id)
{
    uint64_t *a = &v->arch.regs.x[REG_A0];
    const struct vsbi_extension *row = vsbi_row(v, id);
    uint64_t value = 0;
    long error = SBI_ERR_NOT_SUPPORTED;

    if (row != NULL) {
        error = row->call(v, a[6], a, &value);
    }
    a[0] = (uint64_t)error;
    a[1] = value;
}

void vsbi_call(struct vcpu *v)
{
    uint64_t *a = &v->arch.regs.x[REG_A0];

    if (a[7] == SBI_EXT_BASE && a[6] < ARRAY_SIZE(identity)) {
        a[0] = SBI_SUCCESS;
        a[1] = identity[index_nospec(a[6], ARRAY_SIZE(identity))];
    } else {
        vsbi_other(v, a[7]);
    }
}
