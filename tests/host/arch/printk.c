/* SPDX-License-Identifier: Apache-2.0 */
/*
 * printk for tests of the library, the device tree and boot parsing: keeps what was printed. Levels
 * stay in the text as they were written.
 */
#include "host.h"

#include <xen/format.h>
#include <xen/printk.h>

#include <stdarg.h>

extern void *malloc(size_t size);
extern void free(void *memory);

static char host_text[1 << 16];
static size_t host_used;

void *host_alloc(size_t size)
{
    return malloc(size);
}

void host_free(void *memory)
{
    free(memory);
}

const char *host_log(void)
{
    return host_text;
}

void host_log_clear(void)
{
    host_used = 0;
    host_text[0] = '\0';
}

void printk(const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    size_t length = vsnprintf(host_text + host_used, sizeof(host_text) - host_used, fmt, args);

    va_end(args);
    host_used += length;
    if (host_used >= sizeof(host_text)) {
        host_used = sizeof(host_text) - 1;
    }
}
