/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A PL011 [PL011 TRM 3] that a guest sees, with all that a generic UART has [SBSA B]. What it sends
 * in the console ring at once, so its transmit FIFO is the last free part of that ring: empty while
 * more than a FIFO's depth is free, full when nothing is. Its receive FIFO is what waits in the ring.
 * What is written while the FIFO is full is lost, as on hardware; a guest never waits in here.
 *
 * Line settings are kept for who reads them and mean nothing; it is on from the start. Without time,
 * a character that was received counts as one that has waited for the receive timeout.
 */
#include <arch/domain.h>
#include <arch/irq.h>
#include <xen/console_ring.h>
#include <xen/domain.h>
#include <xen/errno.h>
#include <xen/heap.h>
#include <xen/lib.h>
#include <xen/nospec.h>
#include <xen/page.h>
#include <xen/string.h>
#include <xen/vpl011.h>

#define FIFO   32u /* characters [PL011 TRM 1.1: r1p5] */
#define ACCESS 4u  /* bytes, at most; and how far registers are apart */

/* As firmware leaves it: 115200 baud with a clock of 24 MHz, 8 bits, FIFOs on, at half their depth. */
static const uint16_t initial[VPL011_KEPT] = {
    [PL011_IBRD - PL011_ILPR] = 13u,
    [PL011_FBRD - PL011_ILPR] = 1u,
    [PL011_LCRH - PL011_ILPR] = 3u << 5 | PL011_LCRH_FEN,
    [PL011_CR - PL011_ILPR] = PL011_CR_ENABLE,
    [PL011_IFLS - PL011_ILPR] = 2u << 3 | 2u,
};

/* Bits that these registers have. */
static const uint16_t writable[VPL011_KEPT] = {
    [0] = 0xff,
    [PL011_IBRD - PL011_ILPR] = 0xffff,
    [PL011_FBRD - PL011_ILPR] = 0x3f,
    [PL011_LCRH - PL011_ILPR] = 0xff,
    [PL011_CR - PL011_ILPR] = 0xff87,
    [PL011_IFLS - PL011_ILPR] = 0x3f,
    [PL011_IMSC - PL011_ILPR] = PL011_INT_ALL,
};

/* UARTPeriphID and UARTPCellID [PL011 TRM 3.3.14, 3.3.15]. */
static const uint8_t ids[] = {0x11, 0x10, 0x34, 0x00, 0x0d, 0xf0, 0x05, 0xb1};

/*
 * The other end: a domain's ring and event channel. Only these functions know of it. Lock held, but
 * not for the last one.
 */

static struct xencons_interface *vpl011_ring(const struct vpl011 *u)
{
    return page_va(u->page);
}

/* Characters that it takes now. */
static uint32_t vpl011_room(const struct vpl011 *u)
{
    return console_ring_room(vpl011_ring(u));
}

/* Characters that it has sent. */
static uint32_t vpl011_waiting(const struct vpl011 *u)
{
    return console_ring_waiting(vpl011_ring(u));
}

static bool vpl011_put(struct vpl011 *u, char c)
{
    return console_ring_put(vpl011_ring(u), &c, 1) != 0;
}

static bool vpl011_take(struct vpl011 *u, uint64_t *value)
{
    char c = 0;
    bool taken = console_ring_get(vpl011_ring(u), &c, 1) != 0;

    *value = (uint8_t)c;
    return taken;
}

static void vpl011_tell(struct domain *d)
{
    evtchn_send_own(d, d->vuart->port);
}

/* Lock held, from here on. */

static uint32_t vpl011_kept(const struct vpl011 *u, uint32_t reg)
{
    return u->kept[reg - PL011_ILPR];
}

/* Characters, by a field of UARTIFLS. */
static uint32_t vpl011_trigger(uint32_t field)
{
    static const uint8_t eighths[8] = {1, 2, 4, 6, 7, 7, 7, 7};

    return FIFO / 8u * eighths[field & 7u];
}

static uint32_t vpl011_flags(const struct vpl011 *u)
{
    uint32_t room = vpl011_room(u), waiting = vpl011_waiting(u);

    return (waiting == 0 ? PL011_FR_RXFE : 0) | (waiting >= FIFO ? PL011_FR_RXFF : 0) |
           (room == 0 ? PL011_FR_TXFF : 0) | (room >= FIFO ? PL011_FR_TXFE : PL011_FR_BUSY);
}

static uint32_t vpl011_raw(const struct vpl011 *u)
{
    uint32_t waiting = vpl011_waiting(u), trigger = 1;

    if ((vpl011_kept(u, PL011_LCRH) & PL011_LCRH_FEN) != 0) {
        trigger = vpl011_trigger(vpl011_kept(u, PL011_IFLS) >> 3);
    }
    return (waiting >= trigger ? PL011_INT_RX : 0) | (waiting != 0 ? PL011_INT_RT : 0) |
           (u->tx_raised ? PL011_INT_TX : 0);
}

static uint32_t vpl011_masked(const struct vpl011 *u)
{
    return vpl011_raw(u) & vpl011_kept(u, PL011_IMSC);
}

