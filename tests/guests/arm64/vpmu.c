/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Event counters: dom0 has none; two domains that have them share a CPU, and each sees its own, which
 * count neither at EL2 nor for the other one.
 */
#include <guest/domain.h>
#include <guest/hypercall.h>
#include <guest/port.h>
#include <guest/print.h>
#include <guest/test.h>
#include <port/arm64.h>
#include <public/arch.h>
#include <public/sched.h>

enum {
    INSTRUCTIONS = 8 /* an event */
};

/* What a domain writes, and what it has read. */
struct page {
    uint64_t mine; /* set before it runs */
    uint64_t features, control, type, cycle_filter, other, reserved, selected;
    uint64_t wrong; /* turns in which a counter was another's */
    uint64_t enabled, user, cycles, stopped;
    uint32_t reason; /* struct sched_shutdown */
    uint32_t done;
};

/*
 * x0: the page. Position independent, MMU off. It leaves its number in counter 0 and the cycle
 * counter, which stand still, gives the CPU away, and looks whether they are as they were.
 */
__asm__(".text\n"
        ".balign 4\n"
        "counting:\n\t"
        "mov x19, x0\n\t"
        "mrs x1, id_aa64dfr0_el1\n\t"
        "mrs x2, pmcr_el0\n\t"
        "stp x1, x2, [x19, #8]\n\t"
        "mov x20, #(1 << 27)\n\t" /* NSH: count at EL2, too */
        "orr x1, x20, #8\n\t"
        "msr pmevtyper0_el0, x1\n\t"
        "msr pmccfiltr_el0, x20\n\t"
        "isb\n\t"
        "mrs x1, pmevtyper0_el0\n\t"
        "mrs x2, pmccfiltr_el0\n\t"
        "stp x1, x2, [x19, #24]\n\t"
        "mov x2, #1\n\t"
        "msr pmselr_el0, x2\n\t"
        "isb\n\t"
        "msr pmevtyper0_el0, x1\n\t" /* by its own name: the selection is another one */
        "mrs x2, pmxevtyper_el0\n\t"
        "str x2, [x19, #40]\n\t"
        "mrs x1, pmselr_el0\n\t"
        "str x1, [x19, #56]\n\t"
        "ldr x20, [x19]\n\t"
        "msr pmevcntr0_el0, x20\n\t"
        "msr pmccntr_el0, x20\n\t"
        "msr pmuserenr_el0, x20\n\t"
        "msr pmcntenset_el0, x20\n\t"
        "mov x21, #40\n\t" /* turns */
        "mov x22, #0\n"
        "1:\tmov x16, #29\n\t" /* sched_op */
        "mov x0, #0\n\t"       /* yield */
        "hvc #0xea1\n\t"
        "mrs x1, pmevcntr0_el0\n\t"
        "cmp x1, x20\n\t"
        "cinc x22, x22, ne\n\t"
        "mrs x1, pmccntr_el0\n\t"
        "cmp x1, x20\n\t"
        "cinc x22, x22, ne\n\t"
        "subs x21, x21, #1\n\t"
        "b.ne 1b\n\t"
        "mrs x1, pmcntenset_el0\n\t"
        "str x22, [x19, #64]\n\t"
        "mrs x2, pmuserenr_el0\n\t"
        "stp x1, x2, [x19, #72]\n\t"
        "mov x1, #(1 << 31)\n\t"
        "msr pmcntenset_el0, x1\n\t"
        "mov x1, #0x45\n\t" /* LC, C, E */
        "msr pmcr_el0, x1\n\t"
        "isb\n\t"
        "mov x21, #1000\n"
        "2:\tsubs x21, x21, #1\n\t"
        "b.ne 2b\n\t"
        "msr pmcr_el0, xzr\n\t"
        "isb\n\t"
        "mrs x1, pmccntr_el0\n\t"
        "mrs x2, pmccntr_el0\n\t"
        "stp x1, x2, [x19, #88]\n\t"
        "mov w1, #1\n\t"
        "str w1, [x19, #108]\n\t"
        "mov x16, #29\n\t"
        "mov x0, #2\n\t" /* shutdown */
        "add x1, x19, #104\n\t"
        "hvc #0xea1\n\t"
        "b .\n"
        "counting_end:\n");
extern const char counting[], counting_end[];

static void is(const char *what, uint64_t value, uint64_t wanted)
{
    check_eq(what, (int64_t)value, (int64_t)wanted);
}

static struct page *make(domid_t *domain, uint64_t mine)
{
    struct vcpu_guest_context context = {0};
    void *data;
    domain_options = XEN_DOMCTL_CDF_vpmu;
    *domain = domain_make(1, counting, (uint64_t)(counting_end - counting), &data);
    port_first_context(&context, GUEST_RAM0_BASE, GUEST_RAM0_BASE + 4096);
    check_eq("context", domain_set_context(*domain, 0, &context), 0);
    struct page *page = data;
    page->mine = mine;
    return page;
}

static void check_page(const struct page *page)
{
    unsigned int counters = (unsigned int)(page->control >> 11) & 31;
    check("it has run to its end", __atomic_load_n(&page->done, __ATOMIC_ACQUIRE) == 1);
    is("the CPU has event counters", page->features >> 8 & 15, 1);
    check("some of them", counters > 0 && counters < 29);
    is("counter 0 counts instructions, but not at EL2", page->type, INSTRUCTIONS);
    is("cycles count at EL1 and EL0", page->cycle_filter, 0);
    is("counter 1 has a type of its own", page->other, 0);
    is("the selection stays", page->selected, 1);
    is("turns with another one's counter", page->wrong, 0);
    is("those that are enabled", page->enabled, page->mine);
    is("what EL0 may", page->user, page->mine);
    check("cycles are counted", page->cycles > 0);
    is("and stop", page->stopped, page->cycles);
}

void guest_main(void)
{
    domid_t one, two;
    is("dom0 sees none", READ_SYSREG(id_aa64dfr0_el1) >> 8 & 15, 0);
    is("... and no control", READ_SYSREG(pmcr_el0), 0);
    struct page *first = make(&one, 1), *second = make(&two, 2);
    check_eq("unpause", domain_op(XEN_DOMCTL_unpausedomain, one), 0);
    check("the second one ends", domain_run(two));
    uint64_t end = port_counter() + port_frequency();
    while (__atomic_load_n(&first->done, __ATOMIC_ACQUIRE) == 0 && port_counter() < end) {
        sched_op(SCHEDOP_yield, NULL);
    }
    check_page(first);
    check_page(second);
    is("dom0 still sees none", READ_SYSREG(pmcr_el0), 0);
}
