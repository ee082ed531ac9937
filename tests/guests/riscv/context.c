/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Contexts of vCPUs as the tools may give them [RISCV-ABI]: what starts a hart must let its
 * programs read the time; what was read from a vCPU goes back as it was.
 */
#include <guest/domain.h>
#include <guest/memory.h>
#include <guest/test.h>
#include <port/riscv.h>
#include <public/arch.h>
#include <public/errno.h>

static const struct vcpu_guest_context zeros;
static domid_t domain;

static void start(struct vcpu_guest_context *context)
{
    *context = zeros;
    port_first_context(context, GUEST_RAM0_BASE, 0);
}

static void test_start(void)
{
    struct vcpu_guest_context context;
    for (uint64_t given = 0; given < 16; given++) {
        start(&context);
        context.scounteren = given;
        check_eq("scounteren of a start", domain_set_context(domain, 0, &context),
                 (given & 7) == 7 ? 0 : -XEN_EINVAL);
    }
}

static void test_refused(void)
{
    struct vcpu_guest_context context;
    start(&context);
    context.flags |= 8;
    check_eq("an unknown flag", domain_set_context(domain, 0, &context), -XEN_EINVAL);
    start(&context);
    context.reserved = 1;
    check_eq("reserved", domain_set_context(domain, 0, &context), -XEN_EINVAL);
    start(&context);
    context.user_regs.pc++;
    check_eq("an odd pc", domain_set_context(domain, 0, &context), -XEN_EINVAL);
    start(&context);
    context.satp = 15UL << 60;
    check_eq("an unknown mode in satp", domain_set_context(domain, 0, &context), -XEN_EINVAL);
    start(&context);
    context.sstatus = 1UL << 33 | 1UL << 6;
    check_eq("sstatus.UBE", domain_set_context(domain, 0, &context), -XEN_EINVAL);
}

/* A guest may itself have taken the counters from its programs: nobody gives them back. */
static void test_round_trip(void)
{
    struct vcpu_guest_context context;
    struct vcpu_guest_context again;
    start(&context);
    check_eq("start", domain_set_context(domain, 0, &context), 0);
    check_eq("get", domain_get_context(domain, 0, &context), 0);
    check_eq("its flags", context.flags, VGCF_online | VGCF_supervisor | VGCF_saved);
    check_eq("its scounteren", (int64_t)context.scounteren, 7);
    context.scounteren = 0;
    context.stvec = 0x80000100;
    context.user_regs.t6 = 6;
    check_eq("set", domain_set_context(domain, 0, &context), 0);
    check_eq("get again", domain_get_context(domain, 0, &again), 0);
    check("as it was", memcmp(&context, &again, sizeof(context)) == 0);
    start(&context);
    check_eq("start anew", domain_set_context(domain, 0, &context), 0);
    check_eq("get anew", domain_get_context(domain, 0, &again), 0);
    check_eq("nothing is left", (int64_t)(again.stvec | again.user_regs.t6), 0);
}

void guest_main(void)
{
    static const uint32_t code = 0x0000006f; /* j . */
    void *page;
    domain = domain_make(1, &code, sizeof(code), &page);
    test_start();
    test_refused();
    test_round_trip();
    check_eq("destroy", domain_op(XEN_DOMCTL_destroydomain, domain), 0);
}
