/* HVM parameters of a domain (hvm_op get/set). */
#pragma once

#include <xen/types.h>

struct domain;

/* Value by index, 0 for one that was never set; index < 48. */
uint64_t domain_param(const struct domain *d, unsigned int index);
void domain_param_set(struct domain *d, unsigned int index, uint64_t value);
