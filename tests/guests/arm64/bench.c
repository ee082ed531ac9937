/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Cost of what a guest does most, in ticks of the virtual counter. Under QEMU's `-icount shift=0`
 * with a counter of 1 GHz a tick is an instruction. Every operation is warmed up, then measured
 * many times; each line says `BENCH name least middle most`. What an instruction itself and the
 * reading of the counter cost is taken off here; what an interrupt costs the guest is known from a
 * run of the same kernel without a hypervisor, which prints the same lines.
 */
#include <guest/event.h>
#include <guest/hypercall.h>
#include <guest/memory.h>
#include <guest/print.h>
#include <guest/test.h>
#include <port/arm64.h>
#include <port/gicv2.h>
#include <public/grant_table.h>
#include <public/memory.h>
#include <public/sched.h>
#include <public/vcpu.h>
#include <public/version.h>

#define PSCI_VERSION       0x84000000UL
#define SMCCC_WORKAROUND_1 0x80008000UL
#define SPIN_TICKS         200000UL
#define SETTLE_TICKS       1000000000UL

enum {
    WARM_UP = 8,
    ROUNDS = 65,
    SGI = 5,
    VIRTUAL_TIMER = 27,
    CALLS = 8,
    COPIES = 16,
    GRANT = 8, /* the first reference that is a guest's own */
    BARE = 16  /* stands for the event interrupt where there is none */
};

static uint64_t arg[5];
static uint64_t number;
static volatile uint64_t stamp;
static evtchn_port_t port;
static struct multicall_entry list[CALLS];

/* Ticks around one instruction with the registers of a call loaded. */
#define WINDOW(instruction) \
    register uint64_t x0 __asm__("x0") = arg[0]; \
    register uint64_t x1 __asm__("x1") = arg[1]; \
    register uint64_t x2 __asm__("x2") = arg[2]; \
    register uint64_t x3 __asm__("x3") = arg[3]; \
    register uint64_t x16 __asm__("x16") = number; \
    register uint64_t x19 __asm__("x19"); \
    register uint64_t x20 __asm__("x20"); \
    __asm__ volatile("mrs x19, cntvct_el0\n\t" instruction "\n\tmrs x20, cntvct_el0" \
                     : "+r"(x0), "+r"(x1), "+r"(x2), "+r"(x3), "+r"(x16), "=r"(x19), "=r"(x20) \
                     : \
                     : "x4", "x5", "x6", "x7", "x8", "x9", "x10", "x11", "x12", "x13", "x14", \
                       "x15", "x17", "memory"); \
    return x20 - x19

static void ignore(unsigned int irq)
{
    (void)irq;
}

static uint64_t window_nop(void)
{
    WINDOW("nop");
}

static uint64_t window_hypercall(void)
{
    WINDOW("hvc #0xea1");
}

static uint64_t window_firmware(void)
{
    WINDOW("hvc #0");
}

static uint64_t window_load(void)
{
    WINDOW("ldr w2, [x0]");
}

static uint64_t window_store(void)
{
    WINDOW("str w1, [x0]");
}

/* An operation, room for its interrupt, and back. */
#define ROOM "\n\t.rept 32\n\tnop\n\t.endr"

static uint64_t window_store_interrupt(void)
{
    WINDOW("str w1, [x0]" ROOM);
}

static uint64_t window_hypercall_interrupt(void)
{
    WINDOW("hvc #0xea1" ROOM);
}

static uint64_t window_nop_interrupt(void)
{
    WINDOW("nop" ROOM);
}

static void sort(uint64_t *values, unsigned int count)
{
    for (unsigned int i = 1; i < count; i++) {
        for (unsigned int j = i; j > 0 && values[j] < values[j - 1]; j--) {
            uint64_t value = values[j];
            values[j] = values[j - 1];
            values[j - 1] = value;
        }
    }
}

/* `before` and `after` (may be null) are not measured. */
struct operation {
    const char *name;
    uint64_t (*run)(void);
    uint64_t (*empty)(void);
    void (*before)(void);
    void (*after)(void);
};

static uint64_t once(const struct operation *op)
{
    if (op->before) {
        op->before();
    }
    uint64_t ticks = op->run();
    if (op->after) {
        op->after();
    }
    return ticks;
}

