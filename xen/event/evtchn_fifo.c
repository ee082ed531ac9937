/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Event channels, FIFO form: an array of event words in guest frames, and per vCPU a control block
 * with the heads of 16 queues, which are linked through the words [Xen: Event Channel FIFO ABI].
 * Frames are given by evtchn_fifo_setup.c.
 *
 * The guest clears PENDING, sets and clears MASKED, and unlinks the head of a queue (LINKED and
 * LINK at once). The hypervisor sets PENDING and LINKED, and LINK of the last word of a queue while
 * that is still linked. Which word was last in a queue, and where a port was linked last, is kept
 * here under one lock for all queues of the domain; what the guest writes can break only its own
 * queues.
 */
#include <xen/errno.h>
#include <xen/evtchn_fifo.h>
#include <xen/evtchn_port.h>
#include <xen/guest_atomic.h>

#define WORD_PENDING (1u << EVTCHN_FIFO_PENDING)
#define WORD_MASKED  (1u << EVTCHN_FIFO_MASKED)
#define WORD_LINKED  (1u << EVTCHN_FIFO_LINKED)
#define WORD_BUSY    (1u << EVTCHN_FIFO_BUSY)

/*
 * While a word is LINKED and BUSY a guest may still set MASKED, clear PENDING and unlink it, and
 * other CPUs may set PENDING, each once or twice before it is unlinked: more tries than this only a
 * guest needs that plays with the word.
 */
#define LINK_TRIES 8u

/* NULL: the guest has not given the frame yet. */
static event_word_t *evtchn_fifo_word(const struct evtchn_fifo *f, evtchn_port_t port)
{
    uint32_t nr = atomic_load_acquire(&f->nr_words);
    uint64_t i;

    if (unlikely(port >= nr)) {
        return NULL;
    }
    i = index_nospec(port, nr);
    return &f->words[i / FIFO_WORDS_PER_PAGE][i % FIFO_WORDS_PER_PAGE];
}

/* Make the last word of a queue point to `port`. false: it is not linked any more, the queue is
 * empty. */
static bool evtchn_fifo_link_tail(struct domain *d, event_word_t *tail, evtchn_port_t port)
{
    event_word_t w = atomic_load(tail);

    for (unsigned int i = 0; i < LINK_TRIES && (w & WORD_LINKED) != 0; i++) {
        event_word_t before = w;

        if (guest_atomic_cas32(d, tail, &w, (w & ~(WORD_BUSY | EVTCHN_FIFO_LINK_MASK)) | port)) {
            return true;
        }
        if (w == before) {
            break;
        }
        if (i == 0) {
            /* A guest that unmasks waits while BUSY is set, so it cannot go on changing the
             * word. */
            w = guest_atomic_or32(d, tail, WORD_BUSY) | WORD_BUSY;
        }
    }
    if ((w & WORD_BUSY) != 0) {
        (void)guest_atomic_and32(d, tail, ~WORD_BUSY);
    }
    /* A guest that changes the word for ever loses the event. */
    return (w & WORD_LINKED) != 0;
}

/* Put e at the end of its queue of v. true: the queue was empty and must be told as ready. Lock of
 * f held. */
static bool evtchn_fifo_enqueue(struct evtchn_fifo *f, const struct vcpu *v, struct evtchn *e,
                                unsigned int priority)
{
    struct evtchn_fifo_vcpu *fv = &f->vcpu[v->id];
    evtchn_port_t *old_tail = &f->vcpu[e->last_vcpu].tail[e->last_priority];
    evtchn_port_t tail;

    /* It was the last of a queue that is empty by now; the LINKED bit just set must not make that
     * queue look in use. */
    if (*old_tail == e->port) {
        *old_tail = 0;
    }
    e->last_vcpu = (uint16_t)v->id;
    e->last_priority = (uint8_t)priority;

    tail = fv->tail[priority];
    fv->tail[priority] = e->port;
    if (tail != 0 && evtchn_fifo_link_tail(e->d, evtchn_fifo_word(f, tail), e->port)) {
        return false;
    }
    atomic_store(&fv->block->head[priority], e->port);
    return true;
}

