/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Checks. Every check prints one line, `PASS name`, `FAIL name: got .. want ..`, or
 * `KNOWN name: ...` where this hypervisor answers better than Xen; the last line counts them.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* What each kernel defines; it returns when its checks are made, and the guest powers off. */
void guest_main(void);

/* True under the reference hypervisor, said by `oracle` on the kernel's command line. */
bool on_xen(void);

/* The word of the command line that begins with `name` plus `=`, or false; `value` as a number. */
bool option(const char *name, uint64_t *value);

void check(const char *name, bool holds);
void check_eq(const char *name, int64_t got, int64_t want);

/* got >= low && got <= high */
void check_range(const char *name, int64_t got, int64_t low, int64_t high);

/* Xen answers `xen`, this hypervisor must answer `want`; `why` says what is better about it. */
void check_known(const char *name, int64_t got, int64_t want, int64_t xen, const char *why);

/* Ends the guest at once after a FAIL line. */
_Noreturn void give_up(const char *why);

/* Prints the count and powers off. */
_Noreturn void finish(void);

/* The same by another operation of sched_op; a FAIL line when it comes back. */
_Noreturn void finish_by(unsigned int cmd, void *arg);
