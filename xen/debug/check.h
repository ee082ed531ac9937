/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Inside xen/debug/: the census, in which each frame of RAM is claimed once at most, and how what
 * does not hold is told.
 */
#pragma once

#include <xen/compiler.h>
#include <xen/printk.h>
#include <xen/types.h>

struct domain;

/* Who has a frame. */
enum claim {
    CLAIM_NONE,   /* nobody has said: an object of the hypervisor, or what was never free */
    CLAIM_FREE,   /* in a list of free blocks */
    CLAIM_SCRUB,  /* being scrubbed */
    CLAIM_CHUNK,  /* a domain's, by its chunk */
    CLAIM_PAGE,   /* a domain's, by its struct page */
    CLAIM_RECORD, /* struct pages of a chunk */
    CLAIM_TABLE,  /* second-stage table */
    CLAIM_SHARED, /* shared_info, grant frame */
    CLAIM_OBJECT, /* ports, grants: other pages of the hypervisor that were found */
    CLAIMS,
};

/* Bits of a frame's word in the census, and two counters in it that stop at their end. */
#define CENSUS_CLAIM      0xfu      /* enum claim */
#define CENSUS_LISTED     (1u << 4) /* CLAIM_CHUNK, CLAIM_PAGE: on its owner's list */
#define CENSUS_MAPPED     (1u << 5) /* as RAM of its owner */
#define CENSUS_GRANT      (1u << 6) /* leaves of one domain that map it by grant */
#define CENSUS_GRANT_MASK 0xffc0u
#define CENSUS_REF        (1u << 16) /* references found */
#define CENSUS_REF_MASK   0xffff0000u

/* -ENOMEM. Nothing is claimed afterwards. */
int __must_check census_begin(void);
/* A frame's word; NULL: no RAM in its GiB. */
uint32_t *census_of(uint64_t frame);
static inline enum claim census_claim_of(uint64_t frame)
{
    const uint32_t *word = census_of(frame);

    return word != NULL ? (enum claim)(*word & CENSUS_CLAIM) : CLAIM_NONE;
}
/* nr frames are `what`: no claim may be there yet. */
void census_claim(uint64_t frame, uint64_t nr, enum claim what);
void census_claim_object(const void *va, uint64_t pages, enum claim what);
/* A reference to a page was found. */
void census_reference(uint64_t frame);
/* A leaf of the domain that is looked at maps the frame by grant; true: one that was counted goes. */
void census_grant(uint64_t frame);
bool census_grant_ends(uint64_t frame);
/* Set a bit that must not be set: true if so. */
bool census_mark(uint64_t frame, uint32_t bit);
/* Frames with such a claim. */
uint64_t census_total(enum claim what);

/* One more thing does not hold. false: too many were told already. */
bool check_tell(void);
/* How many there were since it was asked last. */
unsigned int check_take_found(void);
#define check_wrong(fmt, ...) \
    do { \
        if (check_tell()) { \
            printk(XENLOG_ERR "Invariant: " fmt "\n", ##__VA_ARGS__); \
        } \
    } while (0)

/* Is this a domain that can be found by its number? */
bool check_is_domain(const struct domain *d);

/* The subjects, in this order: later ones rely on claims of earlier ones. */
void check_domains(void);
void check_free(void);
void check_pages(void);
uint32_t check_p2m(struct domain *d); /* how many leaves it has by grant */
void check_events(struct domain *d);
void check_grants(struct domain *d, uint32_t leaves);
void check_references(void); /* when all of them were found */
void check_sched(void);
void check_timers(void);
