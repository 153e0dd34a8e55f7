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

/* clang-format off */
/* What an answer of t does to the thread that made the call, and leaves as it is. */
#define REPLY_KEPT \
    ensures over: \result == ERR_NONE ==> nowhere(caller) && thread_at[caller].state == THREAD_SUSPENDED; \
    ensures waits: \result != ERR_NONE ==> thread_at[caller].call_id == \old(thread_at[caller].call_id); \
    ensures processes: processes_still{Pre,Post}; \
    ensures endpoints: endpoints_still{Pre,Post}; \
    ensures threads: \forall integer u; is_thread{Pre}(u) ==> is_thread(u) && \
        (u != caller ==> thread_still{Pre,Post}(u, 0)); \
    ensures place: thread_at[caller].cpu == \old(thread_at[caller].cpu) && \
        thread_at[caller].priority == \old(thread_at[caller].priority);
/* Such an answer, where all of it is in registers. */
#define REPLY_SHORT \
    behavior short: \
        assumes message_short(t) && thread_at[caller].fault_kind == 0; \
        ensures done: \result == ERR_NONE; \
        ensures message: answer_received{Pre,Post}(t, caller); \
        ensures suspended: thread_at[caller].suspended == \old(thread_at[caller].suspended);
/* What moving a message may change: pages, tables and handles of two processes, registers, notes. Like KERNEL_STATE it
   leaves out the ghosts of handle tables, of which only handle.h speaks. */
#define MESSAGE_STATE \
    FRAME_CREATE_ASSIGNS, table_parent[0 .. FRAMES_MAX - 1], table_slot[0 .. FRAMES_MAX - 1], \
        table_used[0 .. FRAMES_MAX - 1], table_level[0 .. FRAMES_MAX - 1], ghost_machine
/* clang-format on */

/*@ // What moving a message to thread `to` leaves of a thread: all but to's registers, and notes of message pages.
    predicate thread_still{K,L}(integer u, integer to) =
        \at(thread_at[u].state,K) == \at(thread_at[u].state,L) && \at(thread_at[u].cpu,K) == \at(thread_at[u].cpu,L) &&
        \at(thread_at[u].priority,K) == \at(thread_at[u].priority,L) &&
        \at(thread_at[u].suspended,K) == \at(thread_at[u].suspended,L) &&
        \at(thread_at[u].call_id,K) == \at(thread_at[u].call_id,L) &&
        \at(thread_at[u].reply_id,K) == \at(thread_at[u].reply_id,L) &&
        \at(thread_at[u].reply_to,K) == \at(thread_at[u].reply_to,L) &&
        (\at(thread_at[u].heap_index,K) != 0 <==> \at(thread_at[u].heap_index,L) != 0) &&
        \at(thread_at[u].deadline,K) == \at(thread_at[u].deadline,L) &&
        \at(thread_at[u].badge,K) == \at(thread_at[u].badge,L) &&
        \at(thread_at[u].calls,K) == \at(thread_at[u].calls,L) &&
        \at(thread_at[u].grants,K) == \at(thread_at[u].grants,L) &&
        \at(thread_at[u].fault_kind,K) == \at(thread_at[u].fault_kind,L) &&
        \at(thread_at[u].fault_address,K) == \at(thread_at[u].fault_address,L) &&
        (u != to ==> \at(thread_at[u].reg,K) == \at(thread_at[u].reg,L));
    // Threads, processes and endpoints are the same ones as before, and in the same states.
    predicate threads_still{K,L}(integer to) = \forall integer u; is_frame(u) ==>
        (is_thread{K}(u) <==> is_thread{L}(u)) && (is_thread{K}(u) ==> thread_still{K,L}(u, to));
    predicate processes_still{K,L} = \forall integer p; is_frame(p) ==>
        (is_process{K}(p) <==> is_process{L}(p)) && (is_process{K}(p) ==>
            \at(process_at[p].dying,K) == \at(process_at[p].dying,L));
    predicate endpoints_still{K,L} = \forall integer e; 0 < e < FRAMES_MAX * SLOTS ==>
        (is_endpoint{K}(e) <==> is_endpoint{L}(e)) && (is_endpoint{K}(e) ==>
            \at(endpoint_at[e].first,K) == \at(endpoint_at[e].first,L) &&
            \at(endpoint_at[e].last,K) == \at(endpoint_at[e].last,L) &&
            \at(endpoint_at[e].mode,K) == \at(endpoint_at[e].mode,L) &&
            \at(endpoint_at[e].events,K) == \at(endpoint_at[e].events,L) &&
            \at(endpoint_at[e].generation,K) == \at(endpoint_at[e].generation,L));
*/

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

