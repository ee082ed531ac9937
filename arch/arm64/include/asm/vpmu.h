/* SPDX-License-Identifier: Apache-2.0 */
/* Event counters of guests: vpmu.c. */
#pragma once

#include <xen/compiler.h>
#include <xen/types.h>

struct vcpu;
struct vpmu;

/* v->arch.pmu, if its domain has counters; else it stays NULL. -ENOMEM. */
int __must_check vpmu_vcpu_init(struct vcpu *v);
void vpmu_vcpu_destroy(struct vcpu *v);
/* v is not loaded. */
void vpmu_reset(struct vcpu *v);
void vpmu_save(struct vpmu *p);
void vpmu_load(const struct vpmu *p);
/* A trapped access of the vCPU that is loaded, which has counters. false: undefined. */
bool vpmu_access(uint32_t reg, bool write, uint64_t *value);
