/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who may do what to whom: no other file of the core asks whether a domain is privileged. Callers
 * turn a `false` into their interface's word for it.
 */
#pragma once

#include <xen/compiler.h>
#include <xen/types.h>

struct domain;

/* Who may make a call, about whom. */
enum access {
    ACCESS_ANY,     /* everybody: it concerns the caller, or what all may know */
    ACCESS_SELF,    /* a domain about itself, a privileged one about all */
    ACCESS_CONTROL, /* privileged domains */
    ACCESS_OTHER,   /* privileged domains, and not about themselves */
    ACCESS_PEER,    /* whoever may talk with the domains that it names */
};

/* May `by` make a call of this kind about d? ACCESS_PEER: that is for access_talk() to say. */
bool __must_check access_may(enum access who, const struct domain *by, const struct domain *d);
/* May `by` manage other domains and the machine: domctl, sysctl, platform_op, the console, all that
 * tells of the host? */
bool __must_check access_control(const struct domain *by);
/* May `by` act on d: itself, or one that it may manage? */
bool __must_check access_act_on(const struct domain *by, const struct domain *d);
/*
 * May a and b have event channels and grants between them, as `by` asks for? With xsm=silo, the
 * default as in Xen, one of the three must be privileged, or a and b the same: guests talk to their
 * backend, never to each other. xsm=dummy lets all.
 */
bool __must_check access_talk(const struct domain *by, const struct domain *a,
                              const struct domain *b);
