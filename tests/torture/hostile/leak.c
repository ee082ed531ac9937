/* SPDX-License-Identifier: Apache-2.0 */
/*
 * T8: a domain fills its memory and registers with a pattern and is destroyed; the next ones look
 * for it, in all their memory and in the registers that they start with.
 */
#include <public/arch.h>
#include <public/memory.h>
#include <torture/hostile.h>

enum {
    FILL = 1,
    SCAN = 2,
    ROUNDS = 3,
    PROBE_PAGE = 64 /* of the clone: the words that port_probe keeps */
};

#define PATTERN 0x6c65616b6c65616bUL /* no other code or data has it */

static uint64_t *ram(uint64_t frame)
{
    return (uint64_t *)(uintptr_t)(GUEST_RAM0_BASE + (frame << PAGE_SHIFT));
}

static void leak_fill(void)
{
    for (uint64_t frame = CLONE_ARGS; frame < CLONE_PAGES; frame++) {
        if (frame == CLONE_IMAGE) {
            frame = CLONE_SPARE;
        }
        for (unsigned int i = 0; i < PAGE_SIZE / 8; i++) {
            ram(frame)[i] = PATTERN;
        }
        control->beat[0]++;
    }
    control->value[0] = 1;
    machine_fill(PATTERN);
}

static void leak_scan(void)
{
    uint64_t found = 0;
    for (uint64_t frame = CLONE_ARGS; frame < CLONE_PAGES; frame++) {
        if (frame == CLONE_IMAGE) {
            frame = CLONE_SPARE;
        }
        for (unsigned int i = 0; i < PAGE_SIZE / 8; i++) {
            found += ram(frame)[i] == PATTERN;
        }
        control->beat[0]++;
    }
    control->value[0] = found;
}

void leak_clone(void)
{
    if (control->mode == FILL) {
        leak_fill();
    } else {
        leak_scan();
    }
}

/* A domain that keeps the registers it started with. */
static unsigned int registers(void)
{
    struct control order = {.vcpus = 1};
    struct vcpu_guest_context context = {0};
    struct clone clone;
    unsigned int found = 0;
    uint64_t base = GUEST_RAM0_BASE >> PAGE_SHIFT;
    clone_make(&clone, 0, &order);
    uint8_t *code = clone_window(&clone, 0, base + PROBE_PAGE + 1);
    volatile uint64_t *words = clone_window(&clone, 1, base + PROBE_PAGE);
    memcpy(code, port_probe, (size_t)(port_probe_end - port_probe));
    port_first_context(&context, (base + PROBE_PAGE + 1) << PAGE_SHIFT,
                       (base + PROBE_PAGE) << PAGE_SHIFT);
    if (domain_set_context(clone.domain, 0, &context) != 0) {
        give_up("setvcpucontext");
    }
    clone_start(&clone);
    for (unsigned int i = 0; i < 10000 && words[PORT_PROBE_WORDS] == 0; i++) {
        hostile_turn();
    }
    check_eq("T8: the probe ran", (int64_t)words[PORT_PROBE_WORDS], 1);
    for (unsigned int i = 0; i < 2 * PORT_PROBE_WORDS; i++) {
        found += words[i] == PATTERN || (uint32_t)words[i] == (uint32_t)PATTERN;
    }
    clone_unwindow(0);
    clone_unwindow(1);
    clone_destroy(&clone);
    return found;
}

void leak_dom0(void)
{
    uint64_t calls = 0;
    for (uint64_t round = 0; round < hostile_scaled(ROUNDS); round++) {
        struct clone clones[2];
        struct control order = {.vcpus = 1, .mode = FILL};
        for (unsigned int i = 0; i < 2; i++) {
            clone_make(&clones[i], i, &order);
            clone_start(&clones[i]);
        }
        for (unsigned int i = 0; i < 2; i++) {
            while (clones[i].control->value[0] == 0 && !clone_ended(&clones[i])) {
                hostile_turn();
            }
            check_eq("T8: filled", (int64_t)clones[i].control->value[0], 1);
        }
        for (unsigned int i = 0; i < 2; i++) {
            calls += clone_beats(&clones[i]);
            clone_destroy(&clones[i]);
        }
        check_eq("T8: registers with another domain's values", registers(), 0);
        order.mode = SCAN;
        for (unsigned int i = 0; i < 2; i++) {
            clone_make(&clones[i], i, &order);
            clone_start(&clones[i]);
            check("T8: the clone came to the end", clone_watch(&clones[i]));
            check_eq("T8: words of another domain", (int64_t)clones[i].control->value[0], 0);
            calls += clone_beats(&clones[i]);
        }
        clone_destroy(&clones[0]);
        clone_destroy(&clones[1]);
    }
    print("CALLS T8 %lu\n", calls);
}
