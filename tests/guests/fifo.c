/* SPDX-License-Identifier: Apache-2.0 */
/*
 * event_channel_op, FIFO: switching over, growing the array, queues by priority, errors.
 */
#include <guest/event.h>
#include <guest/hypercall.h>
#include <guest/memory.h>
#include <guest/port.h>
#include <guest/test.h>
#include <public/errno.h>

static volatile struct evtchn_fifo_control_block *control;
static volatile event_word_t *words;
static volatile unsigned int upcalls;

static void upcall(unsigned int irq)
{
    (void)irq;
    event_info->evtchn_upcall_pending = 0;
    upcalls++;
}

static int64_t init_control(uint64_t frame, uint32_t offset, uint32_t vcpu, uint8_t *link_bits)
{
    struct evtchn_init_control arg = {.control_gfn = frame, .offset = offset, .vcpu = vcpu};
    int64_t rc = event_channel_op(EVTCHNOP_init_control, &arg);
    *link_bits = arg.link_bits;
    return rc;
}

static int64_t expand(uint64_t frame)
{
    struct evtchn_expand_array arg = {.array_gfn = frame};
    return event_channel_op(EVTCHNOP_expand_array, &arg);
}

static int64_t set_priority(evtchn_port_t port, uint32_t priority)
{
    struct evtchn_set_priority arg = {.port = port, .priority = priority};
    return event_channel_op(EVTCHNOP_set_priority, &arg);
}

static void test_init(void)
{
    uint8_t bits;
    control = page_alloc();
    uint64_t frame = frame_of((const void *)(uintptr_t)control);
    check_eq("expand before init", expand(frame), -XEN_EOPNOTSUPP);
    check_eq("offset not aligned", init_control(frame, 4, 0, &bits), -XEN_EINVAL);
    check_eq("offset too large", init_control(frame, 4096 - 64, 0, &bits), -XEN_EINVAL);
    check_eq("offset -8", init_control(frame, (uint32_t)-8, 0, &bits), -XEN_EINVAL);
    check_eq("vcpu that is not", init_control(frame, 0, 9, &bits), -XEN_ENOENT);
    check_eq("frame that is not", init_control(1UL << 52, 0, 0, &bits), -XEN_EINVAL);
    check_eq("init_control", init_control(frame, 128, 0, &bits), 0);
    check_eq("link bits", bits, EVTCHN_FIFO_LINK_BITS);
    check_eq("init_control again", init_control(frame, 128, 0, &bits), -XEN_EINVAL);
    control = (volatile struct evtchn_fifo_control_block *)((uintptr_t)control + 128);
}

/* Follows a queue from its head and takes its first event. */
static evtchn_port_t take(unsigned int queue)
{
    evtchn_port_t port = control->head[queue];
    if (port == 0) {
        return 0;
    }
    uint32_t old = __atomic_fetch_and(
        &words[port], ~(1U << EVTCHN_FIFO_LINKED | EVTCHN_FIFO_LINK_MASK), __ATOMIC_SEQ_CST);
    __atomic_fetch_and(&words[port], ~(1U << EVTCHN_FIFO_PENDING), __ATOMIC_SEQ_CST);
    control->head[queue] = old & EVTCHN_FIFO_LINK_MASK;
    if ((old & EVTCHN_FIFO_LINK_MASK) == 0) {
        __atomic_fetch_and(&control->ready, ~(1U << queue), __ATOMIC_SEQ_CST);
    }
    return port;
}

static void test_expand(void)
{
    evtchn_port_t port = (evtchn_port_t)event_bind_ipi(0);
    check_eq("a port before its word", port, 1);
    check_eq("send without a word", event_send(port), 0);
    words = page_alloc();
    check_eq("expand by a frame that is not", expand(1UL << 52), -XEN_EINVAL);
    check_eq("expand", expand(frame_of((const void *)(uintptr_t)words)), 0);
    check_eq("what was sent before is there", take(7), port);
    check_eq("close", event_close(port), 0);
}

/* A port whose word is not masked. */
static evtchn_port_t new_port(void)
{
    evtchn_port_t port = (evtchn_port_t)event_bind_ipi(0);
    event_unmask(port);
    return port;
}

