/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A guest in one page, for arm64 and RISC-V: it needs nothing but Xen's interface. It writes to its
 * console, reads the wall clock, waits for a key and powers off. docs/BARE.md builds and runs it.
 */
#include <public/arch.h>
#include <public/event_channel.h>
#include <public/hvm/hvm_op.h>
#include <public/hvm/params.h>
#include <public/io/console.h>
#include <public/memory.h>
#include <public/sched.h>
#include <public/xen.h>

#define PAGE 4096

/* Behind the file, in memory that the tools have filled with zeroes. */
static uint8_t stack[PAGE] __attribute__((aligned(PAGE), used));
static volatile union {
    struct shared_info info;
    uint8_t page[PAGE]; /* it takes the place of one page of ours, so nothing else may be there */
} shared __attribute__((aligned(PAGE)));

/*
 * The first 64 bytes are the header by which the tools know a kernel: it says where to load it and
 * how much memory belongs to it. They jump to the first byte with the MMU off.
 */
#ifdef __riscv
__asm__(".option norvc\n"
        ".globl _start\n"
        "_start: j begin\n"
        "nop\n"
        ".dword 0x200000\n"     /* where, from the start of RAM */
        ".dword 0x10000\n"      /* size with stack and shared page */
        ".dword 0\n"            /* flags: little-endian */
        ".word 2, 0, 0, 0\n"    /* version of this header */
        ".dword 0x5643534952\n" /* "RISCV" */
        ".word 0x05435352, 0\n" /* "RSC\5" */
        "begin: la sp, stack + 4096\n"
        "j bare_main\n");

static long hypercall(unsigned long number, unsigned long command, const volatile void *argument)
{
    register unsigned long a0 __asm__("a0");
    register unsigned long a1 __asm__("a1") = command;
    register unsigned long a2 __asm__("a2") = (unsigned long)argument;
    register unsigned long a6 __asm__("a6") = number;
    register unsigned long a7 __asm__("a7") = XEN_SBI_EXT_HYPERCALL;

    __asm__ volatile("ecall" : "=r"(a0), "+r"(a1), "+r"(a2) : "r"(a6), "r"(a7) : "memory");
    return (long)a0;
}

static unsigned long counter(void)
{
    unsigned long value;

    __asm__ volatile("rdtime %0" : "=r"(value));
    return value;
}
#else
/*
 * The console's page is shared with dom0, which has its caches on; so ours must be on, and that
 * takes an MMU: two entries of 1 GiB each, write-back memory, virtual addresses as physical ones.
 */
static uint64_t table[PAGE / 8] __attribute__((aligned(PAGE), used));

__asm__(".globl _start\n"
        "_start: b begin\n"
        ".word 0\n"
        ".quad 0\n"       /* where, from the start of RAM */
        ".quad 0x10000\n" /* size with stack, shared page and table */
        ".quad 0xa\n"     /* flags: 4 KiB pages, anywhere */
        ".quad 0, 0, 0\n"
        ".word 0x644d5241, 0\n" /* "ARM\x64" */
        "begin: adrp x0, table\n"
        "mov x1, #0x701\n" /* block, accessed, inner shareable */
        "orr x2, x1, #0x40000000\n"
        "stp x1, x2, [x0]\n"
        "dmb sy\n"
        "dc ivac, x0\n" /* no line from before this write may hide it */
        "mov x1, #0xff\n"
        "msr mair_el1, x1\n" /* 0: write-back */
        "ldr x1, =0x200803519\n"
        "msr tcr_el1, x1\n" /* 39 bits of address, walks through the caches */
        "msr ttbr0_el1, x0\n"
        "dsb sy\n"
        "isb\n"
        "mrs x1, sctlr_el1\n"
        "mov x2, #0x1005\n" /* MMU and both caches */
        "orr x1, x1, x2\n"
        "msr sctlr_el1, x1\n"
        "isb\n"
        "adrp x1, stack + 4096\n"
        "mov sp, x1\n"
        "b bare_main\n"
        ".ltorg\n");

