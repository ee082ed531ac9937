/*
 * Input and the guests' side of the console: characters go to the domain that has the input or to
 * the debug keys; Ctrl-A three times switches; console_io carries text of privileged domains.
 */
#include <public/xen.h>
#include <xen/cmdline.h>
#include <xen/console.h>
#include <xen/domain.h>
#include <xen/errno.h>
#include <xen/guest_copy.h>
#include <xen/hypercall.h>
#include <xen/keys.h>
#include <xen/lib.h>
#include <xen/op.h>
#include <xen/printk.h>

#include <xen/ring.h>

#define INPUT_SIZE   256u /* a power of two */
#define WRITE_SLICE  128u /* bytes of guest text between looks at pending work */
#define SWITCH_COUNT 3u

static char input[INPUT_SIZE];
static uint32_t input_in, input_out;
static struct domain *focus; /* NULL: the hypervisor */
static struct domain *last;  /* whom Ctrl-A gives the input back to */

void console_init(void)
{
    console_uart_init();
}

void console_init_irq(void)
{
    spin_lock(&console_lock);
    ring_grow();
    spin_unlock(&console_lock);
    console_uart_init_irq();
}

static char switch_key(void)
{
    return opt.conswitch[0] >= 'a' && opt.conswitch[0] <= 'z' ? (char)(opt.conswitch[0] - 'a' + 1)
                                                              : 0;
}

static void announce(void)
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
    announce();
}

bool console_has_input_focus(const struct domain *d)
{
    return focus == d;
}

static void deliver(char c)
{
    if (focus == NULL) {
        keys_handle(c);
        return;
    }
    spin_lock(&console_lock);
    if (input_in - input_out < INPUT_SIZE) {
        input[input_in++ & (INPUT_SIZE - 1u)] = c;
    }
    spin_unlock(&console_lock);
    evtchn_raise_global_virq(VIRQ_CONSOLE);
}

void console_input(char c)
{
    static unsigned int switches;

    if (switch_key() != 0 && c == switch_key()) {
        if (++switches == SWITCH_COUNT) {
            switches = 0;
            focus = focus == NULL ? last : NULL;
            announce();
        }
        return;
    }
    for (; switches != 0; switches--) {
        deliver(switch_key());
    }
    deliver(c);
}

size_t console_read_guest(struct domain *d, char *text, size_t n)
{
    size_t done = 0;

    if (!d->is_hardware) {
        return 0;
    }
    spin_lock(&console_lock);
    while (done < n && input_out != input_in) {
        text[done++] = input[input_out++ & (INPUT_SIZE - 1u)];
    }
    spin_unlock(&console_lock);
    return done;
}

size_t console_write_guest(struct domain *d, const char *text, size_t n)
{
    (void)d;
    spin_lock(&console_lock);
    n = console_uart_try(text, n);
    if (opt.console_to_ring) {
        ring_put(text, n);
    }
    spin_unlock(&console_lock);
    return n;
}

/* Of reg: command, bytes, address of the text. The count is an int in Xen's ABI. */
static bool console_count_ok(const struct op_call *call)
{
    call->reg[1] = (uint32_t)call->reg[1];
    return call->reg[1] <= INT32_MAX;
}

static long console_write(struct op_call *call)
{
    uint64_t *arg = call->reg;
    char text[WRITE_SLICE];

    if (!console_count_ok(call)) {
        return -EINVAL;
    }
    while (arg[1] != 0) {
        size_t n = min_size(arg[1], sizeof(text)), done;

        if (guest_copy_from(text, arg[2], n) != 0) {
            return -EFAULT;
        }
        done = console_write_guest(call->d, text, n);
        arg[1] -= done;
        arg[2] += done;
        /* A character takes 87 us at 115200 baud: interrupts do not wait for it. */
        if (arg[1] != 0 && (done < n || hypercall_preempt())) {
            return -ERESTART;
        }
    }
    return 0;
}

static long console_read(struct op_call *call)
{
    char text[INPUT_SIZE];
    size_t n;

    if (!console_count_ok(call)) {
        return -EINVAL;
    }
    n = console_read_guest(call->d, text, min_size(call->reg[1], sizeof(text)));
    return guest_copy_to(call->reg[2], text, n) != 0 ? -EFAULT : (long)n;
}

static const struct op console_rows[] = {
    [CONSOLEIO_write] = OP_BARE(console_write, ACCESS_CONTROL),
    [CONSOLEIO_read] = OP_BARE(console_read, ACCESS_CONTROL),
};

static const struct op console_others = OP_BARE(op_unknown, ACCESS_CONTROL);

const struct op_table console_ops = {console_rows, ARRAY_SIZE(console_rows), 0, &console_others};

long do_console_io(struct vcpu *v, uint64_t *arg)
{
    return op_run(v, &console_ops, arg[0], 0, arg);
}
