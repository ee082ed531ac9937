/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the command line says, set by xen/boot/cmdline.c, read everywhere. The options of hypfs.c may
 * change at any time: who reads one twice may see two values.
 */
#pragma once

#include <xen/types.h>

#define CMDLINE_MAX   1024 /* bytes kept, with the NUL */
#define CMDLINE_VALUE 128  /* longest string value, with the NUL */

enum console_timestamps {
    TIMESTAMPS_NONE,
    TIMESTAMPS_DATE,
    TIMESTAMPS_DATE_MS,
    TIMESTAMPS_BOOT,
    TIMESTAMPS_RAW
};

/*
 * Messages below `print` go out, those below `limit` go out within the rate limit. 0 none, 1 error
 * ... 4 all.
 */
struct log_threshold {
    uint8_t print;
    uint8_t limit;
};

struct xen_options {
    char line[CMDLINE_MAX]; /* as given: what XENVER_commandline answers */

    char console[CMDLINE_VALUE]; /* "dtuart", "none", ... as given */
    char dtuart[CMDLINE_VALUE];  /* alias or path, options after ':' */
    bool console_to_ring;
    uint64_t conring_size; /* bytes */
    char conswitch[8];     /* first character: the key; then 'x': input starts with Xen */
    enum console_timestamps console_timestamps;
    struct log_threshold loglvl;
    struct log_threshold guest_loglvl;

    uint64_t dom0_mem; /* bytes; 0: not given */
    uint64_t dom0_mem_min;
    uint64_t dom0_mem_max;       /* UINT64_MAX: not given */
    uint32_t dom0_max_vcpus_min; /* 0: not given */
    uint32_t dom0_max_vcpus_max;
    bool dom0_vcpus_pin;

    uint32_t maxcpus;            /* 0: not given */
    char sched[16];              /* "null", "fair", "credit2", ...; "" when not given */
    uint32_t sched_ratelimit_us; /* a vCPU runs that long before another one may take its CPU */
    bool vwfi_native;
    bool silo; /* xsm=silo: see access_talk */
    bool noreboot;
    bool ext_regions;
    uint32_t gnttab_max_frames;
    uint32_t gnttab_max_maptrack_frames;
};

extern struct xen_options opt;

/* Sets one option as the command line does; false: it is not known, or not with that value. Set by
 * cmdline_parse. */
extern bool (*opt_set)(const char *name, const char *value);
