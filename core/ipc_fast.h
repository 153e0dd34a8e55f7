/* SPDX-License-Identifier: MIT */
/*
 * The short way through a call and through reply_receive: at most REGISTER_WORDS words, no items, no deadline, a partner
 * that waits, and nothing of higher priority ready than it. Each function first looks whether all of that is so and
 * changes nothing unless it is; then it does what ipc.c would do, and says who runs. kernel.c asks here first.
 */
#ifndef CORE_IPC_FAST_H
#define CORE_IPC_FAST_H

#include "core/ipc.h"

/* The call of t, running on cpu; the thread that runs next, or 0: nothing has happened, take the long way. */
/*@ requires kernel_wf && runs(t) && cpu < CPUS_MAX && cpu_at[cpu].current == t;
    ensures kernel_wf;
    ensures \result != 0 ==> cpu_at[cpu].current == \result && thread_at[t].state == THREAD_CALLING; */
pfn_t ipc_fast_call(cpu_t cpu, pfn_t t);

/* The reply_receive of t, likewise. */
/*@ requires kernel_wf && runs(t) && cpu < CPUS_MAX && cpu_at[cpu].current == t;
    ensures kernel_wf;
    ensures \result != 0 ==> cpu_at[cpu].current == \result && thread_at[t].state == THREAD_RECEIVING; */
pfn_t ipc_fast_reply_receive(cpu_t cpu, pfn_t t);

#endif
