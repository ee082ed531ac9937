/* SPDX-License-Identifier: Apache-2.0 */
/*
 * printf formatting into a buffer. Understood: %d %i %u %x %X %o %c %s %p %%, lengths hh h l ll z j
 * t, flags 0 - # + and space, width and precision as numbers or *. %p prints 16 hexadecimal digits
 * without 0x. A NULL %s prints "(null)"; what is not understood is copied as it stands. No floating
 * point, no %n.
 */
#pragma once

#include <xen/compiler.h>

#include <stdarg.h>
#include <stddef.h>

/*
 * Write at most size - 1 characters and a NUL (nothing when size is 0). The result is the length
 * the whole text has, without the NUL: truncated when it is >= size.
 */
size_t vsnprintf(char *buffer, size_t size, const char *format, va_list args) __printf(3, 0);
size_t snprintf(char *buffer, size_t size, const char *format, ...) __printf(3, 4);
