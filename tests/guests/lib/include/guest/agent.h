/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A domain without privileges, of one vCPU, that makes the hypercalls that a kernel as dom0 asks it
 * for, and nothing else. Its second page is shared: the question, the answer, and its structures.
 */
#pragma once

#include <guest/domain.h>
#include <guest/port.h>
#include <public/arch.h>
#include <stdbool.h>
#include <stdint.h>

enum {
    AGENT_DATA_SIZE = 4032 /* bytes */
};

/* Layout of port_agent. */
struct agent_page {
    uint64_t asked; /* 1 until the answer is there */
    uint64_t number;
    uint64_t arg[5];
    int64_t result;
    uint8_t data[AGENT_DATA_SIZE];
};

/* Where the domain itself sees its `data`. */
#define AGENT_DATA (GUEST_RAM0_BASE + 4096 + offsetof(struct agent_page, data))

struct agent {
    domid_t domain;
    struct agent_page *page;
};

/* Makes the domain and lets it run. */
void agent_make(struct agent *agent);

/* Asks for a call; one at a time. */
void agent_ask(const struct agent *agent, uint64_t number, const uint64_t arg[5]);

/* Gives the CPU away once; true: the answer is in `result`. */
bool agent_answered(const struct agent *agent);

/* What no call answers. */
#define AGENT_SILENT INT64_MIN

/* Waits for the answer, for at most a quarter of a second. */
int64_t agent_answer(const struct agent *agent);

/* Asks and waits. */
int64_t agent_call(const struct agent *agent, uint64_t number, const uint64_t arg[5]);