static void test_queue(void)
{
    evtchn_port_t a = new_port();
    evtchn_port_t b = new_port();
    evtchn_port_t c = new_port();
    event_send(a);
    event_send(b);
    event_send(c);
    event_send(b);
    check_eq("ready bit of the default queue", control->ready, 1 << EVTCHN_FIFO_PRIORITY_DEFAULT);
    check("pending and linked", (words[a] >> EVTCHN_FIFO_LINKED) == 5);
    check_eq("first", take(7), a);
    check_eq("second", take(7), b);
    check_eq("third", take(7), c);
    check_eq("empty", take(7), 0);
    check_eq("ready is clear", control->ready, 0);
    event_send(b);
    check_eq("used again", take(7), b);
    event_close(a);
    event_close(b);
    event_close(c);
}

static void test_mask(void)
{
    evtchn_port_t a = new_port();
    __atomic_fetch_or(&words[a], 1U << EVTCHN_FIFO_MASKED, __ATOMIC_SEQ_CST);
    event_send(a);
    check_eq("masked: pending only", (int64_t)(words[a] >> EVTCHN_FIFO_LINKED), 6);
    check_eq("masked: not queued", control->ready, 0);
    check_eq("unmask", event_unmask(a), 0);
    check_eq("unmask queues", control->ready, 1 << 7);
    check_eq("taken", take(7), a);
    event_close(a);
    check_eq("unmask beyond", event_unmask(1023), -XEN_EINVAL);
}

static void test_priorities(void)
{
    evtchn_port_t a = new_port();
    evtchn_port_t b = new_port();
    check_eq("priority 16", set_priority(a, 16), -XEN_EINVAL);
    check_eq("priority -1", set_priority(a, ~0U), -XEN_EINVAL);
    check_eq("priority of a port that is not", set_priority(1000, 3), -XEN_EINVAL);
    check_eq("priority 0", set_priority(a, 0), 0);
    check_eq("priority 15", set_priority(b, 15), 0);
    event_send(b);
    event_send(a);
    check_eq("both queues", control->ready, 1 << 15 | 1);
    check_eq("queue 0", take(0), a);
    check_eq("queue 15", take(15), b);
    /* Still linked where it was: it moves when it is taken out. */
    event_send(a);
    check_eq("priority changed while queued", set_priority(a, 9), 0);
    check_eq("stays in its queue", take(0), a);
    event_send(a);
    check_eq("then the new one", take(9), a);
    event_close(a);
    event_close(b);
}

static void test_upcall(void)
{
    evtchn_port_t port = new_port();
    port_irq_handle(port_event_irq(), upcall);
    port_irq_enable();
    unsigned int before = upcalls;
    event_send(port);
    check_eq("one upcall", upcalls, before + 1);
    event_send(port);
    check_eq("still pending: none", upcalls, before + 1);
    take(7);
    event_send(port);
    check_eq("again", upcalls, before + 2);
    port_irq_disable();
    take(7);
    event_close(port);
}

/* Garbage in the guest's own pages harms nobody. */
static void test_garbage(void)
{
    evtchn_port_t a = new_port();
    evtchn_port_t b = new_port();
    event_send(a);
    words[a] |= EVTCHN_FIFO_LINK_MASK;
    control->head[7] = 0x1fff0;
    event_send(b);
    words[b] = ~0U;
    check_eq("send over garbage", event_send(b), 0);
    check_eq("unmask over garbage", event_unmask(b), 0);
    control->ready = ~0U;
    event_close(a);
    event_close(b);
    for (unsigned int i = 0; i < EVTCHN_FIFO_MAX_QUEUES; i++) {
        control->head[i] = 0;
    }
    control->ready = 0;
}

static void test_limits(void)
{
    unsigned int pages = 1;
    int64_t rc;
    while ((rc = expand(frame_of(page_alloc()))) == 0) {
        pages++;
    }
    check_eq("the array is full", rc, -XEN_ENOSPC);
    check_eq("at 128 pages", pages, 128);
}

static void test_reset(void)
{
    uint8_t bits;
    struct evtchn_reset reset = {.dom = DOMID_SELF};
    check_eq("reset", event_channel_op(EVTCHNOP_reset, &reset), 0);
    evtchn_port_t port = (evtchn_port_t)event_bind_ipi(0);
    event_set_mask(port, false);
    event_send(port);
    check("2-level again", event_pending(port));
    event_clear(port);
    event_close(port);
    check_eq("and FIFO again", init_control(frame_of(page_alloc()), 0, 0, &bits), 0);
}

void guest_main(void)
{
    event_shared();
    test_init();
    test_expand();
    test_queue();
    test_mask();
    test_priorities();
    test_upcall();
    test_garbage();
    test_limits();
    test_reset();
}
