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

/* A suspended thread of process p, whose container has room for one page; not yet ready. 0: no frame. */
/*@ requires kernel_wf && is_process(p) && priority < PRIORITIES && cpu < CPUS_MAX;
    ensures kernel_wf;
    ensures \result != 0 ==> is_thread(\result) && frame_owner[\result] == p &&
        thread_at[\result].state == THREAD_SUSPENDED; */
pfn_t thread_create(pfn_t p, uint8_t priority, uint8_t cpu);

/* The register that tells t the status of the call it made. */
/*@ requires is_thread(t);
    assigns thread_at[t].reg[REG_RAX];
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
    ensures queue: queue_of[t] == 0 || queue_of[t] == \old(run_queue(t)); */
void thread_wake(pfn_t t, status_t status);

/* The same for a thread whose fault may be what waits: then its process ends by that fault. */
/*@ requires kernel_wf && is_thread(t) && queue_of[t] == 0 && status != ERR_NONE;
    ensures kernel_wf && thread_at[t].call_id == 0; */
void thread_fail(pfn_t t, status_t status);

/* t's fault has no handler: its process ends, and tells what happened. */
/*@ requires kernel_wf && is_thread(t) && thread_at[t].fault_kind != 0;
    ensures kernel_wf && thread_at[t].fault_kind == 0; */
void thread_fault_end(pfn_t t);

/* Takes t out of any queue and heap: it waits for nothing and is not ready; its state is the caller's to set. */
/*@ requires kernel_wf && is_thread(t);
    ensures queue_of[t] == 0 && thread_at[t].call_id == 0 && thread_at[t].heap_index == 0; */
void thread_unlink(pfn_t t);

/* The thread whose call t may answer, if that call still waits; 0: none. */
/*@ requires kernel_wf && is_thread(t);
    assigns \nothing;
    ensures \result != 0 ==> is_thread(\result) && thread_at[\result].call_id == thread_at[t].reply_id; */
pfn_t thread_caller(pfn_t t);

/* t gives up the call it has not answered: the caller gets the error PEER. */
/*@ requires kernel_wf && is_thread(t);
    ensures kernel_wf && thread_at[t].reply_id == 0; */
void thread_answer_never(pfn_t t);

/* The same, if t has taken a call. */
/*@ requires kernel_wf && is_thread(t);
    ensures kernel_wf && thread_at[t].reply_id == 0; */
static inline void thread_drop_call(pfn_t t)
{
    if (thread_at[T(t)].reply_id != 0)
        thread_answer_never(t);
}

/* A reply handle of process p goes: if its call still waits, the caller gets PEER. */
/*@ requires kernel_wf && is_slot(h);
    ensures kernel_wf; */
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

/* Makes t's priority or CPU what the caller says, in its run queue too. */
/*@ requires kernel_wf && is_thread(t) && priority < PRIORITIES && cpu < CPUS_MAX && cpu_at[cpu].run != 0;
    ensures kernel_wf && thread_at[t].priority == priority && thread_at[t].cpu == cpu; */
void thread_place(pfn_t t, uint8_t priority, uint8_t cpu);

#endif
