/* SPDX-License-Identifier: Apache-2.0 */
/*
 * grant_table_op. Grants have a reference and mappings a handle that are not there: whoever may is
 * told so.
 */
#include "matrix.h"

#include <public/grant_table.h>

enum {
    NO_REF = 1 << 20
};

#define NONE_THERE GNTST_bad_gntref
#define REFUSED    GNTST_permission_denied

#define COPY(flags_, ...) \
    CALL(grant_table_op, GNTTABOP_copy), STATUS(gnttab_copy), \
        ARGUMENT(gnttab_copy, .flags = (flags_), .len = 16, .source.u.ref = NO_REF, \
                 .dest.u.ref = NO_REF, __VA_ARGS__)

/* Two domains that talk: guests do with dom0. */
#define PEERS \
    TARGETS(NONE_THERE, NONE_THERE, GNTST_bad_domain, NONE_THERE, NONE_THERE, REFUSED, \
            GNTST_bad_domain)

#define TABLE(type) STATUS(type), NAMES(type, dom), .want = TABLES

#define TABLES TARGETS(0, 0, GNTST_bad_domain, 0, REFUSED, REFUSED, GNTST_bad_domain)

const struct row matrix_grants[] = {
    {CALL(grant_table_op, GNTTABOP_map_grant_ref), .variant = "peer", STATUS(gnttab_map_grant_ref),
     ARGUMENT(gnttab_map_grant_ref, .flags = GNTMAP_host_map, .ref = NO_REF),
     NUMBERS(gnttab_map_grant_ref, dom), .want = PEERS},
    {CALL(grant_table_op, GNTTABOP_unmap_grant_ref), STATUS(gnttab_unmap_grant_ref),
     ARGUMENT(gnttab_unmap_grant_ref, .handle = NO_REF),
     .want = CALLERS(GNTST_bad_handle, GNTST_bad_handle)},
    {CALL(grant_table_op, GNTTABOP_setup_table), TABLE(gnttab_setup_table)},
    {CALL(grant_table_op, GNTTABOP_transfer), .want = CALLERS(-XEN_EOPNOTSUPP, -XEN_EOPNOTSUPP)},
    {COPY(GNTCOPY_source_gref, .dest.domid = DOMID_SELF), .variant = "peer",
     NAMES(gnttab_copy, source.domid), .want = PEERS},
    {COPY(GNTCOPY_dest_gref | GNTCOPY_source_gref, .source.domid = DOMID_SELF), .variant = "dest",
     NAMES(gnttab_copy, dest.domid), .want = PEERS},
    {COPY(0, .dest.domid = DOMID_SELF), .variant = "frame", NUMBERS(gnttab_copy, source.domid),
     .want =
         TARGETS(REFUSED, REFUSED, GNTST_bad_domain, REFUSED, REFUSED, REFUSED, GNTST_bad_domain)},
    {COPY(GNTCOPY_source_gref | GNTCOPY_dest_gref, .dest.domid = 0), .variant = "for_dom0",
     NAMES(gnttab_copy, source.domid), .want = PEERS,
     .why = "who copies must be one that may map both ends",
     .xen = TARGETS(NONE_THERE, NONE_THERE, GNTST_bad_domain, NONE_THERE, NONE_THERE, NONE_THERE,
                    GNTST_bad_domain)},
    {COPY(GNTCOPY_source_gref | GNTCOPY_dest_gref, .dest.domid = NOBODY), .variant = "to_nobody",
     NAMES(gnttab_copy, source.domid),
     .want = TARGETS(GNTST_bad_domain, GNTST_bad_domain, GNTST_bad_domain, GNTST_bad_domain,
                     GNTST_bad_domain, GNTST_bad_domain, GNTST_bad_domain)},
    {CALL(grant_table_op, GNTTABOP_query_size), TABLE(gnttab_query_size)},
    {CALL(grant_table_op, GNTTABOP_unmap_and_replace), STATUS(gnttab_unmap_and_replace),
     ARGUMENT(gnttab_unmap_and_replace, .handle = NO_REF),
     .want = CALLERS(GNTST_bad_handle, GNTST_bad_handle)},
    {CALL(grant_table_op, GNTTABOP_set_version), ARGUMENT(gnttab_set_version, .version = 1),
     .want = CALLERS(0, 0)},
    {CALL(grant_table_op, GNTTABOP_get_status_frames), TABLE(gnttab_get_status_frames)},
    {CALL(grant_table_op, GNTTABOP_get_version), ARGUMENT(gnttab_get_version, 0),
     NAMES(gnttab_get_version, dom),
     .want = TARGETS(0, 0, NOT_THERE, 0, DENIED, DENIED, NOT_THERE)},
    {CALL(grant_table_op, GNTTABOP_swap_grant_ref), STATUS(gnttab_swap_grant_ref),
     ARGUMENT(gnttab_swap_grant_ref, .ref_a = NO_REF, .ref_b = NO_REF),
     .want = CALLERS(NONE_THERE, NONE_THERE)},
    {CALL(grant_table_op, GNTTABOP_cache_flush), ARGUMENT(gnttab_cache_flush, .op = 0),
     .want = CALLERS(0, 0)},
    {0},
};
