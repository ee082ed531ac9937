/* SPDX-License-Identifier: Apache-2.0 */
/* Debug builds: what must hold, looked at; and what tests break on purpose. */
#pragma once

#include <xen/compiler.h>
#include <xen/types.h>

/* The hypercall of <public/debug.h> exists from now on. At boot, before the first domain. */
void debug_init(void);

/*
 * Everything that must hold while no call is in progress: how many things do not, each of which is
 * said. Nobody changes anything meanwhile, and no lock is held. -ENOMEM.
 */
int __must_check debug_check(void);
/* The same on a machine that runs: other CPUs stand still meanwhile. -ERESTART: not all of them came;
 * pass the gate and try again. */
int __must_check debug_check_machine(void);
