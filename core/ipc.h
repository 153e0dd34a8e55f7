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

#include "core/endpoint.h"
#include "core/sched.h"

/* How a thread sends: with what the handle it used gives it. */
struct way {
    endpoint_t endpoint;
    uint64_t badge;
    bool grants; /* RIGHT_GRANT: items may travel */
    bool calls;  /* and waits for an answer */
};

/*@ predicate runs{L}(integer t) = is_thread(t) && cpu_at[thread_at[t].cpu].current == t; */

#define LABEL_SPAN 0x100000000u /* a tag's low half holds lengths and flags */

/* ---- what a call that a waiting receiver takes, and an answer whose sender waits again, mean ---- */

/*@ // Handle slot s is open, names a live endpoint, and has that right.
    predicate way_open{L}(integer s, integer right) =
        s != 0 && handle_at[s].kind == KIND_ENDPOINT && life(s) == 1 && (handle_at[s].rights & right) == right;
    // The slot that t's handle number n names.
    logic integer way_slot{L}(integer t, integer n) = open_slot(frame_owner[t], n);
    logic integer way_endpoint{L}(integer s) = handle_at[s].object;
    // The whole message is in registers, and there is no option.
    predicate tag_short(integer tag) = tag % LABEL_SPAN <= REGISTER_WORDS;
    // Who waits without a deadline, and may run on CPU c at once.
    predicate partner_ready{L}(integer c, integer p) = thread_at[p].heap_index == 0 && goes_on(c, p);

    // A receiver waits for the call that t makes through slot s, and can take CPU c over.
    predicate call_is_short{L}(integer c, integer s, integer tag) =
        tag_short(tag) && way_open(s, RIGHT_SEND) && endpoint_at[way_endpoint(s)].mode == MODE_RECEIVE &&
        partner_ready(c, endpoint_at[way_endpoint(s)].first);
    // Then: t waits for the answer that p alone may give, once, with the rights of the handle used; p has left the queue
    // and runs. What else there is has not changed: the assigns clauses say so.
    predicate call_taken{K,L}(integer t, integer p) =
        \at(thread_at[t].state,L) == THREAD_CALLING && \at(thread_at[t].call_id,L) == \at(frame_next_birth,K) &&
        \at(thread_at[p].reply_id,L) == \at(frame_next_birth,K) && \at(thread_at[p].reply_to,L) == t &&
        \at(frame_next_birth,K) < \at(frame_next_birth,L);
    predicate queue_left{K,L}(integer e, integer p) =
        \at(queue_of[p],L) == 0 && queue_others{K,L}(p) &&
        \at(endpoint_at[e].mode,L) == (\at(endpoint_at[e].first,L) == 0 ? MODE_IDLE : MODE_RECEIVE);
    predicate runs_now{L}(integer c, integer p) = cpu_at[c].current == p && thread_at[p].state == THREAD_RUNNING;
    predicate call_short{K,L}(integer c, integer t, integer s, integer p) =
        call_taken{K,L}(t, p) && queue_left{K,L}(\at(way_endpoint(s),K), p) && runs_now{L}(c, p) &&
        (\at(thread_at[t].grants,L) != 0 <==> (\at(handle_at[s].rights,K) & RIGHT_GRANT) != 0);

    // The call that t took last still waits, and its sender can take CPU c over while t waits on the endpoint of slot s.
    predicate answer_waits{L}(integer t, integer q) =
        is_thread(q) && thread_at[q].state == THREAD_CALLING && thread_at[q].call_id == thread_at[t].reply_id;
    predicate receive_waits{L}(integer e) = endpoint_at[e].events == 0 &&
        (endpoint_at[e].mode == MODE_IDLE || endpoint_at[e].mode == MODE_RECEIVE);
    predicate answer_is_short{L}(integer c, integer t, integer s, integer tag) =
        tag_short(tag) && way_open(s, RIGHT_RECEIVE) && receive_waits(way_endpoint(s)) &&
        answer_waits(t, thread_at[t].reply_to) && partner_ready(c, thread_at[t].reply_to);
    // Then: the call is over, q runs, and t waits in the endpoint's queue behind all others.
    predicate queue_joined{K,L}(integer e, integer t) =
        \at(queue_of[t],L) == e && queue_others{K,L}(t) && \at(endpoint_at[e].mode,L) == MODE_RECEIVE &&
        \forall integer i; is_frame(i) && i != t && \at(queue_of[i],L) == e ==>
            \at(queue_key[i],L) < \at(queue_key[t],L);
    predicate answer_short{K,L}(integer c, integer t, integer s, integer q) =
        \at(thread_at[q].call_id,L) == 0 && \at(thread_at[t].reply_id,L) == 0 &&
        \at(thread_at[t].state,L) == THREAD_RECEIVING && queue_joined{K,L}(\at(way_endpoint(s),K), t) &&
        runs_now{L}(c, q);
*/

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