/* Link e unless somebody else did, and tell v. */
static void evtchn_fifo_link(struct evtchn_fifo *f, struct vcpu *v, struct evtchn *e,
                             event_word_t *word)
{
    struct evtchn_fifo_vcpu *fv = &f->vcpu[v->id];
    unsigned int priority = atomic_load(&e->priority);
    bool first = false;

    /* Without a control block the vCPU cannot have unmasked anything: its mistake, its loss. */
    if (unlikely(atomic_load_acquire(&fv->block) == NULL)) {
        return;
    }
    spin_lock(&f->lock);
    if ((guest_atomic_or32(e->d, word, WORD_LINKED) & WORD_LINKED) == 0) {
        first = evtchn_fifo_enqueue(f, v, e, priority);
    }
    spin_unlock(&f->lock);
    /* The exchange publishes the head. */
    if (first &&
        (guest_atomic_or32(e->d, &fv->block->ready, 1u << priority) & 1u << priority) == 0) {
        evtchn_mark_pending(v);
    }
}

static void evtchn_fifo_set_pending(struct vcpu *v, struct evtchn *e)
{
    struct evtchn_fifo *f = e->d->events.fifo;
    event_word_t *word = evtchn_fifo_word(f, e->port);
    event_word_t old;

    if (unlikely(word == NULL)) {
        atomic_store(&e->pending, true);
        smp_mb(); /* evtchn_fifo_expand_array makes the word known and then looks at `pending` */
        word = evtchn_fifo_word(f, e->port);
        if (word == NULL) {
            return;
        }
    }
    /* One exchange says all: a guest that unmasks later finds PENDING, one that did before is seen
     * here. */
    old = guest_atomic_or32(e->d, word, WORD_PENDING);
    if ((old & (WORD_MASKED | WORD_LINKED)) == 0) {
        evtchn_fifo_link(f, v, e, word);
    }
    if ((old & WORD_PENDING) == 0) {
        smp_mb(); /* a poller sets its bit and then looks at PENDING */
        evtchn_wake_pollers(e->d, e->port);
    }
}

static void evtchn_fifo_clear_pending(struct evtchn *e)
{
    event_word_t *word = evtchn_fifo_word(e->d->events.fifo, e->port);

    /* It may stay linked: the guest takes it off its queue and ignores what is not pending. */
    if (word != NULL) {
        (void)guest_atomic_and32(e->d, word, ~WORD_PENDING);
    } else {
        (void)evtchn_2l_take(e);
    }
}

static void evtchn_fifo_unmask(struct vcpu *v, struct evtchn *e)
{
    event_word_t *word = evtchn_fifo_word(e->d->events.fifo, e->port);

    if (word != NULL && (guest_atomic_and32(e->d, word, ~WORD_MASKED) & WORD_PENDING) != 0) {
        evtchn_fifo_set_pending(v, e);
    }
}

static event_word_t evtchn_fifo_read(const struct evtchn *e, event_word_t absent)
{
    const event_word_t *word = evtchn_fifo_word(e->d->events.fifo, e->port);

    return word != NULL ? atomic_load(word) : absent;
}

static bool evtchn_fifo_is_pending(const struct evtchn *e)
{
    return (evtchn_fifo_read(e, 0) & WORD_PENDING) != 0;
}

static bool evtchn_fifo_is_masked(const struct evtchn *e)
{
    return (evtchn_fifo_read(e, WORD_MASKED) & WORD_MASKED) != 0;
}

static bool evtchn_fifo_is_busy(const struct evtchn *e)
{
    return (evtchn_fifo_read(e, 0) & WORD_LINKED) != 0;
}

/* For the next event; one that is linked stays where it is. */
static int evtchn_fifo_set_priority(struct evtchn *e, uint32_t priority)
{
    if (priority > EVTCHN_FIFO_PRIORITY_MIN) {
        return -EINVAL;
    }
    atomic_store(&e->priority, (uint8_t)priority);
    return 0;
}

const struct evtchn_ops evtchn_fifo_ops = {
    .max_ports = EVTCHN_FIFO_NR_CHANNELS,
    .set_pending = evtchn_fifo_set_pending,
    .clear_pending = evtchn_fifo_clear_pending,
    .unmask = evtchn_fifo_unmask,
    .is_pending = evtchn_fifo_is_pending,
    .is_masked = evtchn_fifo_is_masked,
    .is_busy = evtchn_fifo_is_busy,
    .set_priority = evtchn_fifo_set_priority,
};