static long hypercall(unsigned long number, unsigned long command, const volatile void *argument)
{
    register unsigned long x0 __asm__("x0") = command;
    register unsigned long x1 __asm__("x1") = (unsigned long)argument;
    register unsigned long x16 __asm__("x16") = number;

    __asm__ volatile("hvc #0xea1" : "+r"(x0), "+r"(x1) : "r"(x16) : "memory");
    return (long)x0;
}

static unsigned long counter(void)
{
    unsigned long value;

    /* isb: not read before what stands above it is done. */
    __asm__ volatile("isb\n\tmrs %0, cntvct_el0" : "=r"(value));
    return value;
}
#endif

/* What the tools have written down about this domain. */
static uint64_t parameter(uint32_t index)
{
    struct xen_hvm_param param = {.domid = DOMID_SELF, .index = index};

    hypercall(__HYPERVISOR_hvm_op, HVMOP_get_param, &param);
    return param.value;
}

static volatile struct xencons_interface *ring;
static struct evtchn_send console;

/* The other end is xenconsoled in dom0: it moves `cons` of what we write, `prod` of what we read. */
static void put(char c)
{
    while (ring->out_prod - ring->out_cons == sizeof(ring->out)) {
        hypercall(__HYPERVISOR_sched_op, SCHEDOP_yield, 0);
    }
    ring->out[ring->out_prod % sizeof(ring->out)] = c;
    __atomic_store_n(&ring->out_prod, ring->out_prod + 1, __ATOMIC_RELEASE);
}

static void say(const char *text)
{
    while (*text != '\0') {
        put(*text++);
    }
    hypercall(__HYPERVISOR_event_channel_op, EVTCHNOP_send, &console);
}

static void say_number(unsigned long value)
{
    char text[21], *at = &text[20];

    *at = '\0';
    do {
        *--at = (char)('0' + value % 10);
        value /= 10;
    } while (value != 0);
    say(at);
}

static char key(void)
{
    uint32_t at = ring->in_cons;
    char c;

    while (__atomic_load_n(&ring->in_prod, __ATOMIC_ACQUIRE) == at) {
        hypercall(__HYPERVISOR_sched_op, SCHEDOP_yield, 0);
    }
    c = ring->in[at % sizeof(ring->in)];
    __atomic_store_n(&ring->in_cons, at + 1, __ATOMIC_RELEASE);
    return c;
}

/* The wall clock's value is in a page that the hypervisor keeps for this domain. */
static unsigned long clock(void)
{
    struct xen_add_to_physmap map = {.domid = DOMID_SELF, .space = XENMAPSPACE_shared_info};

    map.gpfn = (unsigned long)&shared / PAGE;
    hypercall(__HYPERVISOR_memory_op, XENMEM_add_to_physmap, &map);
    return (unsigned long)shared.info.wc_sec_hi << 32 | shared.info.wc_sec;
}

__attribute__((noreturn, used)) static void bare_main(void)
{
    struct sched_shutdown shutdown = {.reason = SHUTDOWN_poweroff};
    char pressed[] = "?";

    ring = (volatile struct xencons_interface *)(parameter(HVM_PARAM_CONSOLE_PFN) * PAGE);
    console.port = (evtchn_port_t)parameter(HVM_PARAM_CONSOLE_EVTCHN);
    say("bare: hello\r\nbare: the machine was started ");
    say_number(clock());
    say(" s after 1970; my counter says ");
    say_number(counter());
    say("\r\nbare: press a key\r\n");
    pressed[0] = key();
    say("bare: it was ");
    say(pressed);
    say(". Bye.\r\n");
    while (__atomic_load_n(&ring->out_cons, __ATOMIC_ACQUIRE) != ring->out_prod) {
        hypercall(__HYPERVISOR_sched_op, SCHEDOP_yield, 0); /* until all of it is read */
    }
    for (;;) {
        hypercall(__HYPERVISOR_sched_op, SCHEDOP_shutdown, &shutdown);
    }
}
