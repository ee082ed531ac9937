/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Counting and printing of checks, the kernel's command line, the end.
 */
#include <guest/dt.h>
#include <guest/hypercall.h>
#include <guest/memory.h>
#include <guest/port.h>
#include <guest/print.h>
#include <guest/test.h>
#include <public/sched.h>

static unsigned int test_passed;
static unsigned int test_failed;
static unsigned int test_known;

/* The rest of the command line behind the word `name` (and an `=`), or null. */
static const char *test_word(const char *name)
{
    uint32_t length = 0;
    dt_node chosen = dt_child("chosen");
    const char *line = chosen ? dt_property(chosen, "bootargs", &length) : NULL;
    size_t size = strlen(name);
    for (const char *at = line; at && *at != 0; at++) {
        bool first = at == line || at[-1] == ' ';
        if (first && memcmp(at, name, size) == 0 && (at[size] <= ' ' || at[size] == '=')) {
            return at + size;
        }
    }
    return NULL;
}

bool on_xen(void)
{
    return test_word("oracle") != NULL;
}

bool option(const char *name, uint64_t *value)
{
    const char *at = test_word(name);
    if (!at || *at != '=') {
        return false;
    }
    *value = 0;
    for (at++; *at >= '0' && *at <= '9'; at++) {
        *value = *value * 10 + (uint64_t)(*at - '0');
    }
    return true;
}

void check(const char *name, bool holds)
{
    if (holds) {
        test_passed++;
        print("PASS %s\n", name);
    } else {
        test_failed++;
        print("FAIL %s\n", name);
    }
}

void check_eq(const char *name, int64_t got, int64_t want)
{
    if (got == want) {
        check(name, true);
    } else {
        test_failed++;
        print("FAIL %s: got %ld (0x%lx) want %ld (0x%lx)\n", name, got, (uint64_t)got, want,
              (uint64_t)want);
    }
}

void check_range(const char *name, int64_t got, int64_t low, int64_t high)
{
    if (got >= low && got <= high) {
        check(name, true);
    } else {
        test_failed++;
        print("FAIL %s: got %ld (0x%lx) want %ld to %ld\n", name, got, (uint64_t)got, low, high);
    }
}

void check_known(const char *name, int64_t got, int64_t want, int64_t xen, const char *why)
{
    if (got != (on_xen() ? xen : want)) {
        check_eq(name, got, on_xen() ? xen : want);
    } else {
        test_known++;
        print("KNOWN %s: %ld, Xen %ld: %s\n", name, want, xen, why);
    }
}

_Noreturn void finish_by(unsigned int cmd, void *arg)
{
    print("DONE passed %u failed %u known %u\n", test_passed, test_failed, test_known);
    if (port_event_irq() != 0) {
        print("FAIL the end: got %ld\n", sched_op(cmd, arg));
    }
    port_power_off();
}

_Noreturn void finish(void)
{
    struct sched_shutdown off = {.reason = SHUTDOWN_poweroff};
    finish_by(SCHEDOP_shutdown, &off);
}

_Noreturn void give_up(const char *why)
{
    test_failed++;
    print("FAIL %s\n", why);
    finish();
}
