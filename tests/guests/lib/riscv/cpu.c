/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The rest of the port: entry into C, what the hart can do, counter and timer, waiting, SBI calls
 * [RVSBI], the UART of a bare machine.
 */
#include <guest/dt.h>
#include <guest/memory.h>
#include <guest/test.h>
#include <port/riscv.h>
#include <port/sbi.h>
#include <public/arch-riscv.h>

enum {
    UART_LSR = 5,
    UART_LSR_THRE = 0x20 /* room for a byte [16550 8.6.3] */
};

const uint32_t port_features = 0;

static uint64_t cpu_boot;
static unsigned int cpu_event_irq;
static uint64_t cpu_uart;
static uint32_t cpu_frequency;
static bool cpu_sstc;
static void (*cpu_run[PORT_MAX_CPUS])(void);

extern char guest_secondary[];
_Noreturn void guest_entry(uint64_t hart, const void *blob);
_Noreturn void guest_secondary_entry(uint64_t cpu);

static unsigned int cpu_find_event_irq(dt_node node)
{
    uint32_t of_hart = dt_cell(node, "interrupts-extended", 1, 0);
    return of_hart ? of_hart : dt_cell(node, "interrupts", 0, 0);
}

void guest_entry(uint64_t hart, const void *blob)
{
    uint64_t size;
    cpu_boot = hart;
    dt_use(blob);
    dt_node node = dt_compatible(NULL, "xen,xen");
    if (node) {
        cpu_event_irq = cpu_find_event_irq(node);
    } else if ((node = dt_compatible(NULL, "ns16550a")) != NULL) {
        dt_reg(node, 0, &cpu_uart, &size);
    }
    dt_node cpus = dt_child("cpus");
    cpu_frequency = cpus ? dt_cell(cpus, "timebase-frequency", 0, 0) : 0;
    cpu_sstc = cpu_has("sstc");
    guest_main();
    finish();
}

void guest_secondary_entry(uint64_t cpu)
{
    cpu_run[cpu]();
    port_cpu_stop();
}

bool cpu_native(void)
{
    return sbi_call(SBI_BASE, 1, 0, 0, 0, 0, 0, 0).value != XEN_SBI_IMPL_ID;
}

uint64_t cpu_boot_hart(void)
{
    return cpu_boot;
}

/* The words of riscv,isa lie between underscores. */
bool cpu_has(const char *extension)
{
    uint32_t length = 0;
    dt_node node = dt_of_type(NULL, "cpu");
    const char *isa = node ? dt_property(node, "riscv,isa", &length) : NULL;
    size_t size = strlen(extension);
    for (uint32_t i = 0; isa && i + size < length; i++) {
        bool word = isa[i + size] == '_' || isa[i + size] == 0;
        if (i > 0 && isa[i - 1] == '_' && word && memcmp(isa + i, extension, size) == 0) {
            return true;
        }
    }
    return false;
}

void port_check_config(const struct xen_arch_domainconfig *config)
{
    /* As on Arm: what the domain was made with is not told. */
    check_eq("gaddr_bits", config->gaddr_bits, 0);
}

void port_first_context(struct vcpu_guest_context *context, uint64_t pc, uint64_t arg)
{
    context->flags = VGCF_online | VGCF_supervisor;
    context->user_regs.pc = pc;
    context->user_regs.a1 = arg;
    context->scounteren = 7;
}

unsigned int port_event_irq(void)
{
    return cpu_event_irq;
}

void port_irq_enable(void)
{
    __asm__ volatile("csrsi sstatus, 2" ::: "memory");
}

void port_irq_disable(void)
{
    __asm__ volatile("csrci sstatus, 2" ::: "memory");
}

unsigned int port_timer_irq(void)
{
    return IRQ_TIMER;
}

void port_timer_set(uint64_t at)
{
    if (cpu_sstc) {
        /* stimecmp, which this assembler has no name for. */
        CSR_WRITE(0x14d, at);
    } else {
        sbi_call(SBI_TIME, 0, at, 0, 0, 0, 0, 0);
    }
}

void port_timer_stop(void)
{
    port_timer_set(~0UL);
}

uint64_t port_counter(void)
{
    return CSR_READ(time);
}

uint64_t port_frequency(void)
{
    return cpu_frequency;
}

void port_wait(void)
{
    /* What was written is seen by whoever shall wake us. Aligned: QEMU 10.0 tells the hypervisor a
     * wrong address, a page too high, of a WFI that traps and that lies across two pages. */
    __asm__ volatile("fence rw, rw\n\t.balign 4\n\twfi" ::: "memory");
}

void port_relax(void)
{
    /* pause, a hint [RVUNPRIV 6]. */
    __asm__ volatile(".insn 0x0100000f" ::: "memory");
}

struct sbi_result sbi_call(uint64_t extension, uint64_t function, uint64_t a, uint64_t b,
                           uint64_t c, uint64_t d, uint64_t e, uint64_t f)
{
    register uint64_t a0 __asm__("a0") = a;
    register uint64_t a1 __asm__("a1") = b;
    register uint64_t a2 __asm__("a2") = c;
    register uint64_t a3 __asm__("a3") = d;
    register uint64_t a4 __asm__("a4") = e;
    register uint64_t a5 __asm__("a5") = f;
    register uint64_t a6 __asm__("a6") = function;
    register uint64_t a7 __asm__("a7") = extension;
    __asm__ volatile("ecall"
                     : "+r"(a0), "+r"(a1)
                     : "r"(a2), "r"(a3), "r"(a4), "r"(a5), "r"(a6), "r"(a7)
                     : "memory");
    return (struct sbi_result){(int64_t)a0, a1};
}

int64_t port_hypercall(uint64_t number, uint64_t a, uint64_t b, uint64_t c, uint64_t d, uint64_t e)
{
    return sbi_call(XEN_SBI_EXT_HYPERCALL, number, 0, a, b, c, d, e).error;
}

int64_t port_cpu_start(unsigned int cpu, void (*run)(void))
{
    cpu_run[cpu] = run;
    return sbi_call(SBI_HSM, HSM_START, cpu, port_physical(guest_secondary), cpu, 0, 0, 0).error;
}

void port_cpu_stop(void)
{
    sbi_call(SBI_HSM, HSM_STOP, 0, 0, 0, 0, 0, 0);
    give_up("hart_stop returned");
}

void port_power_off(void)
{
    sbi_call(SBI_SRST, 0, 0, 0, 0, 0, 0, 0);
    for (;;) {
        port_wait();
    }
}

void port_uart_write(const char *text, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        if (cpu_uart == 0) {
            sbi_call(SBI_LEGACY_PUTCHAR, 0, (uint8_t)text[i], 0, 0, 0, 0, 0);
            continue;
        }
        while ((read8(cpu_uart + UART_LSR) & UART_LSR_THRE) == 0) {
        }
        write8(cpu_uart, (uint8_t)text[i]);
    }
}
