/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Event channels under real concurrency: threads send on ports of one domain while others play the
 * vCPUs of the receiver, with the queue handling of a guest kernel. A sender counts up a port's
 * number and sends; a receiver that is told of a port takes the number. When all is quiet every
 * number must have been taken: no event was lost. On the third port: dom0 sends, an ordinary domain
 * receives. `stress fifo|2l|switch EPISODES SEED`; switch: to the FIFO form, in the middle of the
 * first episode.
 */
#include <stdio.h>
#include <stdlib.h>

#include "../arch/port/state.h"
#include "../fuzz/core/scene.h"

#include <arch/mm.h>
#include <xen/errno.h>
#include <xen/evtchn_port.h>
#include <xen/page.h>

#define VCPUS   2u
#define PORTS   12u
#define SENDERS 3u
#define EPISODE 100u /* sends of each thread between two moments of quiet */

static struct domain *sender, *receiver;
static uint8_t *frames[VCPUS + 1]; /* of the receiver: control blocks, event words */
static uint32_t sent[PORTS + 1], taken[PORTS + 1];
static evtchn_port_t peer[PORTS + 1]; /* sender's port by receiver's */
static bool fifo, later, stop;
static unsigned int episodes, first_seed;
static uint32_t waiting, meeting;

bool __wrap_host_atomic_fails(void);
void __wrap_domain_pause_nowait(struct domain *d);

/* The guest's side, as a kernel does it. */
struct guest {
    unsigned int vcpu;
    uint32_t head[EVTCHN_FIFO_MAX_QUEUES];
    unsigned int seed;
    uint32_t upcalls; /* that it has taken */
};

static event_word_t *word(evtchn_port_t port)
{
    return (event_word_t *)(void *)frames[VCPUS] + port;
}

static struct evtchn_fifo_control_block *block(unsigned int vcpu)
{
    return (struct evtchn_fifo_control_block *)(void *)(frames[vcpu] + 64);
}

static void op(int rc, const char *what)
{
    if (rc != 0) {
        printf("%s: %d\n", what, rc);
        exit(1);
    }
}

static void hypercall_unmask(evtchn_port_t port)
{
    struct evtchn *e = evtchn_get(receiver, port);

    spin_lock(&e->lock);
    evtchn_abi(receiver)->unmask(receiver->vcpu[e->vcpu], e);
    spin_unlock(&e->lock);
}

/* What set_priority and bind_vcpu do. */
static void change(evtchn_port_t port, uint32_t priority, uint32_t vcpu)
{
    struct evtchn *e = evtchn_get(receiver, port);

    spin_lock(&e->lock);
    if (priority != UINT32_MAX) {
        (void)evtchn_abi(receiver)->set_priority(e, priority);
    }
    if (vcpu != UINT32_MAX) {
        atomic_store(&e->vcpu, (uint16_t)vcpu);
    }
    spin_unlock(&e->lock);
}

static void set_mask(evtchn_port_t port, bool masked)
{
    uint64_t *map = receiver->shared_info->evtchn_mask;

    if (!fifo && masked) {
        atomic_test_and_set_bit(port, map);
    } else if (!fifo) {
        hypercall_unmask(port);
    } else if (masked) {
        atomic_fetch_or(word(port), 1u << EVTCHN_FIFO_MASKED);
    } else {
        event_word_t w = atomic_load(word(port));

        /* Unmasking waits while the hypervisor links something behind this event. */
        do {
            w &= ~(1u << EVTCHN_FIFO_BUSY);
        } while (!atomic_compare_exchange(word(port), &w, w & ~(1u << EVTCHN_FIFO_MASKED)));
        if ((w & 1u << EVTCHN_FIFO_PENDING) != 0) {
            hypercall_unmask(port);
        }
    }
}

/* The number at least as new as the event. It never goes back: two vCPUs may be here with one port,
 * which was moved between them. */
static void take(evtchn_port_t port)
{
    uint32_t now = __atomic_load_n(&sent[port], __ATOMIC_ACQUIRE);
    uint32_t old = __atomic_load_n(&taken[port], __ATOMIC_RELAXED);

    while (old < now && !__atomic_compare_exchange_n(&taken[port], &old, now, false,
                                                     __ATOMIC_RELEASE, __ATOMIC_RELAXED)) {
    }
}

