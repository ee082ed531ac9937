/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Types shared by all headers of the guest ABI. The folder holds nothing but the ABI: fixed-width
 * structures and constants, no function, no function-like macro, no macro longer than a line and
 * no macro inside a structure, so that a C compiler and cffi (with `#` lines removed) read the
 * same. Values and layouts are those of Xen 4.20; tests/host/abi compares them with the published
 * headers.
 */
#pragma once

#include <stdint.h>

/* Pointer argument inside a structure: a guest virtual address, 8 bytes on every architecture. */
typedef uint64_t guest_handle_t;

/* Number of a domain, or one of the DOMID_ values. */
typedef uint16_t domid_t;

/* Guest frame number. */
typedef uint64_t xen_pfn_t;

/* Register-sized integer. */
typedef uint64_t xen_ulong_t;

/* Local event channel port. */
typedef uint32_t evtchn_port_t;

/* Index into the granting domain's table. */
typedef uint32_t grant_ref_t;

/* What a mapped grant is unmapped by. */
typedef uint32_t grant_handle_t;

/* UUID that the tools give a domain. */
typedef uint8_t xen_domain_handle_t[16];

/* Bitmap in guest memory, byte array with bit 0 of byte 0 first. */
struct xenctl_bitmap {
    guest_handle_t bitmap;
    uint32_t nr_bits;
};
