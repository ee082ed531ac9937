/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The ring of a console on the guest's side, used by the hypervisor in the guest's place. The page
 * is one that the guest and the other end write at any time: each index is read once and masked, and
 * a distance larger than the ring counts as a full one for output and as an empty one for input.
 */
#pragma once

#include <public/io/console.h>
#include <xen/types.h>

/* How many bytes of output it has room for. */
uint32_t console_ring_room(const struct xencons_interface *ring);
/* How many bytes of input wait. */
uint32_t console_ring_waiting(const struct xencons_interface *ring);
/* How many of n bytes are in the ring now; then how many of n are taken out of it. The caller has a
 * lock. */
size_t console_ring_put(struct xencons_interface *ring, const char *text, size_t n);
size_t console_ring_get(struct xencons_interface *ring, char *text, size_t n);
