/* SPDX-License-Identifier: Apache-2.0 */
/*
 * More than one vCPU: start, stop and start again, interrupts and event channels between them,
 * exclusives, and the same work on all at once. Run with at least two CPUs.
 */
#include <guest/event.h>
#include <guest/hypercall.h>
#include <guest/memory.h>
#include <guest/port.h>
#include <guest/print.h>
#include <guest/test.h>
#include <public/errno.h>
#include <public/sched.h>
#include <public/vcpu.h>
#include <public/version.h>

enum {
    IPI = 3
};

static volatile uint64_t cpus;
static volatile unsigned int arrived;
static volatile unsigned int ipis[PORT_MAX_CPUS];
static volatile unsigned int stop;
static uint64_t sum;

static void add(volatile unsigned int *counter, unsigned int value)
{
    __atomic_fetch_add(counter, value, __ATOMIC_SEQ_CST);
}

/* Waits until it can be said that the value will not come. */
static bool wait_for(const volatile unsigned int *counter, unsigned int value)
{
    uint64_t end = port_give_up();
    while (*counter != value && port_counter() < end) {
        port_relax();
    }
    return *counter == value;
}

static void on_ipi(unsigned int irq)
{
    (void)irq;
    add(&ipis[port_cpu()], 1);
}

static void idle_run(void)
{
    port_irq_handle(IPI, on_ipi);
    port_irq_enable();
    add(&arrived, 1);
    while (!stop) {
        port_wait();
    }
    port_irq_disable();
    add(&arrived, (unsigned int)-1);
}

static void test_start(void)
{
    for (unsigned int cpu = 1; cpu < cpus; cpu++) {
        check_eq("start", port_cpu_start(cpu, idle_run), 0);
    }
    check("all have arrived", wait_for(&arrived, (unsigned int)cpus - 1));
    check("a second start is refused", port_cpu_start(1, idle_run) != 0);
    check("a CPU that is not cannot start", port_cpu_start(PORT_MAX_CPUS - 1, idle_run) != 0);
}

static void test_ipi(void)
{
    for (unsigned int round = 1; round <= 100; round++) {
        for (unsigned int cpu = 1; cpu < cpus; cpu++) {
            port_ipi(cpu, IPI);
            if (!wait_for(&ipis[cpu], round)) {
                check_eq("IPI lost", ipis[cpu], round);
                return;
            }
        }
    }
    check("a hundred IPIs to each", true);
}

static void test_stop(void)
{
    stop = 1;
    for (unsigned int cpu = 1; cpu < cpus; cpu++) {
        port_ipi(cpu, IPI);
    }
    check("all have stopped", wait_for(&arrived, 0));
    stop = 0;
}

/* Each CPU adds into one word and makes hypercalls, as fast as it can. */
static void work_run(void)
{
    for (unsigned int i = 0; i < 2000; i++) {
        __atomic_fetch_add(&sum, 1, __ATOMIC_SEQ_CST);
        if (xen_version(XENVER_version, NULL) != (4 << 16 | 20)) {
            __atomic_fetch_add(&sum, 1UL << 32, __ATOMIC_SEQ_CST);
        }
        if (i % 100 == 0) {
            sched_op(SCHEDOP_yield, NULL);
        }
    }
    add(&arrived, 1);
}

static int64_t start_again(unsigned int cpu, void (*run)(void))
{
    uint64_t end = port_counter() + port_frequency() / 20;
    /* Xen says that a CPU is off before it has saved its registers, over those of the next
     * start. */
    while (on_xen() && port_counter() < end) {
        port_relax();
    }
    /* CPU_OFF of the last round may still be under way. */
    end = port_give_up();
    int64_t rc;
    do {
        rc = port_cpu_start(cpu, run);
    } while (rc != 0 && port_counter() < end);
    return rc;
}

static void test_work(void)
{
    for (unsigned int cpu = 1; cpu < cpus; cpu++) {
        check_eq("start again", start_again(cpu, work_run), 0);
    }
    work_run();
    check("all have worked", wait_for(&arrived, (unsigned int)cpus));
    check_eq("nothing was lost", (int64_t)sum, (int64_t)(2000 * cpus));
    arrived = 0;
}

static volatile struct vcpu_info *info[PORT_MAX_CPUS];
static volatile unsigned int upcalls[PORT_MAX_CPUS];

static void upcall(unsigned int irq)
{
    (void)irq;
    info[port_cpu()]->evtchn_upcall_pending = 0;
    add(&upcalls[port_cpu()], 1);
}

static void event_run(void)
{
    port_irq_handle(port_event_irq(), upcall);
    idle_run();
}

static int64_t place(unsigned int cpu, uint64_t frame, uint32_t offset)
{
    struct vcpu_register_vcpu_info arg = {.mfn = frame, .offset = offset};
    return vcpu_op(VCPUOP_register_vcpu_info, cpu, &arg);
}

static void test_place(void)
{
    uint8_t *page = page_alloc();
    uint64_t frame = frame_of(page);
    info[0] = event_info;
    for (unsigned int cpu = 1; cpu < cpus; cpu++) {
        info[cpu] = (volatile struct vcpu_info *)(void *)(page + 64 * cpu);
        check_eq("register_vcpu_info", place(cpu, frame, 64 * cpu), 0);
        check("says that everything is pending", wait_for(&upcalls[cpu], 1));
        info[cpu]->evtchn_pending_sel = 0;
    }
}

static void test_events(void)
{
    event_shared();
    for (unsigned int cpu = 1; cpu < cpus; cpu++) {
        start_again(cpu, event_run);
    }
    check("all have arrived", wait_for(&arrived, (unsigned int)cpus - 1));
    test_place();
    for (unsigned int cpu = 1; cpu < cpus; cpu++) {
        int64_t port = event_bind_ipi(cpu);
        check_range("bind_ipi to another vCPU", port, 1, 4095);
        event_send((evtchn_port_t)port);
        check("it arrives there", wait_for(&upcalls[cpu], 2));
        check("with its selector", (info[cpu]->evtchn_pending_sel >> (port / 64) & 1) != 0);
        check_eq("and nowhere else", upcalls[0], 0);
    }
    struct evtchn_status status;
    evtchn_port_t port = (evtchn_port_t)event_bind_virq(VIRQ_DEBUG, 1);
    check_eq("virq of another vCPU", event_status(port, &status), EVTCHNSTAT_virq);
    check_eq("says which", status.vcpu, 1);
    event_close(port);
    port = (evtchn_port_t)event_alloc_unbound(DOMID_SELF, DOMID_SELF);
    struct evtchn_bind_vcpu bind = {.port = port, .vcpu = 1};
    check_eq("bind_vcpu", event_channel_op(EVTCHNOP_bind_vcpu, &bind), 0);
    event_status(port, &status);
    check_eq("moved", status.vcpu, 1);
    event_close(port);
}

void guest_main(void)
{
    cpus = 2;
    option("cpus", (uint64_t *)(uintptr_t)&cpus);
    test_start();
    test_ipi();
    test_stop();
    test_work();
    test_events();
}
