/* SPDX-License-Identifier: Apache-2.0 */
/* Messages of the hypervisor: levels, "(XEN) " and time stamps, rate limit for what guests
 * provoke. */
#include <xen/atomic.h>
#include <xen/cpu.h>
#include <xen/domain.h>
#include <xen/format.h>
#include <xen/lib.h>
#include <xen/opt.h>
#include <xen/printk.h>
#include <xen/ring.h>
#include <xen/string.h>
#include <xen/time.h>

#define LINE_MAX      512u
#define GUEST_BURST   10u        /* messages about guests ... */
#define GUEST_PERIOD  SECONDS(5) /* ... in this time */
#define PATIENCE      4000000u   /* looks at the lock: more than a line takes */
#define DEFAULT_LEVEL 2u         /* XENLOG_INFO */

const struct printk_sink *printk_sink;
static const struct cpu *unlocked; /* it prints without the lock: atomic */
static bool line_open;             /* the last output did not end its line, so no new prefix */

static void printk_emit(const char *text, size_t n)
{
    ring_put(text, n);
    if (printk_sink != NULL) {
        printk_sink->put(text, n);
    }
}

static void printk_prefix(void)
{
    char stamp[40];
    s_time_t now = time_now();

    printk_emit("(XEN) ", 6);
    if (opt.console_timestamps == TIMESTAMPS_RAW) {
        printk_emit(stamp, min_size(snprintf(stamp, sizeof(stamp), "[%016lx] ", arch_counter()),
                                    sizeof(stamp) - 1u));
    } else if (opt.console_timestamps != TIMESTAMPS_NONE) {
        printk_emit(stamp, min_size(snprintf(stamp, sizeof(stamp), "[%5ld.%06ld] ",
                                             now / SECONDS(1), now % SECONDS(1) / 1000),
                                    sizeof(stamp) - 1u));
    }
}

static void printk_text(const char *text)
{
    bool locks = atomic_load(&unlocked) != this_cpu();

    if (locks) {
        spin_lock(&console_lock);
    }
    while (*text != '\0') {
        const char *end = strchr(text, '\n');
        size_t n = end != NULL ? (size_t)(end - text) + 1u : strlen(text);

        if (!line_open) {
            printk_prefix();
        }
        printk_emit(text, n);
        line_open = end == NULL;
        text += n;
    }
    if (locks) {
        spin_unlock(&console_lock);
    }
}

/* Takes the level off a format: "\001" and a digit. */
static unsigned int printk_level(const char **fmt)
{
    unsigned int level = DEFAULT_LEVEL;

    if ((*fmt)[0] == '\001') {
        level = (unsigned int)((*fmt)[1] - '0');
        *fmt += 2;
    }
    return level;
}

void printk(const char *fmt, ...)
{
    unsigned int level = printk_level(&fmt);
    char line[LINE_MAX];
    va_list args;

    if (level >= opt.loglvl.print) {
        return;
    }
    va_start(args, fmt);
    vsnprintf(line, sizeof(line), fmt, args);
    va_end(args);
    printk_text(line);
}

/* May one more message about guests go out now? */
static bool printk_within_rate(void)
{
    static s_time_t period_start;
    static uint32_t count, dropped;
    s_time_t now = time_now();

    /* Races only make the limit inexact. */
    if (now - period_start > GUEST_PERIOD) {
        uint32_t lost = dropped;

        period_start = now;
        count = 0;
        dropped = 0;
        if (lost != 0) {
            printk(XENLOG_WARNING "%u messages about guests suppressed\n", lost);
        }
    }
    if (count < GUEST_BURST) {
        count++;
        return true;
    }
    dropped++;
    return false;
}

void guest_printk(const struct vcpu *v, const char *fmt, ...)
{
    unsigned int level = printk_level(&fmt);
    char line[LINE_MAX];
    va_list args;
    size_t n;

    if (level >= opt.guest_loglvl.print && level >= opt.guest_loglvl.limit) {
        return;
    }
    if (level >= opt.guest_loglvl.print && !printk_within_rate()) {
        return;
    }
    n = snprintf(line, sizeof(line), "d%uv%u ", v->d->id, v->id);
    va_start(args, fmt);
    vsnprintf(line + n, sizeof(line) - n, fmt, args);
    va_end(args);
    printk_text(line);
}

void printk_without_lock(void)
{
    /* Let others end their lines. The lock stays as it is: its holder may be another CPU, which then
     * gives it back. */
    for (uint32_t left = PATIENCE; spin_is_locked(&console_lock) && left != 0; left--) {
    }
    atomic_store(&unlocked, (const struct cpu *)this_cpu());
    line_open = false;
}
