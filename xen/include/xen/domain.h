/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Domains and their vCPUs. struct vcpu begins with the port's part, because the entry code stores
 * guest registers straight into it. Lifetime: a domain is found by id under domain_list_lock and
 * kept by a reference (domain_get/put).
 */
#pragma once

#include <arch/types.h>
#include <public/sched.h>
#include <public/vcpu.h>
#include <public/xen.h>
#include <xen/atomic.h>
#include <xen/buddy.h>
#include <xen/compiler.h>
#include <xen/config.h>
#include <xen/evtchn.h>
#include <xen/grant.h>
#include <xen/list.h>
#include <xen/mmio.h>
#include <xen/nospec.h>
#include <xen/p2m.h>
#include <xen/pv_console.h>
#include <xen/rangeset.h>
#include <xen/ref.h>
#include <xen/sched.h>
#include <xen/spinlock.h>
#include <xen/timer.h>
#include <xen/types.h>

struct page;
struct cpu;
struct vpl011;
struct xen_domctl_createdomain;

/* Bits of vcpu.pause_flags: why a vCPU must not run. 0 and pause_count 0: runnable. */
#define VPF_DOWN    (1u << 0) /* not brought up yet, or off */
#define VPF_BLOCKED (1u << 1) /* waits for an event (SCHEDOP_block, poll, WFI) */

#define SHUTDOWN_CODE_NONE 0xffu
#define DOMAIN_WATCHDOGS   2u

struct vcpu_area { /* a guest-registered structure that the hypervisor writes: in up to two pages */
    struct page *page[2]; /* references; page[0] NULL: none registered */
    uint32_t offset;      /* in page[0] */
};

struct vcpu {
    struct arch_vcpu arch; /* first */
    struct domain *d;
    uint32_t id;
    uint32_t pause_flags; /* VPF_*, atomic */
    uint32_t pause_count; /* atomic; d->pause_count counts too */
    uint32_t running; /* 1: its state is (being) loaded on v->cpu, 0: saved (store-release by that
                         CPU's gate) */
    bool suspended;   /* with VPF_BLOCKED: by the firmware's call for it (vcpu_suspend); atomic */
    bool initialised; /* has a context: by boot, PSCI CPU_ON or setvcpucontext */
    struct cpu *cpu;  /* where it runs or ran last; the scheduler changes it only while !running.
                         Without its lock: read after `running`, with acquire */

    struct vcpu_info *info; /* in shared_info, a registered page, or a private dummy: never NULL */
    struct page *info_page; /* reference of a registered page */

    struct vcpu_runstate_info runstate; /* scheduler's lock */
    struct vcpu_area runstate_area;     /* scheduler's lock */
    struct timer poll_timer;            /* SCHEDOP_poll timeout */
    uint32_t poll_port; /* SCHEDOP_poll: port, EVTCHN_POLL_ANY for several, 0: none; atomic,
                           d->poll_mask says who polls */

    struct evtchn_vcpu event;
    struct sched_vcpu sched;
    struct vcpu_info *dummy_info; /* for info before registration, vCPUs without a slot in
                                     shared_info */
};

struct domain {
    struct arch_domain arch;
    domid_t id;
    struct ref ref; /* domain_get, domain_put */
    uint32_t max_vcpus;
    struct vcpu **vcpu; /* [max_vcpus], NULL until created */
    bool is_privileged; /* may use domctl, sysctl, platform_op */
    bool is_hardware;   /* owns the host's devices: its shutdown is the machine's */
    bool has_devices;   /* may map device memory of the host, or could once: vcpu_save_serror */
    bool is_dying;      /* no new mappings, ports, vCPUs */
    bool is_dead;       /* relinquished; waits for the last reference */
    bool is_shut_down;  /* counted in pause_count */
    bool is_built;      /* the tools have let it run, once at least */
    bool debugger_attached;
    uint8_t shutdown_code;           /* SHUTDOWN_* or SHUTDOWN_CODE_NONE */
    uint32_t pause_count;            /* atomic */
    uint32_t controller_pause_count; /* pauses by the tools, counted in pause_count; 1 at
                                      * creation */
    xen_domain_handle_t handle;
    uint32_t ssidref;
    uint32_t vm_assist;
    uint64_t options; /* XEN_DOMCTL_CDF_* */

    spinlock_t lock;
    struct list all; /* domain_list */
    struct domain *hash_next;

