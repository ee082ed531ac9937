/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Random hypercalls: a machine with two CPUs, dom0 on one and an ordinary domain on the other, and
 * calls by both with arguments made of the input. The machine may be switched off or reset by dom0,
 * nothing else may end it: no panic, no endless work.
 */
#include "../fuzz.h"

#include "host.h"
#include "machine.h"
#include "scene.h"

#include <public/domctl.h>
#include <xen/string.h>

#define PAYLOAD 256
#define SLICE   500 /* looks at pending work in one go */
#define REPEATS 20  /* of a call, before the guest gives up */

uint64_t fuzz_calls, fuzz_succeeded; /* 0 in each new machine, as all variables */

struct input {
    const uint8_t *at;
    size_t left;
};

static uint64_t take(struct input *in, unsigned int bytes)
{
    uint64_t value = 0;

    for (; bytes != 0 && in->left != 0; bytes--, in->left--) {
        value = value << 8 | *in->at++;
    }
    return value;
}

/* Small numbers, addresses of the payload and beside it, and anything. */
static uint64_t argument(struct input *in, uint64_t payload)
{
    uint64_t how = take(in, 1);

    switch (how & 7) {
    case 0: return how >> 3;
    case 1: return payload;
    case 2: return payload + (how >> 3);
    case 3: return payload + 4096 - (how >> 3);
    case 4: return take(in, 2);
    case 5: return UINT64_MAX - take(in, 1);
    case 6: return take(in, 4);
    default: return take(in, 8);
    }
}

/* Words of the payload that are often right: versions, frames, addresses, domains. */
static void spice(uint8_t *data, uint64_t payload, uint64_t how)
{
    uint32_t version = (how & 1) != 0 ? XEN_DOMCTL_INTERFACE_VERSION : 0x15;
    uint64_t address = payload + 128, frame = payload >> 12;

    if ((how & 2) != 0) {
        memcpy(data + 4, &version, sizeof(version));
    }
    if ((how & 4) != 0) {
        memcpy(data + (how >> 3 & 0x38), &address, sizeof(address));
    }
    if ((how & 8) != 0) {
        memcpy(data + (how >> 1 & 0x38), &frame, sizeof(frame));
    }
}

static void one_call(struct input *in)
{
    unsigned int cpu = (unsigned int)take(in, 1);
    uint64_t nr = take(in, 1), spices = take(in, 1), arg[5];
    uint8_t data[PAYLOAD] = {0};
    uint64_t payload;
    int64_t result;
    int running;

    /* Always in the end: a guest may ask for more than it could ever wait for. */
    host_preempt((cpu >> 4 & 7) != 0 ? cpu >> 4 & 7 : SLICE);
    running = host_running(cpu & 1);
    payload = running >> 16 == 0 ? scene_scratch : SCENE_GUEST;
    for (unsigned int i = 0; i < 5; i++) {
        arg[i] = argument(in, payload);
    }
    for (uint64_t n = take(in, 1), i = 0; i < n && i < PAYLOAD && in->left != 0; i++) {
        data[i] = (uint8_t)take(in, 1);
    }
    if ((cpu & 8) != 0 || running < 0) {
        host_raise(32 + (cpu >> 4));
        host_advance(1000000);
        return;
    }
    spice(data, payload, spices);
    (void)host_guest_write((uint16_t)(running >> 16), payload, data, sizeof(data));
    fuzz_calls++;
    if (host_hypercall(cpu & 1, nr < 64 ? nr : arg[4], arg, &result) <= HOST_IDLE) {
        fuzz_succeeded += result >= 0;
    }
}

/* Was it dom0's wish, or the core's mistake? */
static void check_end(void)
{
    for (unsigned int cpu = 0; cpu < 2; cpu++) {
        if (host_cpu_state(cpu) == HOST_DEADLOCK) {
            __builtin_trap();
        }
    }
    if (strstr(host_log(), "Panic on CPU") != NULL) {
        __builtin_trap();
    }
}

void fuzz_hypercall(const uint8_t *data, size_t size)
{
    struct input in = {data, size};

    scene_boot();
    host_repeats(REPEATS);
    host_clock_step(5400); /* so that waiting for a reboot ends */
    host_log_clear();
    while (in.left != 0 && host_cpu_state(0) <= HOST_IDLE && host_cpu_state(1) <= HOST_IDLE) {
        one_call(&in);
    }
    host_advance(1000000);
    check_end();
}
