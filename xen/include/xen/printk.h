/* SPDX-License-Identifier: Apache-2.0 */
/* Messages. Every line appears as "(XEN) ..." on the console and in the ring that `xl dmesg`
 * reads. */
#pragma once

#include <xen/compiler.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

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

/* Where messages go besides the ring. */
struct printk_sink {
    void (*put)(const char *text, size_t n); /* console_lock held */
    /* Did this CPU fault in put()? Then the sink has given that device up for the next one. */
    bool (*fault)(void);
};
/* Set once, before the first message (xen/drivers/uart.c); NULL: the ring only. */
extern const struct printk_sink *printk_sink;
/* The calling CPU begins a new line and needs no lock from now on: for a panic, which must not wait
 * for who was printing. */
void printk_without_lock(void);

/*
 * What the machine was doing when it stopped, for panic: prints it, true if there was something to
 * say. fault: an address that the hypervisor touched in vain; NULL: it stopped by itself. Set by
 * the boot.
 */
extern bool (*panic_context)(const uint64_t *fault);

#define BUG_ON(cond) \
    do { \
        if (__builtin_expect((cond) != 0, 0)) { \
            panic("BUG at %s:%d: %s\n", __FILE__, __LINE__, #cond); \
        } \
    } while (0)
