/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Included before everything when the core is compiled for the host: gives its functions that share
 * a name with the C library (or with the sanitizers' versions of it) names of their own. Otherwise
 * the tests would test glibc.
 */
#pragma once

#define memcpy      xen_memcpy
#define memmove     xen_memmove
#define memset      xen_memset
#define memcmp      xen_memcmp
#define memchr      xen_memchr
#define strlen      xen_strlen
#define strnlen     xen_strnlen
#define strcmp      xen_strcmp
#define strncmp     xen_strncmp
#define strchr      xen_strchr
#define strlcpy     xen_strlcpy
#define strlcat     xen_strlcat
#define vsnprintf   xen_vsnprintf
#define snprintf    xen_snprintf
#define inflate     xen_inflate
#define crc32       xen_crc32
#define sched_yield xen_sched_yield
