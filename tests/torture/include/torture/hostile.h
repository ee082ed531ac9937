/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The hostile kernel. As dom0 it makes clones: domains without privileges that run this same image
 * and do to the hypervisor what one row of the suite says, while dom0 watches. All chance comes
 * from one seed. Every line that the tool reads begins with a word in capitals.
 */
#pragma once

#include <guest/domain.h>
#include <guest/hypercall.h>
#include <guest/memory.h>
#include <guest/port.h>
#include <guest/print.h>
#include <guest/test.h>
#include <public/errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    CLONE_CPUS = 4,
    SHAPES = 12,    /* of a hypercall's argument: hostile_shape_names */
    CALLS = 64,     /* hypercall numbers that have a row of `seen` */
    SEEN_WORDS = 3, /* bits 0: no error; n: -n; the last one: none of these */
    SEEN_ODD = SEEN_WORDS * 64 - 1,
    VALUES = 64
};

/* What dom0 and a clone share: the first page of the clone's RAM. */
struct control {
    uint64_t row; /* the order: which row, and its numbers */
    uint64_t seed;
    uint64_t vcpus;
    uint64_t budget;
    uint64_t self; /* its own domain */
    uint64_t peer;
    uint64_t mode;
    uint64_t ready; /* the clone: there is something in `value` or the table, 0: taken */
    uint64_t done;  /* the clone: the row is over */
    uint64_t seen[CALLS][SEEN_WORDS];
    uint64_t value[VALUES];
    uint64_t beat[CLONE_CPUS]; /* calls or operations of each vCPU */
};

/* Addresses of a clone: frames of its RAM from GUEST_RAM0_BASE on. */
enum {
    CLONE_TABLE = 1, /* pages: int16_t [SHAPES][256], the results of one hypercall */
    CLONE_TREE = 4,  /* pages: a device tree */
    CLONE_UART = 15, /* page: the ring of its virtual UART */
    CLONE_ARGS = 16, /* page for each vCPU, 16 pages apart: arguments of calls */
    CLONE_IMAGE = 512,
    CLONE_SPARE = 3 * 512, /* 2 MiB that no code needs */
    CLONE_PAGES = 4 * 512
};

struct clone {
    domid_t domain;
    unsigned int slot; /* 0..3: where dom0 sees it */
    struct control *control;
    int16_t (*table)[256];
};

/* Not of a row: ends at once. */
#define MODE_NOTHING (~0UL)

/* A row: what dom0 does, and what a clone does on its vCPU 0. */
struct row {
    const char *name;
    void (*dom0)(void);
    void (*clone)(void);
};
extern const struct row hostile_rows[];
extern struct control *control; /* in a clone */
extern uint64_t hostile_seed;
extern unsigned int hostile_index; /* of the row that dom0 is at */

/* How much of the usual work is wanted, in percent; 0: nothing at random. */
uint64_t hostile_scaled(uint64_t count);

/* Makes a clone, paused; `order` has budget, vcpus, peer, mode and a number added to the seed. Gives
 * up on an error. */
void clone_make(struct clone *clone, unsigned int slot, const struct control *order);
/* The same with a virtual UART, where guests have one: the frame of its ring is the clone's, nobody is
 * at the other end. */
void clone_make_with_uart(struct clone *clone, unsigned int slot, const struct control *order);
void clone_start(const struct clone *clone);
/* True: it has shut down. */
bool clone_ended(const struct clone *clone);
uint64_t clone_time(const struct clone *clone); /* ns of CPU */
uint64_t clone_beats(const struct clone *clone);
/* Waits until it is done, has ended, or does nothing for a while; true: it is done. */
bool clone_watch(struct clone *clone);
/* The same, until it has made so many operations. */
void clone_watch_until(struct clone *clone, uint64_t beats);
void clone_destroy(struct clone *clone);
/* Sees page `frame` of the clone at `to` of dom0's window, 0..15. */
void *clone_window(const struct clone *clone, unsigned int to, uint64_t frame);
void clone_unwindow(unsigned int to);

/* Free pages of the machine, when they have been as many for a while or are as many as wanted. */
uint64_t hostile_free(uint64_t wanted);
void hostile_yield(void);
void hostile_turn(void);

/* A generator per vCPU [xorshift64*]. */
struct chance {
    uint64_t state;
};
void chance_seed(struct chance *chance, uint64_t seed, uint64_t stream);
uint64_t chance_next(struct chance *chance);
uint64_t chance_below(struct chance *chance, uint64_t limit);
/* A value of the lattice: edges of sizes, domains, addresses. */
uint64_t chance_value(struct chance *chance);
/* A frame of a clone, or of nobody. */
uint64_t chance_frame(struct chance *chance);

/* Arguments of a call whose structure has that shape. */
extern const char *const hostile_shape_names[SHAPES];
enum {
    FIRST_BAD_SHAPE = 5
};
/* Fills page and arg; false: the call would end or stop the caller. */
bool shape_call(unsigned int nr, unsigned int sub, unsigned int shape, void *page, uint64_t arg[5]);
void shape_begin(void);

/* Makes the call and notes its result in `seen`. */
int64_t seen_call(unsigned int nr, const uint64_t arg[5]);
void seen_note(uint64_t nr, int64_t result);
void seen_print(const char *row, const struct clone *clone);
void table_print(const char *row, unsigned int nr, int16_t (*table)[256], unsigned int first);

/* One operation of a mix that means something: memory, grants, events and timers, of and with the
 * peer. `page` is the vCPU's own. */
void mix_begin(void);
void mix_step(struct chance *chance, unsigned int cpu, void *page);

/* Starts the clone's other vCPUs in `run`; all of them go on until `budget` operations are done. */
void clone_cpus(void (*run)(void));
void *clone_page(unsigned int cpu);

/* What the port of this kernel gives: an address in the page of an emulated device. */
uint64_t machine_device(void);

/* Runs one instruction on *value and an address (x0 and x1; a0 and a1), in user mode without the
 * address; false: an exception. */
bool machine_run(uint32_t instruction, bool user, uint64_t *value, uint64_t address);

/* Instructions that access memory at the address, a zero behind them. */
extern const uint32_t machine_forms[];

/* Where a domain's devices are, or could be; size 0 ends the list. */
extern const struct machine_page {
    uint64_t base;
    uint64_t size;
} machine_pages[];

/* Dies, or goes on for ever, by one of the architecture's ways. */
enum {
    MACHINE_DEATHS = 11
};
void machine_die(unsigned int kind);

/* Puts a pattern into all registers that a domain has of its own, and stays there. */
_Noreturn void machine_fill(uint64_t pattern);
struct vcpu_guest_context;
uint64_t machine_pc(const struct vcpu_guest_context *context);

/* Rows. */
void calls_dom0(void);
void calls_clone(void);
void storm_dom0(void);
void storm_clone(void);
void pointers_dom0(void);
void devices_dom0(void);
void devices_clone(void);
void registers_dom0(void);
void registers_clone(void);
void registers_print(const struct clone *clone);
void leak_dom0(void);
void leak_clone(void);
void deaths_dom0(void);
void deaths_clone(void);
void share_dom0(void);
void share_clone(void);
void mix_dom0(void);
void mix_clone(void);
