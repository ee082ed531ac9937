/* SPDX-License-Identifier: Apache-2.0 */
/* Inside xen/event/: what the hypervisor keeps of a domain that uses the FIFO form. */
#pragma once

#include <public/event_channel.h>
#include <xen/config.h>
#include <xen/spinlock.h>
#include <xen/types.h>

struct page;

#define FIFO_WORDS_PER_PAGE (PAGE_SIZE / sizeof(event_word_t))
#define FIFO_MAX_PAGES      (EVTCHN_FIFO_NR_CHANNELS / FIFO_WORDS_PER_PAGE)

struct evtchn_fifo_vcpu {
    struct evtchn_fifo_control_block *block; /* in a guest frame; NULL: not given yet. Set once */
    struct page *page;                       /* reference on that frame */
    evtchn_port_t tail[EVTCHN_FIFO_MAX_QUEUES]; /* port linked last, 0: none yet */
};

struct evtchn_fifo {
    spinlock_t lock;                     /* tails, and where each port was linked last */
    uint32_t nr_words;                   /* published after the frame they are in; only grows */
    event_word_t *words[FIFO_MAX_PAGES]; /* guest frames */
    struct page *page[FIFO_MAX_PAGES];   /* references on them */
    uint32_t nr_vcpus;
    struct evtchn_fifo_vcpu vcpu[]; /* [nr_vcpus] */
};
