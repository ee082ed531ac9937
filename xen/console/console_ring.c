/* SPDX-License-Identifier: Apache-2.0 */
/* The ring of a console: output of a guest, and what is typed for it. */
#include <xen/atomic.h>
#include <xen/console_ring.h>
#include <xen/lib.h>

static uint32_t console_ring_room_at(uint32_t prod, uint32_t cons)
{
    uint32_t size = sizeof(((struct xencons_interface *)NULL)->out);

    return size - min_u32(prod - cons, size);
}

static uint32_t console_ring_used_at(uint32_t prod, uint32_t cons)
{
    uint32_t size = sizeof(((struct xencons_interface *)NULL)->in), used = prod - cons;

    return used > size ? 0 : used;
}

uint32_t console_ring_room(const struct xencons_interface *ring)
{
    return console_ring_room_at(atomic_load(&ring->out_prod), atomic_load(&ring->out_cons));
}

uint32_t console_ring_waiting(const struct xencons_interface *ring)
{
    return console_ring_used_at(atomic_load(&ring->in_prod), atomic_load(&ring->in_cons));
}

size_t console_ring_put(struct xencons_interface *ring, const char *text, size_t n)
{
    uint32_t prod = atomic_load(&ring->out_prod);
    /* Acquire: the other end has read what is overwritten. */
    uint32_t cons = atomic_load_acquire(&ring->out_cons);

    n = min_size(n, console_ring_room_at(prod, cons));
    for (size_t i = 0; i < n; i++) {
        ring->out[prod++ & (sizeof(ring->out) - 1u)] = text[i];
    }
    if (n != 0) { /* who cannot write does not undo what the guest's own driver has written */
        atomic_store_release(&ring->out_prod, prod);
    }
    return n;
}

size_t console_ring_get(struct xencons_interface *ring, char *text, size_t n)
{
    /* Acquire: the characters were written before. */
    uint32_t prod = atomic_load_acquire(&ring->in_prod);
    uint32_t cons = atomic_load(&ring->in_cons);

    n = min_size(n, console_ring_used_at(prod, cons));
    for (size_t i = 0; i < n; i++) {
        text[i] = ring->in[cons++ & (sizeof(ring->in) - 1u)];
    }
    if (n != 0) { /* who only looks does not undo what the guest's own driver has taken */
        atomic_store_release(&ring->in_cons, cons);
    }
    return n;
}
