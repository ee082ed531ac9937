/* SPDX-License-Identifier: Apache-2.0 */
/* The options that all floors read. */
#include <xen/opt.h>

struct xen_options opt;

bool (*opt_set)(const char *name, const char *value);
