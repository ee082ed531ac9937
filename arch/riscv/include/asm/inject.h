/* Beyond <arch/vcpu.h>: an exception with cause and value, as the hart would enter it. Full path.
 */
#pragma once

#include <xen/types.h>

struct vcpu;

/* cause: EXC_*; value: what the guest reads in stval. */
void inject_exception(struct vcpu *v, uint64_t cause, uint64_t value);