static void handle(struct guest *g, evtchn_port_t port)
{
    unsigned int what = (unsigned int)rand_r(&g->seed);

    if (fifo) {
        atomic_fetch_and(word(port), ~(1u << EVTCHN_FIFO_PENDING));
    } else {
        atomic_test_and_clear_bit(port, receiver->shared_info->evtchn_pending);
    }
    take(port);
    if (what % 8 == 0) {
        set_mask(port, true);
        host_yield();
        set_mask(port, false);
    }
    if (what % 16 == 1) {
        change(port, what / 16 % 16, UINT32_MAX);
    }
    if (what % 16 == 2) {
        change(port, UINT32_MAX, what / 16 % VCPUS);
    }
}

static void fifo_consume(struct guest *g, unsigned int q, uint32_t *ready)
{
    uint32_t head = g->head[q];
    evtchn_port_t port;
    event_word_t w;

    if (head == 0) {
        head = __atomic_load_n(&block(g->vcpu)->head[q], __ATOMIC_ACQUIRE);
    }
    port = head;
    if (port == 0 || port > PORTS) {
        printf("queue %u of vCPU %u begins with %u\n", q, g->vcpu, port);
        exit(1);
    }
    w = atomic_load(word(port));
    while (!atomic_compare_exchange(word(port), &w,
                                    w & ~(1u << EVTCHN_FIFO_LINKED | EVTCHN_FIFO_LINK_MASK))) {
    }
    head = w & EVTCHN_FIFO_LINK_MASK;
    if (head == 0) {
        *ready &= ~(1u << q);
    }
    w = atomic_load(word(port));
    if ((w & 1u << EVTCHN_FIFO_PENDING) != 0 && (w & 1u << EVTCHN_FIFO_MASKED) == 0) {
        handle(g, port);
    }
    g->head[q] = head;
}

static void fifo_upcall(struct guest *g)
{
    uint32_t *word_ready = &block(g->vcpu)->ready;
    uint32_t ready = atomic_exchange(word_ready, 0);

    while (ready != 0) {
        fifo_consume(g, (unsigned int)__builtin_ctz(ready), &ready);
        ready |= atomic_exchange(word_ready, 0);
    }
}

static void twolevel_upcall(struct guest *g)
{
    struct shared_info *s = receiver->shared_info;
    uint64_t words = atomic_exchange(&receiver->vcpu[g->vcpu]->info->evtchn_pending_sel, 0);

    for (unsigned int i = 0; i < 64; i++) {
        uint64_t bits = (words >> i & 1u) != 0
                            ? atomic_load(&s->evtchn_pending[i]) & ~atomic_load(&s->evtchn_mask[i])
                            : 0;

        for (; bits != 0; bits &= bits - 1) {
            handle(g, i * 64 + (evtchn_port_t)__builtin_ctzll(bits));
        }
    }
}

static void upcall(struct guest *g)
{
    do {
        atomic_exchange(&receiver->vcpu[g->vcpu]->info->evtchn_upcall_pending, 0);
        if (fifo) {
            fifo_upcall(g);
        } else {
            twolevel_upcall(g);
        }
    } while (atomic_load(&receiver->vcpu[g->vcpu]->info->evtchn_upcall_pending) != 0);
}

/* Waits for all senders and the one that looks. */
static void meet(void)
{
    uint32_t now = atomic_load(&meeting);

    if (atomic_fetch_add(&waiting, 1u) == SENDERS) {
        atomic_store(&waiting, 0u);
        atomic_store_release(&meeting, now + 1u);
    }
    while (atomic_load_acquire(&meeting) == now) {
        host_yield();
    }
}

static void receive(unsigned int vcpu)
{
    struct guest g = {.vcpu = vcpu, .seed = vcpu + 17};

    while (!__atomic_load_n(&stop, __ATOMIC_ACQUIRE)) {
        uint32_t upcalls = atomic_load_acquire(&receiver->vcpu[vcpu]->arch.upcalls);

        if (upcalls != g.upcalls) {
            g.upcalls = upcalls;
            upcall(&g);
        } else {
            host_yield();
        }
    }
}

