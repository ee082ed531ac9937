/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The permission matrix: every operation is called by dom0 and by a domain without privileges, on
 * themselves, on each other, on a third domain and on nobody. One line for each call says who got
 * what; the test compares them with docs/PERMISSIONS.md. What stops a domain comes last.
 */
#include "matrix.h"

#include <guest/print.h>
#include <guest/test.h>
#include <public/grant_table.h>
#include <public/sched.h>

enum {
    NAME = 80
};

static struct {
    struct agent agent;
    domid_t other;         /* never runs */
    uint8_t *data;         /* of our own calls */
    uint64_t frame;        /* a page of ours to give away, and one to lose */
    unsigned int calls[2]; /* of dom0, of the agent */
} matrix;

static bool by_guest(enum column column)
{
    return column >= GUEST_SELF;
}

static domid_t column_target(enum column column)
{
    switch (column) {
    case DOM0_SELF:
    case GUEST_DOM0: return 0;
    case GUEST_SELF: return matrix.agent.domain;
    case DOM0_GUEST:
    case GUEST_GUEST: return matrix.other;
    default: return NOBODY;
    }
}

static const char *hypercall_name(unsigned int number)
{
    switch (number) {
    case __HYPERVISOR_platform_op: return "platform_op";
    case __HYPERVISOR_memory_op: return "memory_op";
    case __HYPERVISOR_multicall: return "multicall";
    case __HYPERVISOR_xen_version: return "xen_version";
    case __HYPERVISOR_console_io: return "console_io";
    case __HYPERVISOR_grant_table_op: return "grant_table_op";
    case __HYPERVISOR_vm_assist: return "vm_assist";
    case __HYPERVISOR_vcpu_op: return "vcpu_op";
    case __HYPERVISOR_xsm_op: return "xsm_op";
    case __HYPERVISOR_sched_op: return "sched_op";
    case __HYPERVISOR_event_channel_op: return "event_channel_op";
    case __HYPERVISOR_physdev_op: return "physdev_op";
    case __HYPERVISOR_hvm_op: return "hvm_op";
    case __HYPERVISOR_sysctl: return "sysctl";
    case __HYPERVISOR_hypfs_op: return "hypfs_op";
    default: return "domctl";
    }
}

uint64_t cell_frame(domid_t domain)
{
    return domain == 0 ? matrix.frame : (GUEST_RAM0_BASE >> PAGE_SHIFT) + 16;
}

int64_t cell_call(struct cell *cell)
{
    const uint64_t *arg = cell->arg;
    unsigned int number = cell->row->hypercall;
    return by_guest(cell->column) ? agent_call(cell->agent, number, arg)
                                  : port_hypercall(number, arg[0], arg[1], arg[2], arg[3], arg[4]);
}

/* Where the operation and the pointer to the structure stand. */
static void cell_arguments(struct cell *cell)
{
    uint64_t *arg = cell->arg;
    switch (cell->row->hypercall) {
    case __HYPERVISOR_domctl:
    case __HYPERVISOR_sysctl:
    case __HYPERVISOR_platform_op:
    case __HYPERVISOR_multicall:
    case __HYPERVISOR_xsm_op: arg[0] = cell->at; return;
    case __HYPERVISOR_vcpu_op:
    case __HYPERVISOR_console_io: arg[2] = cell->at; break;
    case __HYPERVISOR_grant_table_op:
        arg[1] = cell->at;
        arg[2] = 1;
        break;
    default: arg[1] = cell->at; break;
    }
    arg[0] = cell->row->op;
}

static void cell_fill(struct cell *cell)
{
    const struct row *row = cell->row;
    bool self = cell->target == cell->caller && !cell->by_number;
    domid_t named = self ? DOMID_SELF : cell->target;
    memset(cell->data, 0, LIST * 2);
    memcpy(cell->data, row->argument, row->size);
    if (row->names) {
        memcpy(cell->data + row->names_at, &named, sizeof(named));
    }
    cell_arguments(cell);
    if (row->prepare) {
        row->prepare(cell);
    }
}

static int64_t cell_answer(const struct cell *cell, int64_t rc)
{
    const uint8_t *at = cell->data + cell->row->answer_at;
    if (rc != 0) {
        return rc;
    }
    switch (cell->row->answer) {
    case ANSWER_STATUS: return *(const int16_t *)(const void *)at;
    case ANSWER_ELEMENT: return *(const int32_t *)(const void *)at;
    case ANSWER_ENTRY: return *(const int64_t *)(const void *)at;
    default: return 0;
    }
}

