/* SBI base extension [RVSBI 4]: what this SBI is and has. */
#include <asm/vsbi.h>
#include <public/arch.h>

const uint64_t vsbi_identity[VSBI_IDENTITIES] = {
    [SBI_BASE_SPEC_VERSION] = 2u << 24, /* 2.0 */
    [SBI_BASE_IMPL_ID] = XEN_SBI_IMPL_ID,
    [SBI_BASE_IMPL_VERSION] = 4u << 16 | 20u, /* Xen 4.20 */
};

/* Which machine it is says the firmware; not worth remembering, guests ask once. */
static long base_machine(uint64_t function, uint64_t *value)
{
    struct sbi_result r = sbi_call(SBI_EXT_BASE, function, 0, 0, 0, 0, 0);

    *value = r.value;
    return r.error;
}

/* All but the first functions, which vsbi_call answers. */
long vsbi_base(struct vcpu *v, uint64_t function, const uint64_t *args, uint64_t *value)
{
    switch (function) {
    case SBI_BASE_PROBE: *value = vsbi_has(v, args[0]); return SBI_SUCCESS;
    case SBI_BASE_MVENDORID:
    case SBI_BASE_MARCHID:
    case SBI_BASE_MIMPID: return base_machine(function, value);
    default: return SBI_ERR_NOT_SUPPORTED;
    }
}
