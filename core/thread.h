/* SPDX-License-Identifier: MIT */
/*
 * Threads: registers, a place in the scheduler, and at most one thing waited for. A thread that waits is in the queue of
 * its endpoint (SENDING, RECEIVING) or holds a call_id (CALLING, FAULTED); thread_wake ends any wait. The right to
 * answer a call is reply_to/reply_id of the thread that took it, or a reply handle: it is good while the calling
 * thread's call_id is that number, so it can be used once and never outlives the call.
 */
#ifndef CORE_THREAD_H
#define CORE_THREAD_H

#include "core/kernel.h"
#include "core/sched.h"

/* clang-format off */
/* What changes when a thread's wait ends, and when that can be by the end of a process. */
#define WAKE_STATE \
    deadline_count, deadline_heap[0 .. FRAMES_MAX - 1], thread_at[0 .. FRAMES_MAX - 1], \
        queue_of[0 .. FRAMES_MAX - 1], queue_next[0 .. FRAMES_MAX - 1], queue_prev[0 .. FRAMES_MAX - 1], \
        queue_key[0 .. FRAMES_MAX - 1], queue_clock, endpoint_at[0 .. FRAMES_MAX * SLOTS - 1], \
        cpu_at[0 .. CPUS_MAX - 1]
#define FAIL_STATE WAKE_STATE, process_at[0 .. FRAMES_MAX - 1], dead_first, ghost_machine
/* Threads stay on their CPUs with the calls they took; but for x, who waits for nothing goes on so. */
#define THREADS_KEPT(x) \
    ensures homes: \forall integer u; is_frame(u) ==> thread_at[u].cpu == \old(thread_at[u].cpu); \
    ensures owes: \forall integer u; is_frame(u) ==> \
        thread_at[u].reply_id == \old(thread_at[u].reply_id) && thread_at[u].reply_to == \old(thread_at[u].reply_to); \
    ensures runner: \forall integer u; u != x && \old(nowhere(u)) ==> nowhere(u);
/* No CPU runs another thread than it did; some may have stopped. */
#define CPUS_KEPT \
    ensures cpus: \forall integer c; 0 <= c < CPUS_MAX ==> \
        cpu_at[c].current == \old(cpu_at[c].current) || cpu_at[c].current == 0;
/* Nobody joins an endpoint; one whose receivers leave may end idle. */
#define ENDPOINTS_KEPT \
    ensures births: \forall integer e; 0 < e < FRAMES_MAX * SLOTS ==> \
        endpoint_at[e].generation == \old(endpoint_at[e].generation); \
    ensures modes: \forall integer e; 0 < e < FRAMES_MAX * SLOTS ==> \
        endpoint_at[e].mode == \old(endpoint_at[e].mode) || \
        (\old(endpoint_at[e].mode) == MODE_RECEIVE && endpoint_at[e].mode == MODE_IDLE);
/* clang-format on */

/* A suspended thread of process p, whose container has room for one page; not yet ready. 0: no frame. */
/*@ requires kernel_wf && is_process(p) && priority < PRIORITIES && cpu < CPUS_MAX;
    ensures kernel_wf;
    ensures \result != 0 ==> is_thread(\result) && frame_owner[\result] == p &&
        thread_at[\result].state == THREAD_SUSPENDED; */
pfn_t thread_create(pfn_t p, uint8_t priority, uint8_t cpu);

/* The register that tells t the status of the call it made. */
/*@ requires is_thread(t);
    assigns thread_at[t].reg[REG_RAX];
    ensures told: thread_at[t].reg[REG_RAX] == (status == ERR_NONE ? 0 : UINT64_MAX - (status - 1));
    KERNEL_KEPT(t) */
static inline void thread_set_status(pfn_t t, status_t status)
{
    thread_at[T(t)].reg[REG_RAX] = status == ERR_NONE ? 0 : UINT64_MAX - ((uint64_t)status - 1);
}

/* Ends whatever t waits for, with a status; it becomes ready (or suspended). t is in no queue. */
/*@ requires out: is_thread(t) && queue_of[t] == 0 && cpu_at[thread_at[t].cpu].current != t;
    KERNEL_NEED(t)
    assigns deadline_count, deadline_heap[0 .. FRAMES_MAX - 1], thread_at[0 .. FRAMES_MAX - 1], queue_of[t],
            queue_next[0 .. FRAMES_MAX - 1], queue_prev[t], queue_key[t], queue_clock,
            endpoint_at[run_queue(t)].first, endpoint_at[run_queue(t)].last, cpu_at[0 .. CPUS_MAX - 1];
    KERNEL_WF(0)
    ensures done: thread_at[t].call_id == 0 && thread_at[t].heap_index == 0;
    ensures regs: \forall integer r; 0 <= r < REG_COUNT && r != REG_RAX ==>
        thread_at[t].reg[r] == \old(thread_at[t].reg[r]);
    ensures queue: queue_of[t] == 0 || queue_of[t] == \old(run_queue(t));
    ensures ready: \old(may_run(t)) ==> thread_at[t].state == THREAD_READY && queue_of[t] == \old(run_queue(t));
    ensures parked: !\old(may_run(t)) ==> thread_at[t].state == THREAD_SUSPENDED && queue_of[t] == 0;
    ensures others: \forall integer u; u != t ==> thread_same{Pre,Post}(u);
    ensures places: heap_others{Pre,Post}(t);
    THREADS_KEPT(t)
    ensures current: \forall integer c; 0 <= c < CPUS_MAX ==> cpu_at[c].current == \old(cpu_at[c].current); */