/* Registers or the ring have changed. sent: a character went through the transmit FIFO. */
static void vpl011_follow(struct domain *d, struct vpl011 *u, bool sent)
{
    uint32_t level = FIFO - min_u32(vpl011_room(u), FIFO);
    bool low = level <= vpl011_trigger(vpl011_kept(u, PL011_IFLS)), line;

    u->tx_raised = low && (u->tx_raised || sent || !u->tx_low);
    u->tx_low = low;
    line = vpl011_masked(u) != 0;
    if (line != u->line) {
        u->line = line;
        (void)arch_virq_line(d, ARCH_VUART_IRQ, line);
    }
}

/* true: the ring has changed. */
static bool vpl011_read(struct vpl011 *u, uint32_t reg, uint64_t *value)
{
    *value = 0;
    switch (reg) {
    case PL011_DR: return vpl011_take(u, value);
    case PL011_FR: *value = vpl011_flags(u); return false;
    case PL011_RIS: *value = vpl011_raw(u); return false;
    case PL011_MIS: *value = vpl011_masked(u); return false;
    default: break;
    }
    if (reg - PL011_ILPR < VPL011_KEPT) {
        *value = u->kept[index_nospec(reg - PL011_ILPR, VPL011_KEPT)];
    } else if (reg - PL011_ID < ARRAY_SIZE(ids)) {
        *value = ids[index_nospec(reg - PL011_ID, ARRAY_SIZE(ids))];
    }
    return false;
}

/* The same. mask: the bits that are written. */
static bool vpl011_write(struct vpl011 *u, uint32_t reg, uint32_t value, uint32_t mask)
{
    if (reg == PL011_DR) {
        return vpl011_put(u, (char)value);
    }
    if (reg == PL011_ICR) {
        /* The receive FIFO's two are levels: they go when it is read. */
        u->tx_raised = u->tx_raised && (value & PL011_INT_TX) == 0;
    } else if (reg - PL011_ILPR < VPL011_KEPT) {
        uint64_t i = index_nospec(reg - PL011_ILPR, VPL011_KEPT);

        u->kept[i] = (uint16_t)(((u->kept[i] & ~mask) | value) & writable[i]);
    }
    return false;
}

/* Lock not held. */

/* Where no register is, reads give 0 and writes do nothing. */
static enum mmio_result vpl011_access(struct vcpu *v, struct mmio_access *a, uint64_t offset,
                                      void *data)
{
    uint32_t reg = (uint32_t)offset / ACCESS;
    struct vpl011 *u = data;
    bool moved;

    if (a->size > ACCESS) {
        return MMIO_ERROR;
    }
    if (offset % ACCESS != 0) {
        a->data = 0;
        return MMIO_HANDLED;
    }
    spin_lock(&u->lock);
    if (a->write) {
        moved = vpl011_write(u, reg, (uint32_t)a->data, UINT32_MAX >> (32u - 8u * a->size));
    } else {
        moved = vpl011_read(u, reg, &a->data);
    }
    vpl011_follow(v->d, u, moved && a->write);
    spin_unlock(&u->lock);
    if (moved) {
        vpl011_tell(v->d);
    }
    return MMIO_HANDLED;
}

static void vpl011_heard(struct domain *d)
{
    struct vpl011 *u = d->vuart;

    spin_lock(&u->lock);
    vpl011_follow(d, u, false);
    spin_unlock(&u->lock);
}

static int vpl011_connect(struct domain *d, domid_t remote)
{
    int port = evtchn_alloc_own(d, remote, vpl011_heard);
    int rc;

    if (port < 0) {
        return port;
    }
    d->vuart->port = (evtchn_port_t)port;
    rc = mmio_register(d, ARCH_VUART_BASE, ARCH_VUART_BASE + PAGE_SIZE, vpl011_access, d->vuart);
    if (rc != 0) {
        evtchn_close_own(d, d->vuart->port);
        return rc;
    }
    return port;
}

int vpl011_create(struct domain *d, gfn_t ring, domid_t remote)
{
    struct vpl011 *u;
    int port = -EINVAL;

    if (d->vuart != NULL) {
        return -EINVAL;
    }
    u = heap_new(struct vpl011);
    if (u == NULL) {
        return -ENOMEM;
    }
    spin_init(&u->lock, LOCK_VUART);
    memcpy(u->kept, initial, sizeof(initial));
    u->tx_low = true;
    u->page = p2m_get_page(d, ring, true);
    d->vuart = u;
    if (u->page != NULL && arch_virq_line(d, ARCH_VUART_IRQ, false)) {
        port = vpl011_connect(d, remote);
    }
    if (port < 0) {
        d->vuart = NULL;
        if (u->page != NULL) {
            page_put(u->page);
        }
        heap_delete(u);
    }
    return port;
}

static int vpl011_domain_init(struct domain *d __unused,
                              const struct xen_domctl_createdomain *config __unused)
{
    return 0; /* vpl011_create, if the tools ask for one */
}

/* No vCPU of d runs any more. */
static int vpl011_domain_relinquish(struct domain *d)
{
    struct vpl011 *u = d->vuart;

    if (u != NULL && u->page != NULL) {
        evtchn_close_own(d, u->port);
        page_put(u->page);
        u->page = NULL;
    }
    return 0;
}

static void vpl011_domain_destroy(struct domain *d)
{
    heap_delete(d->vuart);
}

void vpl011_init(void)
{
    static const struct domain_part part = {vpl011_domain_init, vpl011_domain_relinquish,
                                            vpl011_domain_destroy};

    if (ARCH_VUART_BASE != 0) {
        domain_add_part(&part);
    }
}
