/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Random command lines: options stay within their bounds whatever the line is.
 */
#include "fuzz.h"
#include "host.h"

#include <xen/cmdline.h>
#include <xen/string.h>

void fuzz_cmdline(const uint8_t *data, size_t size)
{
    char *line = host_alloc(size + 1);

    memcpy(line, data, size);
    line[size] = '\0';
    cmdline_parse(line);
    cmdline_report();
    if (strnlen(opt.console, sizeof(opt.console)) == sizeof(opt.console) ||
        opt.dom0_max_vcpus_min > opt.dom0_max_vcpus_max ||
        opt.console_timestamps > TIMESTAMPS_RAW || opt.loglvl.print > opt.loglvl.limit) {
        __builtin_trap();
    }
    host_log_clear();
    host_free(line);
}
