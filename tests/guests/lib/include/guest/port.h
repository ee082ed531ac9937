/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What an architecture gives the guest library. The rest of the library and the kernels directly in
 * tests/guests use nothing else of it.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* CPUs that a kernel may use. */
enum {
    PORT_MAX_CPUS = 8
};

/* An address that no page table of the port maps. */
extern const uint64_t port_unmapped;

/* Where the machine's RAM begins; the guest's own begins elsewhere. */
extern const uint64_t port_ram_base;

/* Bits that XENVER_get_features has on this architecture alone. */
extern const uint32_t port_features;

/* Checks what the tools are told of the architecture's domain configuration. */
struct xen_arch_domainconfig;
void port_check_config(const struct xen_arch_domainconfig *config);

/* The hypercall `number` with up to five arguments. */
int64_t port_hypercall(uint64_t number, uint64_t a, uint64_t b, uint64_t c, uint64_t d, uint64_t e);

/* Guest physical address of something in the kernel's image. */
uint64_t port_physical(const void *virtual_address);

/* Maps one page in slot 0..15 of the test window, flushes, returns its virtual address. */
void *port_map(unsigned int slot, uint64_t physical, bool writable);

/* One access of 1, 2, 4 or 8 bytes; false if it made an exception, which is then in port_fault. */
bool port_try_read(uint64_t address, unsigned int size, uint64_t *value);
bool port_try_write(uint64_t address, unsigned int size, uint64_t value);

/* Counts synchronous exceptions of this CPU as port_fault does, and passes over the instruction,
 * while `expect`. */
void trap_expect(bool expect);

/* Calls an address; false if that made an exception at once. */
bool port_try_call(uint64_t address);

/* The last exception that a port_try_ function met on this CPU. */
struct port_fault {
    uint64_t cause;
    uint64_t address;
    uint64_t count;
};
extern struct port_fault port_fault[PORT_MAX_CPUS];

/* Interrupts: a handler per number, called with interrupts off. */
typedef void port_irq_fn(unsigned int irq);
void port_irq_handle(unsigned int irq, port_irq_fn *handler);
void port_irq_enable(void);
void port_irq_disable(void);

/* The number of the event-channel upcall, 0 without a hypervisor. */
unsigned int port_event_irq(void);

/* The virtual timer: an interrupt at the given counter value. */
unsigned int port_timer_irq(void);
void port_timer_set(uint64_t at);
void port_timer_stop(void);

/* Free-running counter and its frequency in Hz. */
uint64_t port_counter(void);
uint64_t port_frequency(void);

/*
 * When to give up waiting for another CPU, a counter value half a minute away: the host may run the
 * other CPU's thread late, and the counter goes on meanwhile.
 */
static inline uint64_t port_give_up(void)
{
    return port_counter() + 30 * port_frequency();
}

/* Waits until an interrupt is pending, whether enabled or not. */
void port_wait(void);

/* A hint in a loop that waits for another CPU. */
void port_relax(void);

unsigned int port_cpu(void);

/* Starts a CPU in `run` with interrupts off and the same page tables; 0, or the firmware's
 * error. */
int64_t port_cpu_start(unsigned int cpu, void (*run)(void));

/* Stops the calling CPU; it may be started again. */
_Noreturn void port_cpu_stop(void);

/*
 * Code of a domain's first page that needs no page tables, with the address of the second page as
 * its argument: keeps there 1 and the registers that port_probe_names lists, as it found them;
 * starts vCPU 1 to do the same PORT_PROBE_WORDS words further on; ends the domain.
 */
enum {
    PORT_PROBE_WORDS = 128
};
extern const char port_probe[], port_probe_end[];
extern const char *const port_probe_names[]; /* the last one is null */

/*
 * The same kind of code: makes the hypercalls that the second page asks for, one after the other,
 * as `struct agent_page` in <guest/agent.h> lays them out.
 */
extern const char port_agent[], port_agent_end[];

/* The context of a domain's first vCPU as the tools' domain builder fills it in. */
struct vcpu_guest_context;
void port_first_context(struct vcpu_guest_context *context, uint64_t pc, uint64_t arg);

/* Interrupt 0..15 between CPUs, shown to port_irq_handle by the same number. */
void port_ipi(unsigned int cpu, unsigned int ipi);

/* Without a hypervisor: output, and the end. */
void port_uart_write(const char *text, size_t length);
_Noreturn void port_power_off(void);
