/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The SBI console of a domain that is not dom0 [RVSBI 5, 12]: its text comes out of the ring that
 * the tools gave it, and what they put there goes in. The domain makes the calls that this kernel
 * asks it for; one page of it has the ring, the question and the text.
 */
#include <guest/domain.h>
#include <guest/event.h>
#include <guest/hypercall.h>
#include <guest/memory.h>
#include <guest/port.h>
#include <guest/print.h>
#include <guest/test.h>
#include <port/riscv.h>
#include <port/sbi.h>
#include <public/arch.h>
#include <public/hvm/hvm_op.h>
#include <public/hvm/params.h>
#include <public/io/console.h>
#include <public/sched.h>

#define DATA (GUEST_RAM0_BASE + 4096)
#define HOLE 0x70000000UL

/* Layout of dbcn_agent. */
static volatile struct shared {
    struct xencons_interface ring;
    uint8_t pad[3136 - sizeof(struct xencons_interface)];
    uint64_t asked; /* 1 until the answer is there */
    uint64_t a[8];
    char text[512];
} *shared;

_Static_assert(offsetof(struct shared, asked) == 3136, "what the agent counts on");

#define TEXT (DATA + offsetof(struct shared, text))

static domid_t domain;
static evtchn_port_t port;
static struct sbi_result result;

/* In: a1 the page. Makes the SBI call in the page whenever there is one. */
extern const char dbcn_agent[], dbcn_agent_end[];
__asm__(".balign 4\n"
        "dbcn_agent:\n\t"
        "li s1, 3136\n\t"
        "add s1, s1, a1\n"
        "1:\tld t0, 0(s1)\n\t"
        "beqz t0, 1b\n\t"
        "fence rw, rw\n\t" /* the question is read after the word that says it is there */
        "ld a0, 8(s1)\n\t"
        "ld a1, 16(s1)\n\t"
        "ld a2, 24(s1)\n\t"
        "ld a6, 56(s1)\n\t"
        "ld a7, 64(s1)\n\t"
        "ecall\n\t"
        "sd a0, 8(s1)\n\t"
        "sd a1, 16(s1)\n\t"
        "fence rw, rw\n\t" /* the answer is there before the word that says so */
        "sd zero, 0(s1)\n\t"
        "j 1b\n"
        "dbcn_agent_end:");

static bool answered(uint64_t ticks)
{
    uint64_t end = port_counter() + ticks;
    while (__atomic_load_n(&shared->asked, __ATOMIC_ACQUIRE) != 0 && port_counter() < end) {
        (void)sched_op(SCHEDOP_yield, NULL);
    }
    result = (struct sbi_result){(int64_t)shared->a[0], shared->a[1]};
    return __atomic_load_n(&shared->asked, __ATOMIC_ACQUIRE) == 0;
}

static void ask(uint64_t extension, uint64_t function, uint64_t a0, uint64_t a1, uint64_t a2)
{
    shared->a[0] = a0;
    shared->a[1] = a1;
    shared->a[2] = a2;
    shared->a[6] = function;
    shared->a[7] = extension;
    __atomic_store_n(&shared->asked, 1, __ATOMIC_RELEASE);
}

static int64_t call(uint64_t extension, uint64_t function, uint64_t a0, uint64_t a1, uint64_t a2)
{
    ask(extension, function, a0, a1, a2);
    if (!answered(30 * port_frequency())) {
        give_up("no answer");
    }
    return result.error;
}

static void set(uint32_t index, uint64_t value)
{
    struct xen_hvm_param param = {.domid = domain, .index = index, .value = value};
    check_eq("set_param", hvm_op(HVMOP_set_param, &param), 0);
}

static void text_is(const char *text)
{
    memcpy((char *)(uintptr_t)shared->text, text, strlen(text));
}

