/* SPDX-License-Identifier: Apache-2.0 */
/* console_io: text of privileged domains to the console, and what was typed for them. */
#include <public/xen.h>
#include <xen/console.h>
#include <xen/domain.h>
#include <xen/errno.h>
#include <xen/guest_copy.h>
#include <xen/hypercall.h>
#include <xen/lib.h>
#include <xen/op.h>

#define WRITE_SLICE 128u /* bytes of guest text between looks at pending work */
#define READ_MAX    256u /* bytes: as many as the console keeps */

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
        size_t n = min_size(arg[1], sizeof(text));
        long done;

        if (guest_copy_from(text, arg[2], n) != 0) {
            return -EFAULT;
        }
        done = console_write_guest(call->d, text, n);
        if (done < 0) {
            return done;
        }
        arg[1] -= (uint64_t)done;
        arg[2] += (uint64_t)done;
        /* A character takes 87 us at 115200 baud: interrupts do not wait for it. */
        if (arg[1] != 0 && ((size_t)done < n || hypercall_preempt())) {
            return -ERESTART;
        }
    }
    return 0;
}

static long console_read(struct op_call *call)
{
    char text[READ_MAX];
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

const struct op_table console_ops = {OP_TABLE(op_run, console_rows), .others = &console_others};
