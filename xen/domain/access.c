/* SPDX-License-Identifier: Apache-2.0 */
/* The policy: what dom0 may, what a domain may with itself, and what two guests may together. */
#include <xen/access.h>
#include <xen/domain.h>
#include <xen/opt.h>

bool access_control(const struct domain *by)
{
    return by->is_privileged;
}

bool access_may(enum access who, const struct domain *by, const struct domain *d)
{
    switch (who) {
    case ACCESS_ANY:
    case ACCESS_PEER: return true;
    case ACCESS_SELF: return access_act_on(by, d);
    case ACCESS_CONTROL: return access_control(by);
    case ACCESS_OTHER: return by != d && access_control(by);
    }
    return false;
}

bool access_act_on(const struct domain *by, const struct domain *d)
{
    return by == d || access_control(by);
}

bool access_talk(const struct domain *by, const struct domain *a, const struct domain *b)
{
    return a == b || access_control(by) || access_control(a) || access_control(b) || !opt.silo;
}