static void measure(const struct operation *op, uint64_t divide)
{
    static uint64_t ticks[ROUNDS];
    uint64_t empty = op->empty ? op->empty() : 0;
    for (unsigned int i = 0; i < WARM_UP; i++) {
        once(op);
    }
    for (unsigned int i = 0; i < ROUNDS; i++) {
        ticks[i] = (once(op) - empty) / divide;
    }
    sort(ticks, ROUNDS);
    print("BENCH %s %lu %lu %lu\n", op->name, ticks[0], ticks[ROUNDS / 2], ticks[ROUNDS - 1]);
}

static void use_call(uint64_t call, uint64_t a, uint64_t b, uint64_t c)
{
    number = call;
    arg[0] = a;
    arg[1] = b;
    arg[2] = c;
}

static void bench_calls(void)
{
    struct operation op = {.run = window_hypercall, .empty = window_nop};
    op.name = "P1";
    use_call(63, 0, 0, 0);
    measure(&op, 1);
    op.name = "P2";
    use_call(__HYPERVISOR_xen_version, XENVER_version, 0, 0);
    measure(&op, 1);
    op.name = "P15";
    use_call(__HYPERVISOR_sched_op, SCHEDOP_yield, 0, 0);
    measure(&op, 1);
    op.name = "P17";
    use_call(__HYPERVISOR_vcpu_op, VCPUOP_set_singleshot_timer, 0, 0);
    measure(&op, 1);
    for (unsigned int i = 0; i < CALLS; i++) {
        list[i] = (struct multicall_entry){.op = __HYPERVISOR_xen_version};
    }
    op.name = "P24";
    use_call(__HYPERVISOR_multicall, hypercall_pointer(list), CALLS, 0);
    measure(&op, CALLS);
    op.run = window_firmware;
    op.name = "P3";
    use_call(0, PSCI_VERSION, 0, 0);
    measure(&op, 1);
    op.name = "P4";
    use_call(0, SMCCC_WORKAROUND_1, 0, 0);
    measure(&op, 1);
}

/* Bytes of a page that dom0 grants itself into one of its frames, `odd` bytes into the page. */
static void bench_copy(const char *name, unsigned int size, unsigned int odd, unsigned int count)
{
    static struct gnttab_copy copies[COPIES];
    static volatile struct grant_entry_v1 *table;
    static uint64_t to;
    struct operation op = {.name = name, .run = window_hypercall, .empty = window_nop};
    if (!table) {
        table = page_alloc();
        struct xen_add_to_physmap place = {.domid = DOMID_SELF,
                                           .space = XENMAPSPACE_grant_table,
                                           .gpfn = frame_of((const void *)(uintptr_t)table)};
        memory_op(XENMEM_add_to_physmap, &place);
        to = frame_of(page_alloc());
        table[GRANT].frame = (uint32_t)frame_of(page_alloc());
        table[GRANT].flags = GTF_permit_access;
    }
    for (unsigned int i = 0; i < count; i++) {
        copies[i] = (struct gnttab_copy){.source = {.u.ref = GRANT, .offset = (uint16_t)odd},
                                         .dest = {.u.gmfn = to, .domid = DOMID_SELF},
                                         .len = (uint16_t)size,
                                         .flags = GNTCOPY_source_gref};
    }
    use_call(__HYPERVISOR_grant_table_op, GNTTABOP_copy, hypercall_pointer(copies), count);
    measure(&op, count);
    for (unsigned int i = 0; i < count; i++) {
        if (copies[i].status != GNTST_okay) {
            print("%s: copy %u ended with %d\n", name, i, copies[i].status);
        }
    }
}

static void bench_copies(void)
{
    bench_copy("P20", 64, 0, 1);
    bench_copy("P21", 64, 0, COPIES);
    bench_copy("P22", 4096, 0, 1);
    bench_copy("P22o", 1448, 66, 1);
}

static void bench_mmio(void)
{
    static uint32_t word;
    struct operation op = {.name = "P5", .run = window_load};
    use_call(0, (uint64_t)(uintptr_t)&word, 0, 0);
    uint64_t load = window_load();
    uint64_t store = window_store();
    op.empty = window_nop;
    print("# a load %lu, a store %lu, a nop %lu\n", load, store, window_nop());
    use_call(0, gic_distributor() + GICD_CTLR, 0, 0);
    measure(&op, 1);
    op.name = "P6";
    op.run = window_store;
    use_call(0, gic_distributor() + GICD_ISENABLER + 4, 0, 0);
    measure(&op, 1);
}

