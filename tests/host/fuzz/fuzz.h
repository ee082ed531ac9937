/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Entry points for random input, one for each parser of hostile input. libFuzzer calls them through
 * entry.c; the tests call them with mutated input of their own. They return when the input was
 * refused or survived; the sanitizers notice the rest.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

extern char *strstr(const char *s, const char *what); /* the C library's */

/* A device tree: everything the core ever asks one, and the boot modules it describes. */
void fuzz_dt(const uint8_t *data, size_t size);

/* A hypervisor command line. */
void fuzz_cmdline(const uint8_t *data, size_t size);

/* dom0's kernel, booted on a machine; and a device tree, booted with a good kernel. */
void fuzz_image(const uint8_t *data, size_t size);
void fuzz_boot(const uint8_t *data, size_t size);

/* The header of an arm64 kernel. */
void fuzz_arm64_image(const uint8_t *data, size_t size);

/* Hypercalls of two domains. How many this made, and how many of them gave no error. */
void fuzz_hypercall(const uint8_t *data, size_t size);
extern uint64_t fuzz_calls, fuzz_succeeded;

/* A gzip file. */
void fuzz_gzip(const uint8_t *data, size_t size);
