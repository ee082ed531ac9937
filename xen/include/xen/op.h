/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sub-operations of hypercalls: number -> row of a table -> small function. The row says what is
 * not the function's own matter: the structure that comes and goes, whom it is about, who may. All
 * tables are of this one type, and docs/PERMISSIONS.md is made from them.
 */
#pragma once

#include <xen/access.h>
#include <xen/compiler.h>
#include <xen/hypercall.h>
#include <xen/lib.h>
#include <xen/types.h>

struct domain;
struct vcpu;

struct op_call {
    struct vcpu *v;      /* who asks */
    struct domain *d;    /* whom it is about, with a reference for this call; else v's domain */
    struct domain *peer; /* the other end, with a reference, if the row names one */
    void *arg;           /* a private copy of the structure; NULL without one */
    uint64_t gva;        /* where the guest has it */
    uint64_t *reg;       /* the hypercall's arguments: what is left to do, if it goes on */
};

/* 0 or more: done. -ERESTART: call again with what `reg` and the structure say now. */
typedef long op_fn(struct op_call *call);

#define OP_SIZE_MAX   256u
#define OP_OUT        (1u << 0) /* copy the structure back after success */
#define OP_OUT_ALWAYS (3u << 0) /* after failure too */
#define OP_ID         (1u << 2) /* the target goes by its number: DOMID_SELF is nobody */
#define OP_RESUMES    (1u << 3) /* its arguments may say how much was done before */
#define OP_ALONE      (1u << 4) /* not while another such one runs (control_begin) */
#define OP_ASKS       (1u << 5) /* fn finds its domains and asks access.h, by `who`, for itself */
#define OP_KEEPS      (1u << 6) /* its structure says how much was done: back with -ERESTART, too */

struct op {
    op_fn *fn;
    uint16_t size;  /* of the structure, bytes; 0: fn gets no copy */
    uint8_t flags;  /* OP_* */
    uint8_t who;    /* enum access */
    uint8_t target; /* OP_FIELD of the domain's number; 0: it is about the caller or the machine */
    uint8_t peer;   /* OP_FIELD of a second domain, with which the target shall talk; or 0 */
};

/* Where a structure has a domid_t. */
#define OP_FIELD(type, field)  (uint8_t)(offsetof(struct type, field) + 1u)
/* Rows: without a structure; with one; with one that names a domain. */
#define OP_BARE(function, may) {.fn = (function), .who = (may)}
#define OP_WITH(function, type, more, may) \
    {.fn = (function), .size = sizeof(struct type), .flags = (more), .who = (may)}
#define OP_ON(function, type, field, more, may) \
    {.fn = (function), \
     .size = sizeof(struct type), \
     .flags = (more), \
     .who = (may), \
     .target = OP_FIELD(type, field)}

/* A hypercall: with sub-operations, or by itself (no rows). */
struct op_table {
    hypercall_fn *run;    /* op_run, op_run_versioned, or what the hypercall needs before these */
    const struct op *row; /* by command; fn is NULL where there is none */
    uint32_t nr;
    uint32_t version;        /* op_run_versioned: structures begin with command and this version */
    const struct op *others; /* what stands for commands without a row; NULL: -ENOSYS at once */
};

#define OP_TABLE(function, rows) .run = (function), .row = (rows), .nr = ARRAY_SIZE(rows)

/*
 * Command cmd of a table on the structure at guest address gva. -ENOSYS: no such command, -EFAULT,
 * -ESRCH: no such domain, -EPERM, or what the operation answers. Only 32 bits of cmd count. In
 * this order, which is Xen's: command, permission if no domain is named, copy, domains, permission.
 */
long op_run_at(struct vcpu *v, uint64_t cmd, uint64_t gva, uint64_t *reg,
               const struct op_table *table);
/* The same as a hypercall: command and address are its first two arguments. */
hypercall_fn op_run;
/* The same for tables with a version: the command stands in the structure at reg[0]. -EACCES: it is
 * made for another version. */
hypercall_fn op_run_versioned;

/* The answer to a command that nobody has: for `others`. */
op_fn op_unknown;

/* Debug builds: what <public/debug.h> has; a room above dispatch.c sets it. */
extern const struct op_table *dispatch_debug;

/* All hypercalls but multicall, which is in dispatch.c. */
extern const struct op_table console_ops, domctl_ops, evtchn_ops, grant_ops, hvm_ops, hypfs_ops,
    memory_ops, platform_ops, sched_ops, sysctl_ops, vcpu_ops, version_ops, vm_assist_ops;