    struct p2m p2m;
    uint64_t tot_pages, max_pages;
    struct buddy_scrub scrub; /* for its next large extent; heap_lock */
    uint64_t claim_pages;     /* XENMEM_claim_pages: how far tot_pages may still rise on reserved
                               * memory */
    uint32_t pages_head;      /* single pages it owns, by struct page links; 0: none */
    uint32_t chunks_head;     /* chunks it owns as a whole, as chunk numbers; 0: none */
    struct shared_info *shared_info; /* direct-map address of its page */
    struct rangeset *iomem;          /* MMIO frames that it may map */
    struct rangeset *irqs;           /* host interrupts that it may give to others */
    uint32_t nr_irqs;                /* host interrupts that it has; lock */
    struct mmio_table mmio;

    struct evtchn_table events;
    struct grant_table *grants;
    uint64_t hvm_params[48]; /* HVM_PARAM_*, hvm_op.c */
    uint64_t *poll_mask;     /* vCPUs in SCHEDOP_poll, atomic */

    struct sched_domain sched;
    struct cpupool *pool;
    struct timer watchdog[DOMAIN_WATCHDOGS];
    uint32_t watchdog_in_use;   /* bit per watchdog */
    uint32_t waiting;           /* domain_wait_begin */
    evtchn_port_t suspend_port; /* XEN_DOMCTL_subscribe: rung when it has shut down, 0: none */
    struct pv_console console;
    struct vpl011 *vuart; /* NULL: none */
    s_time_t time_offset; /* s, XEN_DOMCTL_settimeoffset */
};

extern spinlock_t domain_list_lock;
extern struct list domain_list; /* by rising id */
extern struct domain *hardware_domain;

/* domain.c */

/* A part of every domain. */
struct domain_part {
    /* Leaves nothing behind when it fails. */
    int (*init)(struct domain *d, const struct xen_domctl_createdomain *config);
    /* d is dying, and its p2m maps nothing any more: give back what is others'. 0 or -ERESTART;
     * NULL: nothing is. */
    int (*relinquish)(struct domain *d);
    void (*destroy)(struct domain *d); /* undoes a complete init */
};

/* A part that belongs to a floor above this one; before there are domains. */
void domain_add_part(const struct domain_part *part);

/*
 * Create an empty domain (id already chosen; config checked by arch_domain_config). max_vcpus
 * slots, no vCPU. The result holds one reference (that of its existence, dropped by domain_kill)
 * and one pause (controller_pause_count, as the tools expect). A privileged one is also the
 * hardware domain. NULL: *rc says why.
 */
struct domain *domain_create(domid_t id, const struct xen_domctl_createdomain *config,
                             bool privileged, int *rc);
/* Destroy in slices: 0, or -ERESTART. -EINVAL: the caller's own. */
int __must_check domain_kill(struct domain *d);
/* The gate: free domains whose last reference is gone, or a part of one. CPU_PENDING_REAP is
 * requested again if there is more. */
void domain_reap(void);

/* domain_list.c */

/* d is complete: let it be found. */
void domain_link(struct domain *d);
/* Let d not be found any more; nothing if it is out of the list already. */
void domain_unlink(struct domain *d);
/* First free domain id >= from and not 0, DOMID_INVALID if none. */
domid_t domain_free_id(domid_t from);
/* Find by id and take a reference. NULL: none. It may be dying: who gives it something checks that
 * under the lock concerned. */
struct domain *domain_get_by_id(domid_t id);
/* The same; DOMID_SELF is the caller's domain. */
struct domain *domain_by_id_or_self(domid_t id);
/* The domain with the lowest id >= from, with a reference; NULL: none. To walk all domains without
 * a lock. */
struct domain *domain_get_next(domid_t from);
/* The one that comes behind d, whose reference is put. */
struct domain *domain_get_behind(struct domain *d);
static inline bool __must_check domain_get(struct domain *d) /* false: it is going away */
{
    return ref_get(&d->ref);
}
/* With any lock held: the gate frees d if it was the last reference. */
static inline void domain_put(struct domain *d)
{
    ref_put(&d->ref);
}
/* d->vcpu[id] or NULL, for any value of id. */
static inline struct vcpu *domain_vcpu(const struct domain *d, uint64_t id)
{
    /* Acquire: pairs with vcpu_create, which publishes a complete vCPU. */
    return id < d->max_vcpus ? atomic_load_acquire(&d->vcpu[index_nospec(id, d->max_vcpus)]) : NULL;
}

/* Runs its body with v for every vCPU that d has at this moment, by rising id. */
#define for_each_vcpu(d, v) \
    for ((v) = domain_next_vcpu((d), 0); (v) != NULL; (v) = domain_next_vcpu((d), (v)->id + 1u))
/* The vCPU of d with the lowest id >= from, NULL: none. */
struct vcpu *domain_next_vcpu(const struct domain *d, uint32_t from);

/*
 * One vCPU of a domain at a time may wait for other vCPUs to leave their CPUs; two that wait for
 * each other would do so for ever. false: try again later (-ERESTART). `d` is the caller's domain.
 */
