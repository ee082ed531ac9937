/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SBI debug console [RVSBI 12]: text in guest-physical memory to the domain's console, and back. A
 * call does what it can without keeping others waiting and says how much that was.
 */
#include <asm/vsbi.h>
#include <xen/console.h>
#include <xen/domain.h>
#include <xen/errno.h>
#include <xen/guest_copy.h>
#include <xen/hypercall.h>
#include <xen/lib.h>
#include <xen/sched.h>

#define SLICE     128u /* bytes between looks at pending work */
#define CALL_MOST 4096u

/* Where args[0] bytes at the address in args[1] and args[2] are not all below 2^64 [RVSBI 3.2]. */
static bool dbcn_refuses(const uint64_t *args)
{
    uint64_t end;

    return args[2] != 0 || add_overflows(args[1], args[0], &end);
}

/*
 * Nothing was written, by console_write_guest's result. What waits is a call that is made again:
 * interrupts do not wait with it, and other vCPUs may run. Returning 0 bytes is no way out: Linux
 * takes that for an error and throws its text away.
 */
static long dbcn_nothing(struct vcpu *v, long error, const uint64_t *args, uint64_t *value)
{
    switch (error) {
    case 0:
        if (!v->d->is_hardware) {
            sched_yield(v); /* dom0 may be who reads; a UART does not wait for others */
        }
        return vsbi_repeat(v, args, value);
    case -EFAULT: return SBI_ERR_INVALID_PARAM;
    default: return SBI_ERR_FAILED;
    }
}

long vsbi_put(struct vcpu *v, char c, const uint64_t *args, uint64_t *value)
{
    long done = console_write_guest(v->d, &c, 1);

    return done > 0 ? SBI_SUCCESS : dbcn_nothing(v, done, args, value);
}

static long dbcn_write(struct vcpu *v, const uint64_t *args, uint64_t *value)
{
    uint64_t n = min_u64(args[0], CALL_MOST), done = 0;
    char text[SLICE];
    long part = 1;

    if (dbcn_refuses(args)) {
        return SBI_ERR_INVALID_PARAM;
    }
    while (done < n && part > 0) {
        size_t size = min_size(n - done, sizeof(text));

        if (guest_copy_from_gpa(v->d, text, args[1] + done, size) != 0) {
            part = -EFAULT;
            break;
        }
        part = console_write_guest(v->d, text, size);
        done += part > 0 ? (uint64_t)part : 0;
        if (hypercall_preempt()) {
            break;
        }
    }
    if (part <= 0 && done == 0) {
        return dbcn_nothing(v, part, args, value);
    }
    *value = done;
    return SBI_SUCCESS;
}

static long dbcn_read(struct vcpu *v, const uint64_t *args, uint64_t *value)
{
    char text[SLICE];
    size_t n = min_size(args[0], sizeof(text));

    /* The place is tried with what is there, so that no character is lost. */
    if (dbcn_refuses(args) || guest_copy_from_gpa(v->d, text, args[1], n) != 0 ||
        guest_copy_to_gpa(v->d, args[1], text, n) != 0) {
        return SBI_ERR_INVALID_PARAM;
    }
    n = console_read_guest(v->d, text, n);
    if (guest_copy_to_gpa(v->d, args[1], text, n) != 0) {
        return SBI_ERR_FAILED;
    }
    *value = n;
    return SBI_SUCCESS;
}

long vsbi_dbcn(struct vcpu *v, uint64_t function, const uint64_t *args, uint64_t *value)
{
    switch (function) {
    case SBI_DBCN_WRITE: return dbcn_write(v, args, value);
    case SBI_DBCN_READ: return dbcn_read(v, args, value);
    case SBI_DBCN_WRITE_BYTE: return vsbi_put(v, (char)args[0], args, value);
    default: return SBI_ERR_NOT_SUPPORTED;
    }
}
