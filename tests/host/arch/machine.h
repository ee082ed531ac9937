/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The machine that tests play: RAM, CPUs that take turns in one thread (or have one each),
 * interrupts, a clock. Tests
 * call these functions, port/ implements the contract on top of the same state.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HOST_RAM_BASE   0x40000000ul
#define HOST_IMAGE      0x40200000ul /* where the hypervisor usually claims to be */
#define HOST_IMAGE_SIZE 0x200000ul
#define HOST_MAX_IRQS   128
#define HOST_HZ         54000000ul

/* How a CPU came back to the test. */
enum host_state {
    HOST_GUEST,    /* it would run a guest now */
    HOST_IDLE,     /* it waits for an interrupt */
    HOST_HALTED,   /* for ever: after a panic, or asked to */
    HOST_RESET,    /* the machine was reset */
    HOST_OFF,      /* the machine was switched off */
    HOST_DEADLOCK, /* it waits for something that no other CPU will do */
    /* Only host_hypercall says: */
    HOST_RUNAWAY, /* a call was made again too often */
    HOST_AGAIN,   /* it must be made again, but does not run now */
};

/*
 * A machine fresh from power-on with that much RAM and every variable of the core as at program
 * start.
 */
void host_machine(uint64_t ram);

/* The same with RAM and image at other places. */
void host_machine_at(uint64_t start, uint64_t size, uint64_t image);

/* Where the machine's memory at `pa` is in this process. */
void *host_ram(uint64_t pa);

/* Boots with the device tree at `fdt`. */
enum host_state host_boot(uint64_t fdt);

/*
 * The vCPU that CPU `cpu` runs makes a hypercall, again and again while the core asks for that.
 * arg: five values, changed as the core changes them. *result is valid in state HOST_GUEST and
 * HOST_IDLE.
 */
enum host_state host_hypercall(unsigned int cpu, uint64_t nr, uint64_t *arg, int64_t *result);

/*
 * The port's firmware calls, by the vCPU that CPU `cpu` runs: turn vCPU `id` of its domain on (*rc:
 * as vcpu_start), or itself off. An `off` leaves the CPU at the next host_gate.
 */
enum host_state host_vcpu_on(unsigned int cpu, unsigned int id, uint64_t pc, uint64_t arg, int *rc);
enum host_state host_vcpu_off(unsigned int cpu);

/* CPU `cpu` takes its interrupts and passes the gate. */
enum host_state host_gate(unsigned int cpu);

/*
 * Turn the clock and let every CPU that has something to do pass its gate, until there is no more.
 */
void host_advance(uint64_t ns);

/* Domain and vCPU that `cpu` runs: id << 16 | vcpu; -1: none. */
int host_running(unsigned int cpu);

enum host_state host_cpu_state(unsigned int cpu);

/* Upcalls raised for a vCPU so far, and interrupts of devices. */
uint32_t host_upcalls(uint16_t domain, unsigned int vcpu);
void host_raise(unsigned int irq);
void host_complete(uint16_t domain, unsigned int virq); /* the guest is done with it */
bool host_virq_pending(uint16_t domain, unsigned int virq);
void host_limit_virqs(unsigned int n); /* virtual controllers have numbers below n */

/*
 * Guest-physical memory as the domain sees it; false where nothing is mapped (or not for writing).
 */
bool host_guest_read(uint16_t domain, uint64_t gpa, void *to, size_t size);
bool host_guest_write(uint16_t domain, uint64_t gpa, const void *from, size_t size);

/* The vCPU that CPU `cpu` runs accesses a device: enum mmio_result. *value: what it writes, or the
 * register that it reads to, as long as `size` by the sign or not. */
int host_access(unsigned int cpu, uint64_t gpa, unsigned int size, bool write, bool sign,
                uint64_t *value);

/* The next dump of the stack, which is a panic's, faults. */
void host_fault_in_dump(void);

/* How many attempts at atomic operations on guests' words fail from now on. */
void host_fail_atomics(unsigned int n);
unsigned int host_atomics_to_fail(void); /* how many of them are left */
/* TLB flushes for second-stage tables, of all domains. */
uint64_t host_flushes(void);

/* Counts from now on how often one hypercall reads in [gva, gva + size) of its caller. */
void host_watch(uint64_t gva, uint64_t size);
unsigned int host_watched(void); /* the most that one call did */

/* From the n-th access of the core to memory of the running guest on all of them fail. 0: none. */
void host_fail_access(unsigned int n);
bool host_access_failed(void); /* has one, since then? */

/* What the hypervisor's own tables have at `va`: physical address, enum hyp_kind, size of the leaf
 * (1 << shift). false: nothing. */
bool host_hyp_walk(uint64_t va, uint64_t *pa, unsigned int *kind, unsigned int *shift);

/* Is the chunk of 2 MiB with this physical address kept page by page? */
bool host_chunk_split(uint64_t pa);

/* Timers that are armed on CPU `cpu`. */
unsigned int host_timers(unsigned int cpu);

/* First instruction and first argument of a vCPU that was set up. */
uint64_t host_entry(uint16_t domain, unsigned int vcpu, uint64_t *arg0);

/* A character that somebody types, whose interrupt CPU `cpu` takes. */
enum host_state host_type(unsigned int cpu, char c);

/* The registers of the device that the hypervisor mapped first: memory of this process. */
void *host_device(void);

/* When the core takes a character from the UART there, the byte at this offset becomes `value`. */
void host_uart_empties(uint32_t offset, uint8_t value);

/* A domain by its number, without a reference; NULL: none. */
struct domain *host_domain(uint16_t id);

/* Work is pending each n-th time a long operation asks; 0: only when it is. */
void host_preempt(unsigned int n);

/* How often a call may be made again before host_hypercall gives it up. */
void host_repeats(unsigned int limit);

/*
 * Runs fn(0), ..., fn(n - 1) in a thread each, which plays that CPU and only that: calls these
 * functions with its number, and may call the core itself in between. Not host_advance.
 */
void host_threads(unsigned int n, void (*fn)(unsigned int cpu));
/* Lets other threads run. */
void host_yield(void);

/* Of a clock that nobody sets. What takes more than HOST_WAIT_MAX of them will not come; many waits
 * in a row for one thing look like a long one. */
uint64_t host_seconds(void);
#define HOST_WAIT_MAX 240u

/* Each look at the clock turns it by so many ticks. */
void host_clock_step(uint64_t ticks);

/* Leaves the core for the test; for the port. */
void host_leave(enum host_state state) __attribute__((noreturn));