bool __must_check domain_wait_begin(struct domain *d);
void domain_wait_end(struct domain *d);

/* vcpu.c */

/* A vCPU in slot id < max_vcpus: down, without a context. NULL: *rc says why (-EINVAL, -EEXIST,
 * -ENOMEM, -ENOSPC). */
struct vcpu *vcpu_create(struct domain *d, unsigned int id, int *rc);
void vcpu_destroy(struct vcpu *v);
/* Pausing nests. The _wait forms return only once the vCPU is off its CPU, its state saved; for
 * these see domain_wait_begin. */
void domain_pause(struct domain *d); /* waits; not for the caller's own domain */
void domain_pause_nowait(struct domain *d);
void domain_unpause(struct domain *d);
int __must_check domain_pause_by_control(struct domain *d);   /* -EOVERFLOW */
int __must_check domain_unpause_by_control(struct domain *d); /* -EINVAL: it is not paused */
void vcpu_pause_wait(struct vcpu *v);                         /* not current */
void vcpu_unpause(struct vcpu *v);
/* Set VPF_BLOCKED on the current vCPU unless an event is pending already; the gate switches. */
void vcpu_block(struct vcpu *v);
/* The same, as a CPU that its guest has suspended and whose state can be asked for. */
void vcpu_suspend(struct vcpu *v);
static inline bool vcpu_is_suspended(const struct vcpu *v)
{
    /* Acquire: why it is blocked was written before that it is. */
    return (atomic_load_acquire(&v->pause_flags) & VPF_BLOCKED) != 0 && atomic_load(&v->suspended);
}
void vcpu_unblock(struct vcpu *v); /* clear VPF_BLOCKED, end SCHEDOP_poll, and wake */
/* An event or interrupt arrived for v: wake it if blocked, make it pass the gate if it is loaded on
 * a CPU. */
void vcpu_kick(struct vcpu *v);
static inline bool vcpu_runnable(const struct vcpu *v)
{
    /* Acquire: what was done to v before it might run is visible to who lets it run. */
    return atomic_load_acquire(&v->pause_flags) == 0 && atomic_load_acquire(&v->pause_count) == 0 &&
           atomic_load_acquire(&v->d->pause_count) == 0;
}
static inline bool vcpu_is_up(const struct vcpu *v)
{
    return (atomic_load(&v->pause_flags) & VPF_DOWN) == 0;
}
/*
 * Start a vCPU that is down, at pc with one argument, its registers made anew. -EBUSY: it is up
 * already. -ERESTART: it has turned itself off, but its CPU still saves its state: make the call
 * again; never wait for it with interrupts masked.
 */
int __must_check vcpu_start(struct vcpu *v, uint64_t pc, uint64_t arg);
/* Let a vCPU run that has a context (setvcpucontext, boot). */
void vcpu_up(struct vcpu *v);
/* The current vCPU turns itself off; the last one shuts the domain down. */
void vcpu_down(struct vcpu *v);

/* runstate.c */

/* Account and publish a change of run state (RUNSTATE_*). Scheduler only, its lock held. */
void vcpu_runstate_change(struct vcpu *v, int state, int64_t now);
/* A copy that is up to date. Any vCPU. */
void vcpu_runstate_get(struct vcpu *v, struct vcpu_runstate_info *info);
/* Publish v's run state at this address of the caller from now on. -EFAULT. */
int __must_check vcpu_runstate_register(struct vcpu *v, uint64_t gva);
void vcpu_runstate_unregister(struct vcpu *v);

/* vcpu_info.c: struct vcpu_info in a page of the guest's. -EINVAL, -ENXIO, -EBUSY (once only). */
int __must_check vcpu_info_register(struct vcpu *v, gfn_t gfn, uint32_t offset);
/* d is dying and its ports are closed: nobody sends into the page any more. */
void vcpu_info_unregister(struct vcpu *v);

/* shutdown.c: what SCHEDOP_shutdown, watchdog, and crash do; for the hardware domain it is the
 * machine's end. */
void domain_shutdown(struct domain *d, uint8_t reason);
void domain_resume(struct domain *d);
void machine_end(uint8_t reason) __noreturn;

/* wallclock.c */

/* Wallclock of the machine: seconds and ns since 1970 at system time 0, told by the control domain
 * (platform_op settime64). All domains see it. */
void wallclock_set(uint64_t sec, uint32_t nsec, uint64_t system_time);
/* Write it to d's shared_info (wc_version protocol). */
void wallclock_update(struct domain *d);

/* watchdog.c */
int __must_check domain_watchdog_init(struct domain *d);
void domain_watchdog_destroy(struct domain *d);
long domain_watchdog_set(struct domain *d, uint32_t id, uint32_t timeout);
