/* SPDX-License-Identifier: MIT */
/* Threads; see thread.h. */
#include "core/thread.h"
#include "core/deadline.h"
#include "core/endpoint.h"
#include "core/process.h"
#include "core/sched.h"

RARE pfn_t thread_create(pfn_t p, uint8_t priority, uint8_t cpu)
{
    pfn_t t = frame_create(FRAME_THREAD);
    if (t == 0)
        return 0;
    thread_at[T(t)].state = THREAD_SUSPENDED;
    thread_at[T(t)].suspended = 1;
    thread_at[T(t)].priority = priority;
    thread_at[T(t)].cpu = cpu;
    thread_at[T(t)].slice = SLICE_TICKS;
    thread_at[T(t)].number = process_at[P(p)].next_number;
    process_at[P(p)].next_number++;
    process_at[P(p)].threads++;
    owner_add(p, t);
    process_charge(p, 1);
    arch_thread_init(t);
    arch_regs_sanitize(t);
    return t;
}

/* t waits for nothing any more. */
/*@ requires is_thread(t);
    KERNEL_NEED(t)
    assigns deadline_count, deadline_heap[0 .. FRAMES_MAX - 1], thread_at[0 .. FRAMES_MAX - 1];
    KERNEL_WF(t)
    ensures over: thread_at[t].call_id == 0 && thread_at[t].heap_index == 0;
    ensures same: thread_at[t].state == \old(thread_at[t].state) && thread_at[t].cpu == \old(thread_at[t].cpu) &&
        thread_at[t].priority == \old(thread_at[t].priority) &&
        thread_at[t].suspended == \old(thread_at[t].suspended);
    ensures regs: \forall integer r; 0 <= r < REG_COUNT ==> thread_at[t].reg[r] == \old(thread_at[t].reg[r]); */
static void thread_wait_end(pfn_t t)
{
    deadline_drop(t);
    thread_at[T(t)].call_id = 0;
}

void thread_wake(pfn_t t, status_t status)
{
    thread_wait_end(t);
    thread_set_status(t, status);
    sched_ready(t);
}

RARE void thread_fault_end(pfn_t t)
{
    pfn_t p = frame_owner[t];
    if (process_at[P(p)].dying == 0) {
        process_at[P(p)].fault_address = thread_at[T(t)].fault_address;
        process_at[P(p)].fault_ip = thread_at[T(t)].reg[REG_RIP];
        process_at[P(p)].fault_thread = thread_at[T(t)].number;
        process_end(p, PROCESS_FAULTED, thread_at[T(t)].fault_kind);
    }
    thread_at[T(t)].fault_kind = 0;
    sched_park(t);
}

RARE void thread_fail(pfn_t t, status_t status)
{
    if (thread_at[T(t)].fault_kind == 0) {
        thread_wake(t, status);
        return;
    }
    deadline_remove(t);
    thread_at[T(t)].call_id = 0;
    thread_fault_end(t);
}

RARE void thread_unlink(pfn_t t)
{
    uint8_t state = thread_at[T(t)].state;
    if (state == THREAD_READY)
        sched_unready(t);
    else if (queue_of[t] != 0)
        endpoint_leave(t);
    deadline_remove(t);
    thread_at[T(t)].call_id = 0;
}

pfn_t thread_caller(pfn_t t)
{
    pfn_t caller = thread_at[T(t)].reply_to;
    uint64_t id = thread_at[T(t)].reply_id;
    if (id == 0 || frame_kind[caller] != FRAME_THREAD)
        return 0;
    return thread_at[T(caller)].call_id == id ? caller : 0;
}

RARE void thread_answer_never(pfn_t t)
{
    pfn_t caller = thread_caller(t);
    thread_at[T(t)].reply_id = 0;
    if (caller != 0)
        thread_fail(caller, ERR_PEER);
}

RARE void handle_abandon(slot_t h)
{
    if (handle_at[H(h)].kind == KIND_REPLY && handle_live(h))
        thread_fail(handle_at[H(h)].object, ERR_PEER);
}

RARE void thread_destroy(pfn_t t)
{
    pfn_t p = frame_owner[t];
    thread_unlink(t);
    thread_drop_call(t);
    sched_park(t);
    arch_thread_release(t);
    owner_remove(t);
    process_at[P(p)].threads--;
    process_uncharge(p, 1);
    frame_destroy(t);
}

RARE void thread_place(pfn_t t, uint8_t priority, uint8_t cpu)
{
    bool ready = thread_at[T(t)].state == THREAD_READY;
    bool running = thread_at[T(t)].state == THREAD_RUNNING;
    bool moves = thread_at[T(t)].cpu != cpu;
    if (ready)
        sched_unready(t);
    if (running && moves)
        cpu_at[thread_at[T(t)].cpu].current = 0;
    thread_at[T(t)].priority = priority;
    thread_at[T(t)].cpu = cpu;
    if (ready || (running && moves))
        sched_ready(t);
}
