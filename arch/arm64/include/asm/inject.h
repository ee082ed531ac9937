/* SPDX-License-Identifier: Apache-2.0 */
/* Exceptions for the running guest. All but inject_undefined_hvc are for the full trap path. */
#pragma once

#include <xen/types.h>

struct vcpu;

/* A failed access (or fetch) of gva: an external abort. */
void inject_abort(struct vcpu *v, uint64_t gva, bool instruction);
/* An instruction that it may not execute. */
void inject_undefined(struct vcpu *v);
/* An HVC that does not exist, at the HVC itself; ELR_EL2 and SPSR_EL2 are live. */
void inject_undefined_hvc(void);
