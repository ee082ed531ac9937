/* Messages. Every line appears as "(XEN) ..." on the console and in the ring that `xl dmesg` reads.
 */
#pragma once

#include <xen/compiler.h>

#define XENLOG_ERR     "\0010"
#define XENLOG_WARNING "\0011"
#define XENLOG_INFO    "\0012"
#define XENLOG_DEBUG   "\0013"

struct vcpu;
struct domain;

/* printk(XENLOG_INFO "..."): without a level it is XENLOG_INFO. A line may be built from several
 * calls until "\n". */
void printk(const char *fmt, ...) __printf(1, 2);
/* About a guest (prefix d0v1 ), rate limited and subject to guest_loglvl: for everything that a
 * guest can provoke. */
void guest_printk(const struct vcpu *v, const char *fmt, ...) __printf(2, 3);
/* Say why and stop the machine: message, registers, backtrace with addresses, build-id; then reset
 * unless noreboot. */
void __noreturn panic(const char *fmt, ...) __printf(1, 2);

#define BUG_ON(cond) \
    do { \
        if (__builtin_expect((cond) != 0, 0)) { \
            panic("BUG at %s:%d: %s\n", __FILE__, __LINE__, #cond); \
        } \
    } while (0)
