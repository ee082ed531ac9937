/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Output of a guest: one line at a time through console_io, or the UART when no hypervisor is
 * there.
 */
#pragma once

#include <stddef.h>

/* printf with %s %c %d %u %x, the l modifier, a width and a leading 0. A line is at most 240
 * bytes. */
__attribute__((format(printf, 1, 2))) void print(const char *format, ...);

/* The same into `text`, a zero behind it; what does not fit is left out. */
__attribute__((format(printf, 3, 4))) void print_to(char *text, size_t size, const char *format,
                                                    ...);

/* `length` bytes as they are. */
void console_write(const char *text, size_t length);
