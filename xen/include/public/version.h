/* SPDX-License-Identifier: Apache-2.0 */
/*
 * xen_version(cmd, arg): what the hypervisor is. The call's own argument sizes are fixed, except
 * for the variable-length forms, which take a struct xen_varbuf.
 */
#pragma once

#include <public/types.h>

#define XENVER_version             0 /* no argument; returns major << 16 | minor */
#define XENVER_extraversion        1
#define XENVER_compile_info        2
#define XENVER_capabilities        3
#define XENVER_changeset           4
#define XENVER_platform_parameters 5
#define XENVER_get_features        6
#define XENVER_pagesize            7 /* no argument; returns bytes */
#define XENVER_guest_handle        8
#define XENVER_commandline         9

/* Variable length: a null argument returns the size needed, else the bytes written. */
#define XENVER_build_id      10
#define XENVER_extraversion2 11
#define XENVER_capabilities2 12
#define XENVER_changeset2    13
#define XENVER_commandline2  14

typedef char xen_extraversion_t[16];
typedef char xen_capabilities_info_t[1024];
typedef char xen_changeset_info_t[64];
typedef char xen_commandline_t[1024];

/* XENVER_compile_info: zero-terminated strings. */
struct xen_compile_info {
    char compiler[64];
    char compile_by[16];
    char compile_domain[32];
    char compile_date[32];
};

/* XENVER_platform_parameters: where the hypervisor's virtual addresses begin. */
struct xen_platform_parameters {
    xen_ulong_t virt_start;
};

/* XENVER_get_features: word `submap_idx` of the XENFEAT_ bits. */
struct xen_feature_info {
    uint32_t submap_idx;
    uint32_t submap;
};

/* XENVER_build_id in its own name; same layout as xen_varbuf. */
struct xen_build_id {
    uint32_t len;
    unsigned char buf[];
};

/* Buffer of the variable-length forms: room in `len`, result in `buf`. */
struct xen_varbuf {
    uint32_t len;
    unsigned char buf[];
};
