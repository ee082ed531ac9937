/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Interrupt files of guests against a model of the hardware [RVAIA 3]: the source of the port,
 * without headers. vCPUs are loaded at home, elsewhere, or off; messages come at each access to a
 * CSR, one by one or as a flood. Each message is taken, or kicks its vCPU, in the settle time, and
 * no hart is interrupted more often than it should. `model SEED STEPS`; or `model phase STEPS`: a
 * guest sends as many messages as its budget allows, at the worst moments for its neighbour.
 */
#include "machine.h"

static void virq_settle_later(void)
{
    if (settle_at[self->id] == 0) {
        settle_at[self->id] = now + MILLISECS(1);
    }
}

static void vcpu_kick(struct vcpu *v)
{
    v->kicked = true;
}

static void virq_raise(struct vcpu *v, uint64_t bits);

#include "body.h"

/* As in virq.c: its own hart merges at once, any other when it is told. */
static void virq_raise(struct vcpu *v, uint64_t bits)
{
    if (bits != VIRQ_FILE) {
        fail("another bit", v->id, 0);
    }
    if (v->arch.virq.loaded == self) {
        vimsic_merge(v);
    } else {
        v->arch.virq.raise = true;
        vcpu_kick(v);
    }
}

/* The guest takes what it sees. */
static void guest_takes(struct vcpu *v)
{
    uint32_t file = files[v->id].home == self ? files[v->id].home_file : VISITOR;
    struct guest_file *f = &harts[self->id].file[file];

    if (v->arch.virq.raise) {
        v->arch.virq.raise = false;
        vimsic_merge(v);
    }
    for (unsigned int id = 0; id < IDS; id++) {
        if ((f->eip[id / 64] >> id % 64 & 1u) != 0) {
            sent[v->id][id] = 0;
        }
    }
    memset(f->eip, 0, sizeof(f->eip));
}

/* This hart's vCPU sleeps; another one that is nowhere else is loaded, or none. */
static void hart_switch(void)
{
    struct vcpu *old = NULL, *next = &vcpus[rand() % VCPUS];

    for (unsigned int i = 0; i < VCPUS; i++) {
        old = vcpus[i].arch.virq.loaded == self ? &vcpus[i] : old;
    }
    if (old != NULL) {
        old->arch.virq.loaded = NULL;
        vimsic_save(old);
    }
    if (rand() % 2 == 0 && next->arch.virq.loaded == NULL) {
        next->kicked = false;
        vimsic_load(next);
        next->arch.virq.loaded = self;
    }
}

static void hart_interrupted(struct hart *h)
{
    for (unsigned int i = 0; i < VCPUS; i++) {
        if (vcpus[i].arch.virq.loaded == self && files[i].home == self &&
            (h->csr[CSR_HGEIE] >> files[i].home_file & 1u) != 0) {
            fail("a file in use may interrupt", self->id, i);
        }
    }
    if ((pending_files(h) & h->csr[CSR_HGEIE]) != 0) {
        h->interrupts++;
        vimsic_collect();
    }
}

static void hart_runs(unsigned int id)
{
    self = &cpus[id];
    if (settle_at[id] != 0 && settle_at[id] <= now) {
        settle_at[id] = 0;
        vimsic_settle();
    }
    hart_interrupted(&harts[id]);
    if (!quiet && rand() % 400 == 0) {
        hart_switch();
    }
    for (unsigned int i = 0; i < VCPUS; i++) {
        if (vcpus[i].arch.virq.loaded == self) {
            guest_takes(&vcpus[i]);
        }
    }
}

static void check(void)
{
    for (unsigned int v = 0; v < VCPUS; v++) {
        for (unsigned int id = 1; id < IDS; id++) {
            if (sent[v][id] != 0 && !vcpus[v].kicked && now - sent[v][id] > LATE) {
                fail("a message has not arrived", v, id);
            }
        }
    }
}

/* In any millisecond, for each of the three files: those of two windows, one too many for each; and
 * one for each vCPU that leaves. */
static void check_interrupts(void)
{
    for (unsigned int i = 0; i < HARTS; i++) {
        if (harts[i].interrupts > 3u * 2u * (COLLECT_MAX + 1u) + 8u) {
            fail("a hart is interrupted too often", i, harts[i].interrupts);
        }
        harts[i].interrupts = 0;
    }
}

static void start(void)
{
    for (unsigned int i = 0; i < HARTS; i++) {
        cpus[i].id = i;
        harts[i].csr[CSR_VSIE] = 1ul << IRQ_S_EXTERNAL;
        harts[i].csr[CSR_HGEIE] = (1ul << VISITOR) - 2u;
        for (unsigned int file = 1; file < VISITOR; file++) {
            memset(harts[i].file[file].eie, 0xff, sizeof(harts[i].file[file].eie));
            harts[i].file[file].delivery = 1;
        }
    }
    for (unsigned int i = 0; i < VCPUS; i++) {
        struct vimsic *f = &files[i];
        unsigned int home = i / 3u, file = 1u + i % 3u;

        *f = (struct vimsic){.home = &cpus[home], .home_file = file, .delivery = 1};
        f->eie = f->storage;
        f->eip = f->eie + WORDS;
        f->incoming = f->eip + WORDS;
        memset(f->eie, 0xff, WORDS * 8u);
        vcpus[i].id = i;
        vcpus[i].arch.virq.file = f;
        imsic_harts[home].owner[file] = &vcpus[i];
    }
}

/* vCPU 0 is off for ever and gets eight messages at the begin of each window; vCPU 1 sleeps, and
 * each of its messages must wake it. */
static void play_phase(unsigned long steps)
{
    for (now = 1; steps-- != 0; now++) {
        s_time_t phase = now % 1002;

        if (phase < 5 * (s_time_t)COLLECT_MAX && phase % 5 == 0) {
            message(0, 1u + (unsigned int)phase);
        }
        if (phase == 100) {
            vcpus[1].kicked = false;
            message(1, 7);
        }
        hart_runs(0);
        if (vcpus[1].kicked) {
            sent[1][7] = 0;
        }
        check();
    }
}

int main(int argc, char **argv)
{
    unsigned long steps = argc > 2 ? strtoul(argv[2], NULL, 0) : 100000;
    bool held = false;

    if (argc > 1 && strcmp(argv[1], "phase") == 0) {
        start();
        quiet = true;
        play_phase(steps);
        puts("ok");
        return 0;
    }
    srand(argc > 1 ? (unsigned int)atoi(argv[1]) : 1);
    start();
    while (steps-- != 0) {
        now++;
        if (rand() % 5000 == 0) {
            flooded = (unsigned int)rand() % 20000u;
        }
        for (unsigned int i = 0; i < HARTS; i++) {
            hart_runs(i);
            held |= imsic_harts[i].held != 0;
        }
        other_harts();
        check();
        if (now % 1000 == 0) {
            check_interrupts();
        }
    }
    puts(held ? "ok" : "nothing was held");
    return 0;
}
