/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Input of the console, and guests' text on it: characters go to the domain that has the input or
 * to the debug keys; Ctrl-A three times switches.
 */
#include <arch/mm.h>
#include <public/xen.h>
#include <xen/console.h>
#include <xen/domain.h>
#include <xen/lib.h>
#include <xen/opt.h>
#include <xen/printk.h>
#include <xen/rangeset.h>
#include <xen/ring.h>
#include <xen/uart.h>

#define INPUT_SIZE   256u /* a power of two */
#define SWITCH_COUNT 3u

static char input[INPUT_SIZE];
static uint32_t input_in, input_out;
static void (*keys)(char c); /* debug keys; NULL: not there yet */
static struct domain *focus; /* NULL: the hypervisor */
static struct domain *last;  /* whom Ctrl-A gives the input back to */

void console_take_ring(struct rangeset *free)
{
    uint32_t size = ring_size_of(opt.conring_size);
    uint64_t at;

    if (opt.conring_size <= RING_SIZE_FIRST) {
        return;
    }
    if (rangeset_place(free, size, PAGE_SIZE, 0, UINT64_MAX, true, &at) != 0 ||
        rangeset_remove(free, at, at + size) != 0) {
        printk(XENLOG_WARNING "conring_size=%uK: no memory for it: it stays %uK\n", size >> 10,
               RING_SIZE_FIRST >> 10);
        return;
    }
    ring_grow(arch_pa_to_va(at), size);
}

void console_key(char c)
{
    if (keys != NULL) {
        keys(c);
    }
}

static char console_switch_key(void)
{
    return opt.conswitch[0] >= 'a' && opt.conswitch[0] <= 'z' ? (char)(opt.conswitch[0] - 'a' + 1)
                                                              : 0;
}

static void console_announce(void)
{
    if (focus != NULL) {
        printk("*** Serial input to DOM%u (type 'CTRL-%c' three times to switch input)\n",
               focus->id, opt.conswitch[0] != '\0' ? opt.conswitch[0] : 'a');
    } else {
        printk(
            "*** Serial input to Xen (type 'CTRL-%c' three times to switch input; 'h' for help)\n",
            opt.conswitch[0] != '\0' ? opt.conswitch[0] : 'a');
    }
}

void console_set_input(struct domain *d)
{
    last = d;
    /* conswitch=<key>x: input begins with the hypervisor */
    focus = opt.conswitch[0] != '\0' && opt.conswitch[1] == 'x' ? NULL : d;
    console_announce();
}

static void console_deliver(char c)
{
    if (focus == NULL) {
        console_key(c);
        return;
    }
    spin_lock(&console_lock);
    if (input_in - input_out < INPUT_SIZE) {
        input[input_in++ & (INPUT_SIZE - 1u)] = c;
    }
    spin_unlock(&console_lock);
    evtchn_raise_global_virq(VIRQ_CONSOLE);
}

static void console_input(char c)
{
    static unsigned int switches;

    if (console_switch_key() != 0 && c == console_switch_key()) {
        if (++switches == SWITCH_COUNT) {
            switches = 0;
            focus = focus == NULL ? last : NULL;
            console_announce();
        }
        return;
    }
    for (; switches != 0; switches--) {
        console_deliver(console_switch_key());
    }
    console_deliver(c);
}

void console_init_irq(void (*key)(char c))
{
    keys = key;
    uart_init_irq(console_input);
}

size_t console_read_guest(struct domain *d, char *text, size_t n)
{
    size_t done = 0;

    if (!d->is_hardware) {
        return pv_console_read(d, text, n);
    }
    spin_lock(&console_lock);
    while (done < n && input_out != input_in) {
        text[done++] = input[input_out++ & (INPUT_SIZE - 1u)];
    }
    spin_unlock(&console_lock);
    return done;
}

bool console_is_there(struct domain *d)
{
    return d->is_hardware || pv_console_there(d);
}

long console_write_guest(struct domain *d, const char *text, size_t n)
{
    if (!d->is_hardware) {
        return pv_console_write(d, text, n);
    }
    spin_lock(&console_lock);
    n = uart_try(text, n);
    if (opt.console_to_ring) {
        ring_put(text, n);
    }
    spin_unlock(&console_lock);
    return (long)n;
}
