/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rows of the matrix: an operation, a call of it that does no harm, and the exact answer for each
 * caller and each domain that the call can name.
 */
#pragma once

#include <guest/agent.h>
#include <guest/hypercall.h>
#include <guest/memory.h>
#include <public/errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Caller and named domain. A call that names none has the two columns with SELF. */
enum column {
    DOM0_SELF,
    DOM0_GUEST,
    DOM0_NOBODY,
    GUEST_SELF,
    GUEST_DOM0,
    GUEST_GUEST,
    GUEST_NOBODY,
    COLUMNS
};

/* Where the answer stands when the result is 0, and what there means "no permission". */
enum answer {
    ANSWER_RESULT,  /* the result itself: -EPERM */
    ANSWER_EXTENTS, /* the result itself: none done */
    ANSWER_DEVICE,  /* the result itself: -EPERM or -EACCES */
    ANSWER_STATUS,  /* 16 bits: GNTST_permission_denied */
    ANSWER_ELEMENT, /* 32 bits: -EPERM */
    ANSWER_ENTRY    /* 64 bits: -EPERM */
};

/* Wanted: whatever is no error. */
#define VALUE INT64_MAX

enum {
    NOBODY = 77, /* a domain that is not there */
    LIST = 512   /* in the data: room for what the structure points at */
};

struct row;

/* One call as it is being made. */
struct cell {
    const struct row *row;
    const struct agent *agent;
    enum column column;
    bool by_number; /* not by DOMID_SELF */
    domid_t caller;
    domid_t target; /* the caller when the call names nobody */
    uint8_t *data;  /* begins with the structure */
    uint64_t at;    /* address of the data for the caller */
    uint64_t arg[5];
};

struct row {
    uint8_t hypercall;
    uint8_t op;
    uint8_t answer;       /* enum answer */
    uint16_t answer_at;   /* in the data */
    const char *variant;  /* "peer": `names` is the second domain, the first is the caller */
    const void *argument; /* the structure */
    uint8_t size;
    bool names;     /* a domain, by a domid_t in the structure */
    bool by_number; /* which takes no DOMID_SELF */
    uint8_t names_at;
    uint8_t without; /* columns that are not called here, as bits */
    void (*prepare)(struct cell *cell);
    int64_t (*call)(struct cell *cell); /* null: cell_call */
    int64_t want[COLUMNS];
    const char *why; /* Xen answers `xen`, which is known */
    int64_t xen[COLUMNS];
};

#define CALL(name, command) .hypercall = __HYPERVISOR_##name, .op = (command)
#define ARGUMENT(type, ...) \
    .argument = &(const struct type){__VA_ARGS__}, .size = sizeof(struct type)
#define NAMES(type, field)   .names = true, .names_at = offsetof(struct type, field)
#define NUMBERS(type, field) NAMES(type, field), .by_number = true
#define STATUS(type)         .answer = ANSWER_STATUS, .answer_at = offsetof(struct type, status)
#define CALLERS(dom0, guest) {[DOM0_SELF] = (dom0), [GUEST_SELF] = (guest)}
#define TARGETS(ds, dg, dn, gs, gd, gg, gn) {ds, dg, dn, gs, gd, gg, gn}

#define DENIED    (-XEN_EPERM)
#define NOT_THERE (-XEN_ESRCH)
#define BAD       (-XEN_EINVAL)

/* A reason: Xen looks at the rest of the structure before it asks who may. */
#define DOMAIN_FIRST "the rest does not matter to who may not on the domain"

/* Lists that a row without an argument ends. */
extern const struct row matrix_memory[], matrix_grants[], matrix_events[], matrix_small[],
    matrix_domctl[], matrix_sysctl[], matrix_last[];

/* Makes the call with what is in the cell. */
int64_t cell_call(struct cell *cell);

/* The first of two frames of a domain that the cell may fill or empty. */
uint64_t cell_frame(domid_t domain);
