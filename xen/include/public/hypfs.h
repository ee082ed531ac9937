/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hypfs_op(cmd, path, path_bytes, buffer, buffer_bytes): the hypervisor's file system of values.
 * The path begins with '/', its bytes count the NUL. Only who controls the host may.
 */
#pragma once

#include <public/types.h>

#define XEN_HYPFS_VERSION     1
#define XEN_HYPFS_MAX_PATHLEN 1024

#define XEN_HYPFS_TYPE_DIR    0
#define XEN_HYPFS_TYPE_BLOB   1
#define XEN_HYPFS_TYPE_STRING 2
#define XEN_HYPFS_TYPE_UINT   3
#define XEN_HYPFS_TYPE_INT    4
#define XEN_HYPFS_TYPE_BOOL   5

#define XEN_HYPFS_ENC_PLAIN 0
#define XEN_HYPFS_ENC_GZIP  1

/* What an entry is. max_write_len: 0 if it cannot be written. */
struct xen_hypfs_direntry {
    uint8_t type;
    uint8_t encoding;
    uint16_t pad;
    uint32_t content_len; /* bytes */
    uint32_t max_write_len;
};

/* The content of a directory: one of these for each entry, its name behind it, with NUL. */
struct xen_hypfs_dirlistentry {
    struct xen_hypfs_direntry e;
    uint16_t off_next; /* bytes to the next one; 0: this is the last one */
    char name[];
};

/* The version; arguments are 0. */
#define XEN_HYPFS_OP_get_version    0
/* Into the buffer: a direntry, its content behind it. -ENOBUFS: there is room for the former only. */
#define XEN_HYPFS_OP_read           1
/* The buffer becomes the content. */
#define XEN_HYPFS_OP_write_contents 2