static bool refused(const struct row *row, int64_t answer)
{
    switch (row->answer) {
    case ANSWER_EXTENTS: return answer == 0;
    case ANSWER_DEVICE: return answer == DENIED || answer == -XEN_EACCES;
    case ANSWER_STATUS: return answer == GNTST_permission_denied;
    default: return answer == DENIED;
    }
}

/* What the lines about a cell begin with. */
static void cell_name(const struct row *row, enum column column, bool by_number, char *name)
{
    static const char *const targets[COLUMNS] = {"self", "guest", "nobody", "self",
                                                 "dom0", "guest", "nobody"};
    print_to(name, NAME, "%s %u %s %s %s", hypercall_name(row->hypercall), row->op,
             row->variant ? row->variant : "-", by_guest(column) ? "guest" : "dom0",
             !row->names                    ? "-"
             : by_number && !row->by_number ? "number"
                                            : targets[column]);
}

static void cell_check(const struct row *row, enum column column, const char *name, int64_t answer)
{
    int64_t want = row->want[column];
    if (want == VALUE) {
        check_range(name, answer, 0, VALUE - 1);
    } else if (row->why && row->xen[column] != want) {
        check_known(name, answer, want, row->xen[column], row->why);
    } else {
        check_eq(name, answer, want);
    }
}

static void cell_run(const struct row *row, enum column column, bool by_number)
{
    char name[NAME];
    bool guest = by_guest(column);
    struct cell cell = {.row = row,
                        .agent = &matrix.agent,
                        .column = column,
                        .by_number = by_number,
                        .caller = guest ? matrix.agent.domain : 0,
                        .target = column_target(column),
                        .data = guest ? matrix.agent.page->data : matrix.data,
                        .at = guest ? AGENT_DATA : hypercall_pointer(matrix.data)};
    cell_fill(&cell);
    cell_name(row, column, by_number, name);
    int64_t answer = cell_answer(&cell, row->call ? row->call(&cell) : cell_call(&cell));
    matrix.calls[guest]++;
    if (answer == AGENT_SILENT) {
        print("# no answer to %s\n", name);
        give_up("the guest answers");
    }
    print("CELL %s %ld %s\n", name, answer, refused(row, answer) ? "refused" : "allowed");
    cell_check(row, column, name, answer);
}

static void run(const struct row *row)
{
    for (; row->hypercall != 0; row++) {
        /* The guest first: what dom0 does may be the end of its target. */
        for (unsigned int i = 0; i < COLUMNS; i++) {
            enum column column = (enum column)((i + GUEST_SELF) % COLUMNS);
            bool self = column == DOM0_SELF || column == GUEST_SELF;
            if ((row->names || self) && (row->without >> column & 1) == 0) {
                cell_run(row, column, row->by_number);
            }
            /* Whoever calls himself by his number gets the same. */
            if (row->names && self && !row->by_number) {
                cell_run(row, column, true);
            }
        }
    }
}

static void make_domains(void)
{
    void *page;
    agent_make(&matrix.agent);
    matrix.other = domain_make(1, port_agent, (uint64_t)(port_agent_end - port_agent), &page);
    matrix.data = page_alloc();
    void *pages = page_alloc();
    matrix.frame = frame_of(pages);
    (void)page_alloc(); /* behind it */
    /* More than we have, so that we may have more. */
    domain_call.u.max_mem.max_memkb = 256 << 10;
    check_eq("max_mem", domain_op(XEN_DOMCTL_max_mem, 0), 0);
}

/* The only call that nobody can tell the answer of: as dom0 on itself it ends the machine. */
static _Noreturn void end(void)
{
    struct sched_remote_shutdown off = {.domain_id = 0, .reason = SHUTDOWN_poweroff};
    matrix.calls[0]++;
    print("CELL sched_op %u - dom0 self 0 allowed\n", SCHEDOP_remote_shutdown);
    print("# cells: %u of dom0, %u of a guest\n", matrix.calls[0], matrix.calls[1]);
    finish_by(SCHEDOP_remote_shutdown, &off);
}

void guest_main(void)
{
    make_domains();
    run(matrix_memory);
    run(matrix_grants);
    run(matrix_small);
    run(matrix_events);
    run(matrix_domctl);
    run(matrix_sysctl);
    run(matrix_last);
    end();
}
