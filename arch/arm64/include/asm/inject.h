/* Beyond <arch/vcpu.h>, whose arch_inject_* are for the full trap path: the same where ELR_EL2 and
 * SPSR_EL2 are live. */
#pragma once

/* An HVC that does not exist: undefined, at the HVC itself. */
void inject_undefined_hvc(void);
