/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Asking an unprivileged domain for hypercalls.
 */
#include <guest/agent.h>
#include <guest/hypercall.h>
#include <guest/test.h>
#include <public/sched.h>

void agent_make(struct agent *agent)
{
    struct vcpu_guest_context context = {0};
    void *page;
    agent->domain = domain_make(1, port_agent, (uint64_t)(port_agent_end - port_agent), &page);
    agent->page = page;
    port_first_context(&context, GUEST_RAM0_BASE, GUEST_RAM0_BASE + 4096);
    if (domain_set_context(agent->domain, 0, &context) != 0 ||
        domain_op(XEN_DOMCTL_unpausedomain, agent->domain) != 0) {
        give_up("cannot start the agent");
    }
}

void agent_ask(const struct agent *agent, uint64_t number, const uint64_t arg[5])
{
    struct agent_page *page = agent->page;
    page->number = number;
    for (unsigned int i = 0; i < 5; i++) {
        page->arg[i] = arg[i];
    }
    /* After the question and the structures. */
    __atomic_store_n(&page->asked, 1, __ATOMIC_RELEASE);
}

bool agent_answered(const struct agent *agent)
{
    (void)sched_op(SCHEDOP_yield, NULL);
    return __atomic_load_n(&agent->page->asked, __ATOMIC_ACQUIRE) == 0;
}

int64_t agent_answer(const struct agent *agent)
{
    uint64_t end = port_counter() + port_frequency() / 4;
    while (!agent_answered(agent)) {
        if (port_counter() > end) {
            return AGENT_SILENT;
        }
    }
    return agent->page->result;
}

int64_t agent_call(const struct agent *agent, uint64_t number, const uint64_t arg[5])
{
    agent_ask(agent, number, arg);
    return agent_answer(agent);
}
