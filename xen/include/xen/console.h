/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The console: output to the UART and the ring, input to the hypervisor's debug keys or to a domain
 * (Ctrl-A three times switches), guests' console_io.
 */
#pragma once

#include <xen/compiler.h>
#include <xen/types.h>

struct domain;
struct rangeset;

/* A ring as large as conring_size= says, out of what is free: before dom0 and the allocator get the
 * rest. The direct map is there. */
void console_take_ring(struct rangeset *free);
/* Input comes from the UART's interrupt from now on; `key` gets what is typed for the hypervisor.
 * After arch_irq_init. */
void console_init_irq(void (*key)(char c));
/* As if typed for the hypervisor (sysctl debug_keys). */
void console_key(char c);
/* Which domain gets input; the boot path sets dom0. */
void console_set_input(struct domain *d);
/*
 * The console of a domain: the host's for the hardware domain (its text goes into the ring of
 * `xl dmesg`, too, with console_to_ring), the PV console that the tools gave it for another one.
 */
bool console_is_there(struct domain *d);
/* Write up to n > 0 raw bytes: how many are taken without waiting; 0: none now, try again. -EIO: not
 * the hardware domain, and nobody takes its text. */
long __must_check console_write_guest(struct domain *d, const char *text, size_t n);
/* Characters typed for domain d: up to n bytes; returns how many. */
size_t console_read_guest(struct domain *d, char *text, size_t n);