/* What is in the ring for us is taken, and the event with it. */
static void check_out(const char *name, const char *want)
{
    uint32_t cons = shared->ring.out_cons, prod = shared->ring.out_prod;
    size_t length = strlen(want);
    bool same = prod - cons == length;
    for (size_t i = 0; same && i < length; i++) {
        same = shared->ring.out[(cons + i) % sizeof(shared->ring.out)] == want[i];
    }
    check(name, same);
    check("it rang", event_pending(port));
    event_clear(port);
    shared->ring.out_cons = prod;
}

static void begin(void)
{
    struct vcpu_guest_context context = {0};
    void *page;
    domain = domain_make(1, dbcn_agent, (uint64_t)(dbcn_agent_end - dbcn_agent), &page);
    shared = page;
    port_first_context(&context, GUEST_RAM0_BASE, DATA);
    if (domain_set_context(domain, 0, &context) != 0 ||
        domain_op(XEN_DOMCTL_unpausedomain, domain) != 0) {
        give_up("cannot start the domain");
    }
}

/* Without a ring there is no such console. */
static void test_none(void)
{
    check_eq("probe", call(SBI_BASE, 3, SBI_DBCN, 0, 0), SBI_OK);
    check_eq("no debug console", (int64_t)result.value, 0);
    check_eq("write", call(SBI_DBCN, 0, 1, TEXT, 0), SBI_NOT_SUPPORTED);
    check_eq("putchar", call(SBI_LEGACY_PUTCHAR, 0, 'x', 0, 0), SBI_NOT_SUPPORTED);
    check_eq("getchar", call(SBI_LEGACY_GETCHAR, 0, 0, 0, 0), SBI_NOT_SUPPORTED);
}

static void connect(void)
{
    evtchn_port_t theirs = (evtchn_port_t)event_alloc_unbound(domain, 0);
    struct evtchn_bind_interdomain bind = {.remote_dom = domain, .remote_port = theirs};
    (void)event_shared();
    check_eq("bind", event_channel_op(EVTCHNOP_bind_interdomain, &bind), 0);
    port = bind.local_port;
    event_clear(port);
    set(HVM_PARAM_CONSOLE_EVTCHN, theirs);
    set(HVM_PARAM_CONSOLE_PFN, DATA >> 12);
    check_eq("probe", call(SBI_BASE, 3, SBI_DBCN, 0, 0), SBI_OK);
    check("debug console", result.value != 0);
    check_eq("probe", call(SBI_BASE, 3, SBI_LEGACY_PUTCHAR, 0, 0), SBI_OK);
    check("putchar is there", result.value != 0);
}

static void test_write(void)
{
    text_is("hello, world\n");
    check_eq("write", call(SBI_DBCN, 0, 13, TEXT, 0), SBI_OK);
    check_eq("bytes written", (int64_t)result.value, 13);
    check_out("text", "hello, world\n");
    check_eq("write nothing", call(SBI_DBCN, 0, 0, TEXT, 0), SBI_OK);
    check_eq("nothing written", (int64_t)result.value, 0);
    check("does not ring", !event_pending(port));
    check_eq("write_byte", call(SBI_DBCN, 2, 'b', 0, 0), SBI_OK);
    check_eq("its value", (int64_t)result.value, 0);
    check_out("byte", "b");
    check_eq("putchar", call(SBI_LEGACY_PUTCHAR, 0, 'p', 0x77, 0), SBI_OK);
    check_eq("a1 is kept", (int64_t)result.value, 0x77);
    check_out("character", "p");
    check_eq("write from a hole", call(SBI_DBCN, 0, 1, HOLE, 0), SBI_INVALID_PARAM);
    check_eq("write that ends in a hole", call(SBI_DBCN, 0, 64, DATA + 4090, 0), SBI_INVALID_PARAM);
    check_eq("write, high address", call(SBI_DBCN, 0, 1, TEXT, 1), SBI_INVALID_PARAM);
    check_eq("write, count -1", call(SBI_DBCN, 0, ~0UL, TEXT, 0), SBI_INVALID_PARAM);
    check("rings for none of these", !event_pending(port));
}