void thread_wake(pfn_t t, status_t status);

/* The same for a thread whose fault may be what waits: then its process ends by that fault. */
/*@ requires out: is_thread(t) && queue_of[t] == 0 && cpu_at[thread_at[t].cpu].current != t;
    KERNEL_NEED(t)
    assigns FAIL_STATE;
    KERNEL_WF(0)
    ENDPOINTS_KEPT
    THREADS_KEPT(t)
    CPUS_KEPT */
void thread_fail(pfn_t t, status_t status);

/* t's fault has no handler: its process ends, and tells what happened. */
/*@ requires fault: nowhere(t) && thread_at[t].fault_kind != 0;
    KERNEL_NEED(t)
    assigns FAIL_STATE;
    KERNEL_WF(0)
    ensures ended: process_at[frame_owner[t]].dying != 0;
    ENDPOINTS_KEPT
    THREADS_KEPT(0)
    CPUS_KEPT */
void thread_fault_end(pfn_t t);

/* Takes t out of any queue and heap: it waits for nothing and is not ready; its state is the caller's to set. */
/*@ requires thread: is_thread(t);
    KERNEL_NEED(0)
    assigns deadline_count, deadline_heap[0 .. FRAMES_MAX - 1], thread_at[0 .. FRAMES_MAX - 1], queue_of[t],
            queue_next[0 .. FRAMES_MAX - 1], queue_prev[0 .. FRAMES_MAX - 1], endpoint_at[queue_of[t]].first,
            endpoint_at[queue_of[t]].last, endpoint_at[queue_of[t]].mode, cpu_at[thread_at[t].cpu].ready;
    KERNEL_WF(t)
    ensures out: nowhere(t);
    ensures same: thread_at[t].state == \old(thread_at[t].state) && thread_at[t].cpu == \old(thread_at[t].cpu) &&
        thread_at[t].priority == \old(thread_at[t].priority) &&
        thread_at[t].suspended == \old(thread_at[t].suspended);
    ensures regs: \forall integer r; 0 <= r < REG_COUNT ==> thread_at[t].reg[r] == \old(thread_at[t].reg[r]);
    ensures others: \forall integer u; is_frame(u) && u != t ==> thread_same{Pre,Post}(u) && thread_due_same{Pre,Post}(u); */
void thread_unlink(pfn_t t);

/*@ // The call that t took still waits for its answer.
    predicate call_open{L}(integer t) = thread_at[t].reply_id != 0 &&
        frame_kind[thread_at[t].reply_to] == FRAME_THREAD &&
        thread_at[thread_at[t].reply_to].call_id == thread_at[t].reply_id;
*/

/* The thread whose call t may answer, if that call still waits; 0: none. */
/*@ requires thread: is_thread(t) && threads_wf;
    assigns \nothing;
    ensures caller: call_open(t) ==> \result == thread_at[t].reply_to;
    ensures none: !call_open(t) ==> \result == 0;
    ensures waits: \result != 0 ==> is_thread(\result) &&
        thread_at[\result].call_id == thread_at[t].reply_id && thread_at[t].reply_id != 0; */
pfn_t thread_caller(pfn_t t);

/* t's fault is over. */
/*@ requires is_thread(t);
    assigns thread_at[t].fault_kind;
    ensures over: thread_at[t].fault_kind == 0;
    THREAD_KEPT(0) */
static inline void fault_forget(pfn_t t) { thread_at[T(t)].fault_kind = 0; }

/* t may not answer the call it took any more. */
/*@ requires is_thread(t);
    assigns thread_at[t].reply_id;
    ensures over: thread_at[t].reply_id == 0;
    THREAD_KEPT(0) */
static inline void call_forget(pfn_t t) { thread_at[T(t)].reply_id = 0; }

