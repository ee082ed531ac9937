/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SBI debug console [RVSBI 12]: text of the domain that has the console, in guest-physical memory.
 * A call does what it can without keeping others waiting and says how much that was.
 */
#include <asm/vsbi.h>
#include <xen/console.h>
#include <xen/domain.h>
#include <xen/guest_copy.h>
#include <xen/hypercall.h>
#include <xen/lib.h>

#define SLICE     128u /* bytes between looks at pending work */
#define CALL_MOST 4096u

/* Where args[0] bytes at the address in args[1] and args[2] are not all below 2^64 [RVSBI 3.2]. */
static bool dbcn_refuses(const uint64_t *args)
{
    uint64_t end;

    return args[2] != 0 || add_overflows(args[1], args[0], &end);
}

void vsbi_put(struct vcpu *v, char c)
{
    while (console_write_guest(v->d, &c, 1) == 0) {
    }
}

static long dbcn_write(struct vcpu *v, const uint64_t *args, uint64_t *value)
{
    uint64_t n = min_u64(args[0], CALL_MOST);
    char text[SLICE];

    if (dbcn_refuses(args)) {
        return SBI_ERR_INVALID_PARAM;
    }
    /* Linux takes 0 for an error and throws its text away: one character is always waited for. */
    if (n != 0) {
        if (guest_copy_from_gpa(v->d, text, args[1], 1) != 0) {
            return SBI_ERR_INVALID_PARAM;
        }
        vsbi_put(v, text[0]);
        *value = 1;
    }
    while (*value < n && !hypercall_preempt()) {
        size_t part = min_size(n - *value, sizeof(text)), done;

        if (guest_copy_from_gpa(v->d, text, args[1] + *value, part) != 0) {
            break; /* what was written is written */
        }
        done = console_write_guest(v->d, text, part);
        *value += done;
        if (done < part) {
            break; /* the device is full */
        }
    }
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
    char c = (char)args[0];

    switch (function) {
    case SBI_DBCN_WRITE: return dbcn_write(v, args, value);
    case SBI_DBCN_READ: return dbcn_read(v, args, value);
    case SBI_DBCN_WRITE_BYTE: vsbi_put(v, c); return SBI_SUCCESS;
    default: return SBI_ERR_NOT_SUPPORTED;
    }
}
