/* SPDX-License-Identifier: Apache-2.0 */
/*
 * grant_table_op(cmd, array, count): pages a domain lets another one use, version 1 tables.
 */
#pragma once

#include <public/types.h>

#define GNTTABOP_map_grant_ref     0
#define GNTTABOP_unmap_grant_ref   1
#define GNTTABOP_setup_table       2
#define GNTTABOP_dump_table        3
#define GNTTABOP_transfer          4
#define GNTTABOP_copy              5
#define GNTTABOP_query_size        6
#define GNTTABOP_unmap_and_replace 7
#define GNTTABOP_set_version       8
#define GNTTABOP_get_status_frames 9
#define GNTTABOP_get_version       10
#define GNTTABOP_swap_grant_ref    11
#define GNTTABOP_cache_flush       12

/* Entry of a version 1 table. The granter writes `flags` last; the hypervisor sets in-use bits. */
struct grant_entry_v1 {
    uint16_t flags;
    domid_t domid;
    uint32_t frame;
};

/* References that the tools fill in before a guest starts. */
#define GNTTAB_NR_RESERVED_ENTRIES 8
#define GNTTAB_RESERVED_CONSOLE    0
#define GNTTAB_RESERVED_XENSTORE   1

/* grant_entry.flags: a type ... */
#define GTF_invalid         0U
#define GTF_permit_access   1U
#define GTF_accept_transfer 2U
#define GTF_transitive      3U
#define GTF_type_mask       3U

/* ... and for permit_access: read-only by the granter, in use by the hypervisor, cache bits. */
#define GTF_readonly 0x4U
#define GTF_reading  0x8U
#define GTF_writing  0x10U
#define GTF_PWT      0x20U
#define GTF_PCD      0x40U
#define GTF_PAT      0x80U
#define GTF_sub_page 0x100U

/* ... for accept_transfer: progress of the transfer. */
#define GTF_transfer_committed 0x4U
#define GTF_transfer_completed 0x8U

/* Map a page of `dom`. Out: status, handle, dev_bus_addr */
struct gnttab_map_grant_ref {
    uint64_t host_addr;
    uint32_t flags; /* GNTMAP_ */
    grant_ref_t ref;
    domid_t dom;
    int16_t status;
    grant_handle_t handle;
    uint64_t dev_bus_addr;
};

struct gnttab_unmap_grant_ref {
    uint64_t host_addr;
    uint64_t dev_bus_addr;
    grant_handle_t handle;
    int16_t status;
};

/* Grow the table to nr_frames and list its frames. */
struct gnttab_setup_table {
    domid_t dom;
    uint32_t nr_frames;
    int16_t status;
    guest_handle_t frame_list; /* xen_pfn_t[nr_frames] */
};

/* Print a table on the host console. */
struct gnttab_dump_table {
    domid_t dom;
    int16_t status;
};

/* Give a page away for good. */
struct gnttab_transfer {
    xen_pfn_t mfn;
    domid_t domid;
    grant_ref_t ref;
    int16_t status;
};

#define GNTCOPY_source_gref 1
#define GNTCOPY_dest_gref   2

/* One end of a copy: a grant or, without the flag, a frame of the domain. */
struct gnttab_copy_ptr {
    union {
        grant_ref_t ref;
        xen_pfn_t gmfn;
    } u;
    domid_t domid;
    uint16_t offset;
};

struct gnttab_copy {
    struct gnttab_copy_ptr source;
    struct gnttab_copy_ptr dest;
    uint16_t len;
    uint16_t flags;
    int16_t status;
};

/* Frames in the table now, and at most. */
struct gnttab_query_size {
    domid_t dom;
    uint32_t nr_frames;
    uint32_t max_nr_frames;
    int16_t status;
};

struct gnttab_unmap_and_replace {
    uint64_t host_addr;
    uint64_t new_addr;
    grant_handle_t handle;
    int16_t status;
};

struct gnttab_set_version {
    uint32_t version;
};

struct gnttab_get_status_frames {
    uint32_t nr_frames;
    domid_t dom;
    int16_t status;
    guest_handle_t frame_list; /* uint64_t[nr_frames] */
};

struct gnttab_get_version {
    domid_t dom;
    uint16_t pad;
    uint32_t version;
};

struct gnttab_swap_grant_ref {
    grant_ref_t ref_a;
    grant_ref_t ref_b;
    int16_t status;
};

#define GNTTAB_CACHE_CLEAN       1U
#define GNTTAB_CACHE_INVAL       2U
#define GNTTAB_CACHE_SOURCE_GREF 0x80000000U

/* Cache maintenance on a part of a granted page, for devices that do not snoop. */
struct gnttab_cache_flush {
    union {
        uint64_t dev_bus_addr;
        grant_ref_t ref;
    } a;
    uint16_t offset;
    uint16_t length;
    uint32_t op;
};

/* gnttab_map_grant_ref.flags */
#define GNTMAP_device_map       0x1
#define GNTMAP_host_map         0x2
#define GNTMAP_readonly         0x4
#define GNTMAP_application_map  0x8
#define GNTMAP_contains_pte     0x10
#define GNTMAP_guest_avail_mask 0xFFFF0000U

/* status of each operation */
#define GNTST_okay              0
#define GNTST_general_error     (-1)
#define GNTST_bad_domain        (-2)
#define GNTST_bad_gntref        (-3)
#define GNTST_bad_handle        (-4)
#define GNTST_bad_virt_addr     (-5)
#define GNTST_bad_dev_addr      (-6)
#define GNTST_no_device_space   (-7)
#define GNTST_permission_denied (-8)
#define GNTST_bad_page          (-9)
#define GNTST_bad_copy_arg      (-10)
#define GNTST_address_too_big   (-11)
#define GNTST_eagain            (-12)
#define GNTST_no_space          (-13)
