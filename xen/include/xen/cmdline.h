/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Xen's command line: parsing it into <xen/opt.h>, which the rest of the core reads. Option names
 * and value syntax are Xen's. Nothing here fails: a wrong value or unknown name is remembered, the
 * default stays, and cmdline_report prints it once the console works.
 */
#pragma once

#include <xen/compiler.h>
#include <xen/opt.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CMDLINE_NOTES 16

/* A remark for cmdline_report: which word, and why. */
enum cmdline_remark {
    CMDLINE_UNKNOWN,
    CMDLINE_BAD_VALUE,
    CMDLINE_IGNORED
};

struct cmdline_note {
    uint16_t start; /* of the word in opt.line */
    uint16_t length;
    uint8_t remark;
};

/* What was parsed last. */
struct cmdline {
    bool cut; /* the line was longer than CMDLINE_MAX */
    uint32_t notes_lost;
    uint32_t note_count;
    struct cmdline_note notes[CMDLINE_NOTES];
};

extern struct cmdline cmdline;

/* Sets `opt` to the defaults and applies `line` (NULL: empty) to it. Later options win. */
void cmdline_parse(const char *line);

/* Prints what cmdline_parse found strange, one warning for each word. */
void cmdline_report(void);

/* The values, for other boot input in the same syntax (dom0less nodes, XEN_SYSCTL parameters). */

/* 1 or 0 for Xen's words for yes and no, -1 when the word is neither. */
int cmdline_bool(const char *s);

/*
 * A number with C's prefixes for the base, or a size with Xen's suffixes B K M G T (either case, K
 * when none). *end is the first character not used. False: no digits, or more than 64 bits.
 */
bool cmdline_number(const char *s, const char **end, uint64_t *number);
bool cmdline_size(const char *s, const char **end, uint64_t *size);

/* <always>[/<rate limited>], each none, error, warning, info, debug or all. */
bool cmdline_threshold(const char *value, struct log_threshold *to);

/* If *s begins with `prefix`, moves it behind that. */
bool cmdline_skip(const char **s, const char *prefix);