/* Ends whatever interrupt there is; keeps the time at which it came. */
static void on_interrupt(uint64_t at)
{
    uint64_t interface = gic_cpu_interface();
    stamp = at;
    uint32_t acknowledge = read32(interface + GICC_IAR);
    if ((acknowledge & 0x3ff) == VIRTUAL_TIMER) {
        WRITE_SYSREG(cntv_ctl_el0, 0);
    } else if ((acknowledge & 0x3ff) != SGI) {
        event_clear(port);
    }
    write32(interface + GICC_EOIR, acknowledge);
}

static void bench_sgi(void)
{
    struct operation op = {
        .name = "P7", .run = window_store_interrupt, .empty = window_nop_interrupt};
    use_call(0, gic_distributor() + GICD_SGIR, 2U << 24 | SGI, 0);
    port_irq_enable();
    measure(&op, 1);
    port_irq_disable();
}

static uint64_t late_spinning(void)
{
    uint64_t at = READ_SYSREG(cntvct_el0) + SPIN_TICKS;
    stamp = 0;
    WRITE_SYSREG(cntv_cval_el0, at);
    WRITE_SYSREG(cntv_ctl_el0, 1);
    while (stamp == 0) {
    }
    return stamp - at;
}

static uint64_t late_waiting(void)
{
    uint64_t at = READ_SYSREG(cntvct_el0) + SPIN_TICKS;
    stamp = 0;
    WRITE_SYSREG(cntv_cval_el0, at);
    WRITE_SYSREG(cntv_ctl_el0, 1);
    while (stamp == 0) {
        __asm__ volatile("wfi" ::: "memory");
    }
    return stamp - at;
}

static void bench_timer(void)
{
    struct operation op = {.name = "P8", .run = late_spinning};
    port_irq_enable();
    measure(&op, 1);
    /* An idle hypervisor may have work of its own left from the boot. */
    WRITE_SYSREG(cntv_cval_el0, READ_SYSREG(cntvct_el0) + SETTLE_TICKS);
    WRITE_SYSREG(cntv_ctl_el0, 1);
    for (stamp = 0; stamp == 0;) {
        __asm__ volatile("wfi" ::: "memory");
    }
    op.name = "P9";
    op.run = late_waiting;
    measure(&op, 1);
    port_irq_disable();
}

/* The upcall of the last send, taken by hand with interrupts off; the hypervisor sees its end. */
static void take_upcall(void)
{
    uint64_t interface = gic_cpu_interface();
    uint32_t acknowledge = read32(interface + GICC_IAR);
    if ((acknowledge & 0x3ff) < GIC_MAX_IRQ) {
        write32(interface + GICC_EOIR, acknowledge);
    }
    xen_version(XENVER_version, NULL);
}

static void retire(void)
{
    event_clear(port);
    take_upcall();
}

static void bench_events(void)
{
    static struct evtchn_send send;
    struct operation op = {.name = "P10", .run = window_hypercall, .empty = window_nop};
    send.port = port;
    use_call(__HYPERVISOR_event_channel_op, EVTCHNOP_send, hypercall_pointer(&send), 0);
    event_send(port);
    take_upcall();
    measure(&op, 1);
    retire();
    op.name = "P11";
    op.after = retire;
    measure(&op, 1);
    port_irq_enable();
    op = (struct operation){
        .name = "P12", .run = window_hypercall_interrupt, .empty = window_nop_interrupt};
    measure(&op, 1);
    port_irq_disable();
}

static struct shared_info bare_shared;

/* The same handler and the same room, with the interrupt raised at the controller. */
static void bench_bare(void)
{
    struct operation op = {
        .name = "P12", .run = window_store_interrupt, .empty = window_nop_interrupt};
    port_irq_handle(BARE, ignore);
    use_call(0, gic_distributor() + GICD_ISPENDR, 1U << BARE, 0);
    port_irq_enable();
    measure(&op, 1);
    port_irq_disable();
}

void guest_main(void)
{
    print("BENCH P32 %lu %lu %lu\n", guest_first_count[0], guest_first_count[0],
          guest_first_count[0]);
    uint64_t boot_only;
    if (option("boot", &boot_only)) {
        return;
    }
    port_irq_handle(SGI, ignore);
    port_irq_handle(VIRTUAL_TIMER, ignore);
    if (port_event_irq() != 0) {
        bench_calls();
        bench_copies();
        bench_mmio();
        event_shared();
        port = (evtchn_port_t)event_bind_ipi(0);
        port_irq_handle(port_event_irq(), ignore);
        gic_fast_handler = on_interrupt;
        bench_events();
    } else {
        event_use(&bare_shared);
        gic_fast_handler = on_interrupt;
        bench_bare();
    }
    bench_sgi();
    bench_timer();
    gic_fast_handler = NULL;
}
