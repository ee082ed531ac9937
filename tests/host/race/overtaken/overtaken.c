/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A call, and what another CPU does just between two steps of it, which threads would meet once in
 * a million: the first step has looked, the second one must look again. `overtaken info|populate`.
 */
#include "core/scene.h"
#include "host.h"
#include "machine.h"

#include <public/domctl.h>
#include <public/memory.h>
#include <public/vcpu.h>
#include <stdio.h>
#include <stdlib.h>
#include <xen/cpu.h>
#include <xen/domain.h>
#include <xen/errno.h>
#include <xen/page.h>
#include <xen/page_alloc.h>
#include <xen/string.h>

#define GUEST     1u
#define GUEST_GFN (SCENE_GUEST >> PAGE_SHIFT)
#define NEW_GFN   (GUEST_GFN + 16u) /* nothing is there */
#define SECOND    100000000u        /* nanoseconds in which what is left of a domain goes */

#define CHECK(condition, value) \
    do { \
        if (!(condition)) { \
            fprintf(stderr, "failed: %s (%ld)\n%s", #condition, (long)(value), host_log()); \
            abort(); \
        } \
    } while (0)

/* What the other CPU does, once. */
static void (*between)(struct domain *d);

static void step_between(struct domain *d)
{
    void (*fn)(struct domain *d) = between;

    between = NULL;
    if (fn != NULL) {
        fn(d);
    }
}

struct page *__real_p2m_get_page(struct domain *d, gfn_t gfn, bool write);
struct page *__wrap_p2m_get_page(struct domain *d, gfn_t gfn, bool write);

struct page *__wrap_p2m_get_page(struct domain *d, gfn_t gfn, bool write)
{
    step_between(d);
    return __real_p2m_get_page(d, gfn, write);
}

int __real_p2m_map(struct domain *d, gfn_t gfn, uint64_t nr, struct p2m_leaf leaf);
int __wrap_p2m_map(struct domain *d, gfn_t gfn, uint64_t nr, struct p2m_leaf leaf);

int __wrap_p2m_map(struct domain *d, gfn_t gfn, uint64_t nr, struct p2m_leaf leaf)
{
    step_between(d);
    return __real_p2m_map(d, gfn, nr, leaf);
}

static int64_t call(unsigned int cpu, uint64_t nr, uint64_t a0, uint64_t a1, uint64_t a2)
{
    uint64_t arg[5] = {a0, a1, a2};
    int64_t result = 0;

    for (unsigned int i = 0; i < 100 && host_running(cpu) < 0; i++) {
        host_advance(1000000);
    }
    CHECK(host_hypercall(cpu, nr, arg, &result) <= HOST_IDLE, nr);
    return result;
}

static void place_elsewhere(struct domain *d)
{
    int rc = vcpu_info_register(domain_vcpu(d, 0), (gfn_t){GUEST_GFN + 2u}, 0);

    CHECK(rc == 0, rc);
}

/* Two vCPUs of the guest place the vcpu_info of one of them: it moves once, with one reference. */
static void play_info(struct domain *d)
{
    struct vcpu_register_vcpu_info info = {.mfn = GUEST_GFN + 1u};
    int64_t rc;

    CHECK(host_guest_write(GUEST, SCENE_GUEST, &info, sizeof(info)), 0);
    between = place_elsewhere;
    rc = call(GUEST, __HYPERVISOR_vcpu_op, VCPUOP_register_vcpu_info, 0, SCENE_GUEST);
    CHECK(between == NULL, 0);
    CHECK(rc == -EBUSY, rc);
    CHECK(page_va(domain_vcpu(d, 0)->info_page) == (void *)domain_vcpu(d, 0)->info, 0);
}

static void kill(struct domain *d)
{
    int rc;

    do {
        rc = domain_kill(d);
    } while (rc == -ERESTART);
    CHECK(rc == 0, rc);
}

/* dom0 populates a guest that dies once it has got the page: it has none any more, and maps none. */
static void play_populate(struct domain *d)
{
    struct xen_memory_reservation in = {
        .extent_start = scene_scratch + 1024, .nr_extents = 1, .domid = GUEST};
    struct p2m_leaf leaf;
    int64_t rc;

    *(uint64_t *)host_ram(scene_scratch + 1024) = NEW_GFN;
    memcpy(host_ram(scene_scratch), &in, sizeof(in));
    between = kill;
    rc = call(0, __HYPERVISOR_memory_op, XENMEM_populate_physmap, scene_scratch, 0);
    CHECK(between == NULL, 0);
    CHECK(rc == 0, rc); /* extents */
    CHECK(!p2m_lookup(d, (gfn_t){NEW_GFN}, &leaf, NULL), leaf.mfn.n);
}

static void play_nothing(struct domain *d __unused)
{
}

/* Free pages when the guest, to which this has happened, is gone. */
static uint64_t free_after(void (*play)(struct domain *d))
{
    struct xen_domctl op = {.cmd = XEN_DOMCTL_destroydomain,
                            .interface_version = XEN_DOMCTL_INTERFACE_VERSION,
                            .domain = GUEST};
    struct domain *d;
    int64_t rc;

    scene_boot();
    d = domain_get_by_id(GUEST);
    play(d);
    memcpy(host_ram(scene_scratch), &op, sizeof(op));
    rc = call(0, __HYPERVISOR_domctl, scene_scratch, 0, 0);
    CHECK(rc == 0, rc);
    domain_put(d);
    host_advance(SECOND);
    CHECK(host_domain(GUEST) == NULL, 0);
    return page_free_count();
}

int main(int argc, char **argv)
{
    void (*play)(struct domain *d) =
        argc > 1 && strcmp(argv[1], "info") == 0 ? play_info : play_populate;
    uint64_t untouched = free_after(play_nothing), now = free_after(play);

    CHECK(now == untouched, now - untouched);
    printf("ok: %lu pages are free\n", (unsigned long)now);
    return 0;
}
