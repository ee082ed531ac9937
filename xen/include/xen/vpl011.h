/* SPDX-License-Identifier: Apache-2.0 */
/* A virtual PL011, which is an SBSA UART, too: the page of registers at ARCH_VUART_BASE. */
#pragma once

#include <xen/evtchn.h>
#include <xen/p2m.h>
#include <xen/spinlock.h>
#include <xen/types.h>
#include <xen/uart_pl011.h>

struct domain;
struct page;

/* Registers that only keep what is written: UARTILPR to UARTIMSC. */
#define VPL011_KEPT (PL011_IMSC - PL011_ILPR + 1u)

struct vpl011 { /* of a domain; there while the tools' port is bound */
    spinlock_t lock;
    evtchn_port_t port; /* to who has the other end of the ring */
    struct page *page;  /* the ring's, with a reference; NULL: given back */
    bool tx_low;        /* the transmit FIFO is not above its trigger level */
    bool tx_raised;     /* UARTRIS: it has fallen to it */
    bool line;          /* what the interrupt controller was told last */
    uint16_t kept[VPL011_KEPT];
};

/* Before there are domains. */
void vpl011_init(void);
/*
 * Give d, which has not run yet, a UART whose text is in the ring in d's frame, and whose other end
 * is a domain. Port of d, which that one can connect to. -EINVAL: d has one, no such page or
 * interrupt, or d is dying; -ENOMEM, -ENOSPC, -EEXIST: the place is another device's.
 */
int __must_check vpl011_create(struct domain *d, gfn_t ring, domid_t remote);