/*@ // The message that t has in its registers is all of it; it is no fault.
    predicate message_short{L}(integer t) = thread_at[t].fault_kind == 0 && tag_short(thread_at[t].reg[REG_RSI]);
    // p has got the message of t's call, or answer: what the fast path says in result registers.
    predicate words_received{K,L}(integer t, integer p) =
        \at(thread_at[p].reg[REG_RDX],L) == \at(thread_at[t].reg[REG_RDX],K) &&
        \at(thread_at[p].reg[REG_R10],L) == \at(thread_at[t].reg[REG_R10],K) &&
        \at(thread_at[p].reg[REG_R8],L) == \at(thread_at[t].reg[REG_R8],K) &&
        \at(thread_at[p].reg[REG_R9],L) == \at(thread_at[t].reg[REG_R9],K) && \at(thread_at[p].reg[REG_RAX],L) == 0;
    predicate call_received{K,L}(integer t, integer p, integer badge) = words_received{K,L}(t, p) &&
        \at(thread_at[p].reg[REG_RDI],L) == badge &&
        \at(thread_at[p].reg[REG_RSI],L) == \at(thread_at[t].reg[REG_RSI],K) + TAG_CALL;
    predicate answer_received{K,L}(integer t, integer q) = words_received{K,L}(t, q) &&
        \at(thread_at[q].reg[REG_RDI],L) == 0 && \at(thread_at[q].reg[REG_RSI],L) == \at(thread_at[t].reg[REG_RSI],K);
*/

/* Sends, or calls. */
/*@ requires runs: runs(t) && is_born(way.endpoint);
    requires bool: (way.calls == 0 || way.calls == 1) && (way.grants == 0 || way.grants == 1);
    KERNEL_NEED(0)
    assigns FAIL_STATE, MESSAGE_STATE;
    KERNEL_WF(0)
    behavior short:
        assumes way.calls == 1 && message_short(t) && endpoint_at[way.endpoint].mode == MODE_RECEIVE &&
            partner_ready(thread_at[t].cpu, endpoint_at[way.endpoint].first);
        ensures blocked: \result == STATUS_BLOCKED;
        ensures taken: call_taken{Pre,Post}(t, \old(endpoint_at[way.endpoint].first));
        ensures left: queue_left{Pre,Post}(way.endpoint, \old(endpoint_at[way.endpoint].first));
        ensures runs: runs_now(\old(thread_at[t].cpu), \old(endpoint_at[way.endpoint].first));
        ensures grants: thread_at[t].grants == way.grants;
        ensures message: call_received{Pre,Post}(t, \old(endpoint_at[way.endpoint].first), way.badge); */
MUST_USE status_t ipc_send(pfn_t t, struct way way);