/* For contracts: t has given up the call it took. */
/* clang-format off */
#define CALL_GIVEN_UP \
    KERNEL_WF(0) \
    ensures over: thread_at[t].reply_id == 0; \
    ENDPOINTS_KEPT \
    CPUS_KEPT \
    ensures same: \forall integer u; is_frame(u) ==> thread_at[u].cpu == \old(thread_at[u].cpu); \
    ensures runner: \forall integer u; \old(nowhere(u)) ==> nowhere(u);
/* clang-format on */

/* t gives up the call it has not answered: the caller gets the error PEER. */
/*@ requires thread: is_thread(t);
    KERNEL_NEED(0)
    assigns FAIL_STATE;
    CALL_GIVEN_UP */
void thread_answer_never(pfn_t t);

/* The same, if t has taken a call. */
/*@ requires thread: is_thread(t);
    KERNEL_NEED(0)
    assigns FAIL_STATE;
    CALL_GIVEN_UP */
static inline void thread_drop_call(pfn_t t)
{
    if (thread_at[T(t)].reply_id != 0)
        thread_answer_never(t);
}

/* A reply handle of process p goes: if its call still waits, the caller gets PEER. */
/*@ requires slot: is_slot(h);
    KERNEL_NEED(0)
    assigns FAIL_STATE;
    KERNEL_WF(0)
    ENDPOINTS_KEPT
    CPUS_KEPT */
void handle_abandon(slot_t h);

/* Puts event bits into t's registers as a received message. */
/*@ requires is_thread(t);
    assigns thread_at[t].reg[0 .. REG_COUNT - 1];
    ensures thread_at[t].reg[REG_RSI] == TAG_EVENT && thread_at[t].reg[REG_RDX] == bits;
    KERNEL_KEPT(t) */
INDEX_GUARD void thread_set_event(pfn_t t, uint64_t bits)
{
    thread_at[T(t)].reg[REG_RDI] = 0;
    thread_at[T(t)].reg[REG_RSI] = TAG_EVENT;
    thread_at[T(t)].reg[REG_RDX] = bits;
    thread_at[T(t)].reg[REG_R10] = 0;
    thread_at[T(t)].reg[REG_R8] = 0;
    thread_at[T(t)].reg[REG_R9] = 0;
}

/* Destroys t: out of every queue, calls it owed are given up, its page is free. */
/*@ requires kernel_wf && is_thread(t);
    ensures kernel_wf && frame_kind[t] == FRAME_FREE; */
void thread_destroy(pfn_t t);

/*@ // Another CPU, or any priority, takes t to the end of a run queue: it is in one, or runs where it may not any more.
    predicate place_moves{L}(integer t, integer cpu) = thread_at[t].state == THREAD_READY ||
        (thread_at[t].state == THREAD_RUNNING && thread_at[t].cpu != cpu);
    // CPU c runs what it ran, or nothing if that was t and t was to move.
    predicate runs_but{K,L}(integer c, integer t) =
        \at(cpu_at[c].current,L) == (\at(cpu_at[c].current,K) == t ? 0 : \at(cpu_at[c].current,K));
    predicate placed{K,L}(integer t, integer priority, integer cpu) =
        \at(thread_at[t].priority,L) == priority && \at(thread_at[t].cpu,L) == cpu &&
        (place_moves{K}(t, cpu) ==>
            let_go{K,L}(t) && \forall integer c; 0 <= c < CPUS_MAX ==> runs_but{K,L}(c, t)) &&
        (!place_moves{K}(t, cpu) ==>
            place_same{K,L}(t) && \forall integer c; 0 <= c < CPUS_MAX ==> \at(cpu_at[c].current,L) == \at(cpu_at[c].current,K));
*/
/* For contracts: what that changes. */
/* clang-format off */
#define PLACE_STATE(t, to, c) \
    thread_at[t].priority, thread_at[t].cpu, thread_at[t].state, thread_at[t].suspended, queue_of[t], \
        queue_next[0 .. FRAMES_MAX - 1], queue_prev[0 .. FRAMES_MAX - 1], queue_key[t], queue_clock, \
        endpoint_at[run_queue(t)].first, endpoint_at[run_queue(t)].last, endpoint_at[cpu_at[c].run + to].first, \
        endpoint_at[cpu_at[c].run + to].last, cpu_at[thread_at[t].cpu].current, cpu_at[thread_at[t].cpu].ready, \
        cpu_at[c].current, cpu_at[c].ready
/* clang-format on */

/* Makes t's priority or CPU what the caller says, in its run queue too. */
/*@ requires place: is_thread(t) && priority < PRIORITIES && cpu_started(cpu);
    KERNEL_NEED(0)
    assigns PLACE_STATE(t, priority, cpu);
    KERNEL_WF(0)
    ensures placed: placed{Pre,Post}(t, priority, cpu); */
void thread_place(pfn_t t, uint8_t priority, uint8_t cpu);

#endif