static void send_events(unsigned int seed)
{
    for (unsigned int i = 0; i < episodes * EPISODE; i++) {
        evtchn_port_t port = 1 + (evtchn_port_t)rand_r(&seed) % PORTS;

        __atomic_fetch_add(&sent[port], 1, __ATOMIC_RELEASE);
        op(evtchn_send(sender, peer[port]), "send");
        if (i % EPISODE == EPISODE - 1) {
            meet();
            meet();
        }
    }
}

static void connect(evtchn_port_t port)
{
    struct evtchn *a, *b;
    int rc = evtchn_alloc_unbound(receiver, sender->id);

    if (rc != (int)port) {
        op(-1, "alloc_unbound");
    }
    a = evtchn_get(receiver, port);
    b = evtchn_alloc(sender, &rc);
    b->u.peer = a;
    evtchn_open(b, EVTCHN_INTERDOMAIN, 0);
    a->u.peer = b;
    a->state = EVTCHN_INTERDOMAIN;
    atomic_store(&a->vcpu, (uint16_t)(port % VCPUS));
    spin_unlock(&evtchn_bind_lock);
    peer[port] = b->port;
}

static void use_fifo(void)
{
    struct evtchn_init_control control = {.offset = 64};
    uint64_t words = (SCENE_GUEST >> PAGE_SHIFT) + VCPUS;
    int rc;

    for (unsigned int i = 0; i < VCPUS; i++) {
        control.vcpu = i;
        control.control_gfn = (SCENE_GUEST >> PAGE_SHIFT) + i;
        op(evtchn_fifo_init_control(receiver, &control), "init_control");
    }
    do {
        rc = evtchn_fifo_expand_array(receiver, &words);
    } while (rc == -ERESTART);
    op(rc, "expand_array");
}

/* Nobody sends: what was sent must be taken soon. */
static void check_quiet(void)
{
    for (evtchn_port_t port = 1; port <= PORTS; port++) {
        uint64_t end = host_seconds() + HOST_WAIT_MAX;

        while (__atomic_load_n(&taken[port], __ATOMIC_ACQUIRE) != sent[port]) {
            if (host_seconds() > end) {
                printf("port %u: sent %u, last taken %u, word %08x\n", port, sent[port],
                       taken[port], *word(port));
                exit(1);
            }
            host_yield();
        }
    }
}

static void look(bool switches)
{
    if (switches) {
        use_fifo();
    }
    for (unsigned int i = 0; i < episodes; i++) {
        meet();
        check_quiet();
        meet();
    }
    __atomic_store_n(&stop, true, __ATOMIC_RELEASE);
}

static void play(unsigned int cpu)
{
    if (cpu < VCPUS) {
        receive(cpu);
    } else if (cpu < VCPUS + SENDERS) {
        send_events(first_seed * 7 + cpu);
    } else {
        look(later);
    }
}

/* One attempt in four fails: then 64 in a row never do, and nobody must be stopped. */
bool __wrap_host_atomic_fails(void)
{
    static _Thread_local uint32_t attempts;

    attempts = attempts * 1103515245u + 12345u;
    return (attempts >> 16 & 3u) == 0;
}

void __wrap_domain_pause_nowait(struct domain *d)
{
    (void)d;
    abort();
}

int main(int argc, char **argv)
{
    scene_boot(); /* first: it makes all variables new */
    sender = host_domain(0);
    receiver = host_domain(1);
    for (unsigned int i = 0; i <= VCPUS; i++) {
        frames[i] = page_va(p2m_get_page(receiver, gfn((SCENE_GUEST >> PAGE_SHIFT) + i), true));
    }
    later = argc > 1 && argv[1][0] == 's';
    fifo = later || (argc > 1 && argv[1][0] == 'f');
    episodes = argc > 2 ? (unsigned int)atoi(argv[2]) : 1000;
    first_seed = argc > 3 ? (unsigned int)atoi(argv[3]) : 1;
    if (fifo && !later) {
        use_fifo();
    }
    for (evtchn_port_t port = 1; port <= PORTS; port++) {
        connect(port);
    }
    host_preempt(2); /* work is pending at every other look */
    host_threads(VCPUS + SENDERS + 1u, play);
    printf("%s: nothing lost in %u episodes\n", fifo ? "fifo" : "2l", episodes);
    return 0;
}
