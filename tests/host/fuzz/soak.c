/* SPDX-License-Identifier: Apache-2.0 */
/*
 * In libFuzzer's place for many calls: `soak SEED CALLS` feeds fuzz_hypercall with scenes of random
 * calls whose numbers, commands and words are often right, until that many were made, and checks
 * the invariants after each scene. A seed makes the same calls again; a scene that fails is told
 * by its own seed: `soak THAT 1` is that scene alone.
 */
#include "fuzz.h"

#include "host.h"
#include "machine.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define INPUT_MAX   (256u << 10)
#define CALL_ROOM   512  /* bytes of one call, at most */
#define SCENE_CALLS 2000 /* at most */
#define PROGRESS    10   /* seconds */

extern int debug_check(void); /* <xen/debug.h> */

/* Not in the program's data, which each new machine sets back. */
static _Thread_local uint8_t input[INPUT_MAX];
static _Thread_local size_t input_size;
static _Thread_local uint64_t state, scene_seed;

/* SplitMix64 [Steele, Lea, Flood 2014]. */
static uint64_t draw(void)
{
    uint64_t z = state += UINT64_C(0x9e3779b97f4a7c15);

    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

static uint64_t below(uint64_t n)
{
    return draw() % n;
}

static void put(uint64_t byte)
{
    input[input_size++] = (uint8_t)byte;
}

/* A word of a structure: small, two small halves (domains), at an edge, of an address of the scene,
 * anything. */
static uint32_t draw_word(void)
{
    static const uint32_t edges[] = {UINT32_MAX, 0x7ff0, 0x7ff1, 0x80000000, 0x7fffffff, 4096};
    static const uint32_t places[] = {0x40000000, 0x40000, 0x40001, 0x4000f, 0x40010};

    switch (below(8)) {
    case 0: return edges[below(sizeof(edges) / sizeof(edges[0]))];
    case 1: return places[below(sizeof(places) / sizeof(places[0]))];
    case 2: return (uint32_t)draw();
    case 3: return (uint32_t)below(300);
    default: return (uint32_t)below(5);
    }
}

/* One that is often right: a number of a domain, twice, or of a port, a grant, a vCPU. */
static uint32_t draw_tame_word(void)
{
    static const uint32_t domains[] = {0, 1, 0x7ff0};

    switch (below(4)) {
    case 0: return (uint32_t)below(10);
    case 1: return domains[below(3)];
    case 2: return domains[below(3)] | domains[below(3)] << 16;
    default: return (uint32_t)below(3);
    }
}

/* Little-endian. */
static void put_word(uint32_t word)
{
    for (unsigned int i = 0; i < 4; i++) {
        put(word >> 8 * i);
    }
}

/* Calls that only a structure with every word right gets far with: what they do, the index of the
 * argument that is its address, and its words: d a domain, e one in each half, p a small number,
 * f flags, a an address and g a frame of the scene, l a length and flags, 0 zero. */
static const struct recipe {
    uint8_t nr, command, place;
    const char *words;
} recipes[] = {
    {12, 7, 1, "dpp0g0"},     /* XENMEM_add_to_physmap */
    {12, 15, 1, "d0g0"},      /* XENMEM_remove_from_physmap */
    {20, 0, 1, "a0fpd000"},   /* GNTTABOP_map_grant_ref */
    {20, 0, 1, "a0fpd000"},   /* again: it is what others live on */
    {20, 1, 1, "a000p0"},     /* GNTTABOP_unmap_grant_ref */
    {20, 2, 1, "dp0000"},     /* GNTTABOP_setup_table */
    {20, 5, 1, "p0d0g0d0l0"}, /* GNTTABOP_copy, from a grant */
    {20, 5, 1, "g0d0p0d0l0"}, /* ... to a grant */
    {24, 10, 2, "g00000"},    /* VCPUOP_register_vcpu_info */
    {32, 0, 1, "dp0"},        /* EVTCHNOP_bind_interdomain */
    {32, 1, 1, "pp0"},        /* EVTCHNOP_bind_virq */
    {32, 3, 1, "p"},          /* EVTCHNOP_close */
    {32, 4, 1, "p"},          /* EVTCHNOP_send */
    {32, 6, 1, "e0"},         /* EVTCHNOP_alloc_unbound */
    {32, 7, 1, "p0"},         /* EVTCHNOP_bind_ipi */
    {32, 8, 1, "pp"},         /* EVTCHNOP_bind_vcpu */
    {32, 11, 1, "g00p"},      /* EVTCHNOP_init_control */
};

static uint32_t draw_of_kind(char kind)
{
    static const uint32_t domains[] = {0, 1, 1, 0x7ff0};

    switch (kind) {
    case 'd': return domains[below(4)];
    case 'e': return domains[below(4)] | domains[below(4)] << 16;
    case 'p': return (uint32_t)below(10);
    case 'f': return 2 | (uint32_t)below(32);
    case 'a': return (uint32_t)((below(2) == 0 ? 0x40000000 : 0x41000000) + (below(8) << 12));
    case 'g': return (uint32_t)(0x40000 + below(20));
    case 'l': return (uint32_t)(below(4097) | below(4) << 16);
    default: return 0;
    }
}

static void put_recipe(const struct recipe *r)
{
    put(draw() & 0x11); /* CPU and slice */
    put(r->nr);
    put(0); /* no spices */
    put(r->command << 3);
    for (unsigned int i = 1; i < 5; i++) {
        put(i == r->place ? 1 : below(3) << 3); /* two calls of a list, at most */
    }
    put(4 * strlen(r->words));
    for (const char *at = r->words; *at != '\0'; at++) {
        put_word(below(50) == 0 ? draw_word() : draw_of_kind(*at));
    }
}

/* The ordinary domain's first frame, which has its arguments, becomes its first grants: some of
 * what it writes there grants something. */
static void put_grants(void)
{
    static const uint32_t words[] = {0x7ff0, 1, 0, 0, 0x40000, 0};

    put(1);
    put(12);
    put(0);
    put(7 << 3); /* XENMEM_add_to_physmap */
    put(1);
    put(0);
    put(0);
    put(0);
    put(sizeof(words));
    for (unsigned int i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        put_word(words[i]);
    }
}

/* Writes grants, as a list of arguments: page g for domain 0 or 1, to read and write or to read. */
static void put_entries(void)
{
    put(1);
    put(17); /* xen_version, a command that does not look */
    put(0);
    put(0);
    put(1);
    put(0);
    put(0);
    put(0);
    put(64);
    for (unsigned int i = 0; i < 8; i++) {
        put_word(1 | (uint32_t)(below(4) == 0) << 2 | (uint32_t)below(2) << 16);
        put_word(draw_of_kind('g'));
    }
}

/* One call, as one_call() of core/hypercall.c reads it. */
static void put_call(void)
{
    static const uint8_t numbers[] = {12, 12, 12, 12, 13, 17, 18, 20, 20, 20, 20, 21, 24, 24,
                                      29, 29, 29, 32, 32, 32, 32, 34, 35, 35, 36, 36, 36, 36};
    static const uint8_t more[8] = {[4] = 2, [5] = 1, [6] = 4, [7] = 8}; /* bytes of an argument */
    uint8_t nr = numbers[below(sizeof(numbers))];
    bool by_structure = nr == 7 || nr == 13 || nr == 35 || nr == 36; /* the command is in there */
    bool tame = below(4) != 0;
    uint64_t words = below(20);

    put(below(4) == 0 ? draw() : draw() & 0x31); /* seldom an interrupt in its place */
    put(below(16) == 0 ? draw() : nr);
    put(draw() | (below(16) == 0 ? 0 : 3)); /* seldom the wrong version */
    if (by_structure) {
        put(1);
    } else {
        uint64_t command = below(below(2) == 0 ? 12 : 32);

        /* Seldom what puts the caller to sleep or ends it: block, shutdown, poll. */
        put((nr == 29 && command >= 1 && command <= 3 && below(64) != 0 ? 0 : command) << 3);
    }
    for (unsigned int i = 1; i < 5; i++) {
        uint64_t how = below(tame ? 16 : 3) == 0 ? draw() & 0xff : i == 1 ? 1 : below(4) << 3;

        put(how);
        for (unsigned int n = more[how & 7]; n != 0; n--) {
            put(below(5));
        }
    }
    put(4 * (words + by_structure));
    if (by_structure) {
        put(below(100)); /* a command */
        put(0);
        put(0);
        put(0);
    }
    while (words-- != 0) {
        put_word(tame ? draw_tame_word() : draw_word());
    }
}

/* Says which scene it was; the sanitizers and traps have said what. */
static void on_end(int number)
{
    fprintf(stderr, "soak: the scene with seed %" PRIu64 " ends by signal %d\n", scene_seed,
            number);
    _exit(1);
}

static void one_scene(uint64_t seed)
{
    uint64_t calls;

    scene_seed = state = seed;
    input_size = 0;
    if (below(2) == 0) {
        put_grants();
    }
    for (calls = 1 + below(SCENE_CALLS); calls != 0 && input_size < INPUT_MAX - CALL_ROOM;
         calls--) {
        uint64_t how = below(64);

        if (how == 0) {
            put_entries();
        } else if (how < 24) {
            put_recipe(&recipes[below(sizeof(recipes) / sizeof(recipes[0]))]);
        } else {
            put_call();
        }
    }
    fuzz_hypercall(input, input_size);
    /* Out of memory it has none to count pages with. */
    if (host_cpu_state(0) <= HOST_IDLE && host_cpu_state(1) <= HOST_IDLE && debug_check() > 0) {
        fprintf(stderr, "%s", host_log());
        abort();
    }
}

int main(int argc, char **argv)
{
    uint64_t seed = argc > 1 ? strtoull(argv[1], NULL, 10) : 1, scenes = 0;
    uint64_t calls = 0, succeeded = 0;
    uint64_t wanted = argc > 2 ? strtoull(argv[2], NULL, 10) : 1;
    time_t start = time(NULL), told = start;

    signal(SIGABRT, on_end);
    signal(SIGILL, on_end);
    signal(SIGSEGV, on_end);
    while (calls < wanted) {
        one_scene(seed++);
        scenes++;
        calls += fuzz_calls;
        succeeded += fuzz_succeeded;
        if (time(NULL) >= told + PROGRESS) {
            told = time(NULL);
            fprintf(stderr, "%" PRIu64 " calls in %ld s\n", calls, (long)(told - start));
        }
    }
    printf("ok: %" PRIu64 " calls in %" PRIu64 " scenes, %" PRIu64 " succeeded, in %ld s\n", calls,
           scenes, succeeded, (long)(time(NULL) - start));
    return 0;
}
