/* SPDX-License-Identifier: Apache-2.0 */
/* SBI timer extension [RVSBI 6]. */
#include <asm/vsbi.h>
#include <asm/vtimer.h>

long vsbi_time(struct vcpu *v, uint64_t function, const uint64_t *args, uint64_t *value __unused)
{
    if (function != 0) {
        return SBI_ERR_NOT_SUPPORTED;
    }
    vtimer_set(v, args[0]);
    return SBI_SUCCESS;
}
