/* SPDX-License-Identifier: MIT */
/*
 * Inter-process communication. An endpoint is where a sender and a receiver meet; whoever comes first waits in its
 * queue. A call is a send whose sender then waits for an answer, and gives the receiver the right to answer once:
 *
 *     client             endpoint             server
 *     call  ------------> [queue] ----------> receive     client: CALLING, call_id = n
 *     CALLING  <----------------------------- reply       server: reply_to, reply_id = n
 *
 * Whoever blocks hands the CPU straight to its partner when priorities allow (sched_hand_over). All functions run on
 * behalf of thread t, which is the one running on its CPU; STATUS_BLOCKED says that it now waits, and its status will be
 * written when the wait ends.
 */
#ifndef CORE_IPC_H
#define CORE_IPC_H

#include "core/kernel.h"

/* How a thread sends: with what the handle it used gives it. */
struct way {
    endpoint_t endpoint;
    uint64_t badge;
    bool grants; /* RIGHT_GRANT: items may travel */
    bool calls;  /* and waits for an answer */
};

/*@ predicate runs{L}(integer t) = is_thread(t) && cpu_at[thread_at[t].cpu].current == t; */

/* Sends, or calls. */
/*@ requires kernel_wf && runs(t) && is_queue(way.endpoint);
    ensures kernel_wf; */
MUST_USE status_t ipc_send(pfn_t t, struct way way);

/* Receives, as options (TAG_NONBLOCK, TAG_DEADLINE) allow. */
/*@ requires kernel_wf && runs(t) && is_queue(e);
    ensures kernel_wf; */
MUST_USE status_t ipc_receive(pfn_t t, endpoint_t e, uint64_t options);

/* Answers caller's call with the message t has in its registers; *woken is the thread to make ready, or 0. */
/*@ requires kernel_wf && runs(t) && is_thread(caller) && thread_at[caller].call_id != 0;
    ensures kernel_wf;
    ensures \result == ERR_NONE ==> thread_at[caller].call_id == 0; */
MUST_USE status_t ipc_reply(pfn_t t, pfn_t caller);

/* Answers the call taken last, then receives on e. */
/*@ requires kernel_wf && runs(t) && is_queue(e);
    ensures kernel_wf; */
MUST_USE status_t ipc_reply_receive(pfn_t t, endpoint_t e, uint64_t options);

/* t, which was running, faulted: its handler gets a call, or its process ends. */
/*@ requires kernel_wf && runs(t) && kind != FAULT_NONE && kind < FAULT_LAST;
    ensures kernel_wf; */
void ipc_fault(pfn_t t, uint32_t kind, uint64_t address);

#endif