/* Asks, sees that the call waits, makes room for so many characters, and has the result. */
static int64_t call_full(uint32_t room, uint64_t extension, uint64_t function, uint64_t a0,
                         uint64_t a1)
{
    shared->ring.out_cons = 0;
    shared->ring.out_prod = sizeof(shared->ring.out);
    ask(extension, function, a0, a1, 0);
    check("waits for room", !answered(port_frequency() / 20));
    shared->ring.out_cons = room;
    check("goes on", answered(30 * port_frequency()));
    shared->ring.out_cons = sizeof(shared->ring.out);
    return result.error;
}

static void test_full(void)
{
    text_is("abcdef");
    check_eq("write to a full ring", call_full(3, SBI_DBCN, 0, 6, TEXT), SBI_OK);
    check_eq("as much as there is room for", (int64_t)result.value, 3);
    check_out("these", "abc");
    check_eq("write_byte to a full ring", call_full(9, SBI_DBCN, 2, 'y', 0x77), SBI_OK);
    check_out("byte", "y");
    check_eq("putchar to a full ring", call_full(9, SBI_LEGACY_PUTCHAR, 0, 'z', 0x77), SBI_OK);
    check_eq("a1 is kept", (int64_t)result.value, 0x77);
    check_out("character", "z");
    /* Nobody makes room: the call says so after two seconds, and the next one at once. */
    shared->ring.out_cons = shared->ring.out_prod - (uint32_t)sizeof(shared->ring.out);
    check_eq("write that nobody takes", call(SBI_DBCN, 0, 6, TEXT, 0), SBI_FAILED);
    check_eq("write_byte", call(SBI_DBCN, 2, 'y', 0, 0), SBI_FAILED);
    check_eq("putchar", call(SBI_LEGACY_PUTCHAR, 0, 'z', 0, 0), SBI_FAILED);
    shared->ring.out_cons = shared->ring.out_prod;
    check_eq("write_byte into room", call(SBI_DBCN, 2, 'y', 0, 0), SBI_OK);
    check_out("byte", "y");
}

static void type(const char *text)
{
    for (; *text != '\0'; text++) {
        shared->ring.in[shared->ring.in_prod % sizeof(shared->ring.in)] = *text;
        shared->ring.in_prod++;
    }
}

static void test_read(void)
{
    check_eq("read without input", call(SBI_DBCN, 1, 16, TEXT, 0), SBI_OK);
    check_eq("nothing", (int64_t)result.value, 0);
    check_eq("getchar without input", call(SBI_LEGACY_GETCHAR, 0, 0, 0, 0), -1);
    check("does not ring", !event_pending(port));
    type("xyz");
    check_eq("read", call(SBI_DBCN, 1, 2, TEXT, 0), SBI_OK);
    check_eq("two", (int64_t)result.value, 2);
    check("as typed", shared->text[0] == 'x' && shared->text[1] == 'y');
    check("rings for the room", event_pending(port));
    event_clear(port);
    check_eq("read to a hole", call(SBI_DBCN, 1, 1, HOLE, 0), SBI_INVALID_PARAM);
    check_eq("getchar", call(SBI_LEGACY_GETCHAR, 0, 0, 0, 0), 'z');
    shared->ring.in_prod = shared->ring.in_cons - 1;
    check_eq("getchar with senseless indices", call(SBI_LEGACY_GETCHAR, 0, 0, 0, 0), -1);
}

static void test_elsewhere(void)
{
    set(HVM_PARAM_CONSOLE_PFN, HOLE >> 12);
    check_eq("write to a ring in a hole", call(SBI_DBCN, 2, 'y', 0, 0), SBI_FAILED);
    check_eq("getchar", call(SBI_LEGACY_GETCHAR, 0, 0, 0, 0), -1);
    set(HVM_PARAM_CONSOLE_PFN, ~0UL);
    check_eq("write to a ring at -1", call(SBI_DBCN, 2, 'y', 0, 0), SBI_FAILED);
}

void guest_main(void)
{
    begin();
    test_none();
    connect();
    test_write();
    test_full();
    test_read();
    test_elsewhere();
}