/* Receives, as options (TAG_NONBLOCK, TAG_DEADLINE) allow. */
/*@ requires runs: runs(t) && is_born(e);
    KERNEL_NEED(0)
    assigns FAIL_STATE, MESSAGE_STATE;
    KERNEL_WF(0)
    ensures blocked: \result == STATUS_BLOCKED ==> cpu_at[\old(thread_at[t].cpu)].current == 0;
    CPUS_KEPT
    ensures same: \forall integer u; is_thread{Pre}(u) ==> is_thread(u) && thread_at[u].cpu == \old(thread_at[u].cpu);
    ensures runner: \forall integer u; u != t && \old(nowhere(u)) ==> nowhere(u);
    behavior waits:
        assumes options == 0 && thread_at[t].reply_id == 0 && receive_waits(e);
        ensures status: \result == STATUS_BLOCKED;
        ensures state: thread_at[t].state == THREAD_RECEIVING && thread_at[t].reply_id == 0;
        ensures joined: queue_joined{Pre,Post}(e, t);
        ensures threads: \forall integer u; u != t ==> thread_same{Pre,Post}(u);
        ensures processes: \forall integer p; is_frame(p) ==> process_at[p].dying == \old(process_at[p].dying);
        ensures ready: \forall integer c; 0 <= c < CPUS_MAX ==> cpu_at[c].ready == \old(cpu_at[c].ready); */
MUST_USE status_t ipc_receive(pfn_t t, endpoint_t e, uint64_t options);

/* Answers caller's call with the message t has in its registers; to make caller ready is left to do. */
/*@ requires runs: runs(t) && is_thread(caller) && thread_at[caller].call_id != 0;
    KERNEL_NEED(0)
    assigns deadline_count, deadline_heap[0 .. FRAMES_MAX - 1], MESSAGE_STATE;
    KERNEL_WF(0)
    REPLY_KEPT
    REPLY_SHORT */
MUST_USE status_t ipc_reply(pfn_t t, pfn_t caller);

/* Answers the call taken last, then receives on e. */
/*@ requires runs: runs(t) && is_born(e);
    KERNEL_NEED(0)
    assigns FAIL_STATE, MESSAGE_STATE;
    KERNEL_WF(0)
    behavior no_call:
        assumes none: thread_at[t].reply_id == 0;
        assigns \nothing;
        ensures error: \result == ERR_NO_CALL;
    behavior gone:
        assumes over: thread_at[t].reply_id != 0 && !call_open(t);
        assigns \nothing;
        ensures error: \result == ERR_PEER;
    behavior dead:
        assumes ends: call_open(t) && endpoint_at[e].mode == MODE_DEAD;
        assigns \nothing;
        ensures error: \result == ERR_DEAD;
    behavior short:
        assumes message_short(t) && options == 0 && receive_waits(e);
        assumes answer_waits(t, thread_at[t].reply_to) && thread_at[thread_at[t].reply_to].fault_kind == 0;
        assumes partner_ready(thread_at[t].cpu, thread_at[t].reply_to);
        ensures blocked: \result == STATUS_BLOCKED;
        ensures over: thread_at[\old(thread_at[t].reply_to)].call_id == 0 && thread_at[t].reply_id == 0;
        ensures state: thread_at[t].state == THREAD_RECEIVING;
        ensures joined: queue_joined{Pre,Post}(e, t);
        ensures runs: runs_now(\old(thread_at[t].cpu), \old(thread_at[t].reply_to));
        ensures message: answer_received{Pre,Post}(t, \old(thread_at[t].reply_to)); */
MUST_USE status_t ipc_reply_receive(pfn_t t, endpoint_t e, uint64_t options);

/*@ // Process p has an endpoint for its faults, which is there.
    predicate fault_handled{L}(integer p) = process_at[p].fault_endpoint != 0 && process_at[p].fault_generation != 0 &&
        is_endpoint(process_at[p].fault_endpoint) &&
        endpoint_at[process_at[p].fault_endpoint].generation == process_at[p].fault_generation;
*/

/* t, which was running, faulted: its handler gets a call, or its process ends. */
/*@ requires runs: runs(t) && kind != FAULT_NONE && kind < FAULT_LAST;
    KERNEL_NEED(0)
    assigns FAIL_STATE, frame_next_birth;
    KERNEL_WF(0)
    behavior ends:
        assumes none: !fault_handled(frame_owner[t]);
        ensures ended: process_at[frame_owner[t]].dying != 0; */
void ipc_fault(pfn_t t, uint32_t kind, uint64_t address);

#endif
