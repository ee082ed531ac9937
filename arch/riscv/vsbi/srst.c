/* SPDX-License-Identifier: Apache-2.0 */
/* SBI system reset [RVSBI 10]: the domain ends, and its reason is the tools' or, for dom0, the
 * machine's business. */
#include <asm/vsbi.h>
#include <public/sched.h>
#include <xen/domain.h>

#define TYPE_VENDOR     0xf0000000u /* from here on: what this SBI could have, but has not */
#define REASON_FAILURE  1u
#define REASON_SPECIFIC 0xe0000000u /* from here on */

long vsbi_srst(struct vcpu *v, uint64_t function, const uint64_t *args, uint64_t *value __unused)
{
    uint32_t type = (uint32_t)args[0], reason = (uint32_t)args[1];

    if (function != SBI_SRST_RESET || type >= TYPE_VENDOR || reason >= REASON_SPECIFIC) {
        return SBI_ERR_NOT_SUPPORTED;
    }
    if (type > SBI_SRST_WARM_REBOOT || reason > REASON_FAILURE) {
        return SBI_ERR_INVALID_PARAM;
    }
    if (reason == REASON_FAILURE) {
        domain_shutdown(v->d, SHUTDOWN_crash);
    } else {
        domain_shutdown(v->d, type == SBI_SRST_SHUTDOWN ? SHUTDOWN_poweroff : SHUTDOWN_reboot);
    }
    return SBI_SUCCESS;
}
