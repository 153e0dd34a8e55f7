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
        thread_at[t].suspended == \old(thread_at[t].suspended) &&
        thread_at[t].fault_kind == \old(thread_at[t].fault_kind);
    ensures regs: \forall integer r; 0 <= r < REG_COUNT ==> thread_at[t].reg[r] == \old(thread_at[t].reg[r]);
    ensures others: \forall integer u; u != t ==> thread_same{Pre,Post}(u);
    ensures places: heap_others{Pre,Post}(t);
    ensures took: thread_at[t].reply_id == \old(thread_at[t].reply_id) &&
        thread_at[t].reply_to == \old(thread_at[t].reply_to);
    ensures owes: \forall integer u; is_frame(u) ==> thread_at[u].reply_id == \old(thread_at[u].reply_id) &&
        thread_at[u].reply_to == \old(thread_at[u].reply_to); */
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

/* Process p tells what the fault of its thread t was. */
/*@ requires is_process(p) && is_thread(t);
    assigns process_at[p].fault_address, process_at[p].fault_ip, process_at[p].fault_thread;
    ensures address: process_at[p].fault_address == thread_at[t].fault_address;
    ensures ip: process_at[p].fault_ip == thread_at[t].reg[REG_RIP];
    ensures thread: process_at[p].fault_thread == thread_at[t].number;
    KERNEL_KEPT(0) */
static inline void fault_note(pfn_t p, pfn_t t)
{
    process_at[P(p)].fault_address = thread_at[T(t)].fault_address;
    process_at[P(p)].fault_ip = thread_at[T(t)].reg[REG_RIP];
    process_at[P(p)].fault_thread = thread_at[T(t)].number;
}

/* t stops for good after its fault. */
/*@ requires fault: nowhere(t);
    KERNEL_NEED(t)
    assigns thread_at[t].state, thread_at[t].suspended, thread_at[t].fault_kind, cpu_at[thread_at[t].cpu].current;
    KERNEL_WF(0)
    ensures parked: thread_at[t].state == THREAD_SUSPENDED && thread_at[t].fault_kind == 0;
    ensures nowhere: nowhere(t);
    CPUS_KEPT */
static inline void fault_park(pfn_t t)
{
    sched_park(t);
    fault_forget(t);
}

/* Process p, which has not ended, ends by the fault of its thread t, and tells what it was. */
/*@ requires process: is_process(p) && is_thread(t) && process_at[p].dying == 0;
    KERNEL_NEED(0)
    assigns FAIL_STATE;
    KERNEL_WF(0)
    ensures ended: process_at[p].dying == 1 && process_at[p].state == PROCESS_FAULTED && process_at[p].code == kind;
    ENDPOINTS_KEPT
    THREADS_KEPT(0)
    CPUS_KEPT */
static void process_fault(pfn_t p, pfn_t t, uint64_t kind)
{
    fault_note(p, t);
    process_end(p, PROCESS_FAULTED, kind);
}

RARE void thread_fault_end(pfn_t t)
{
    pfn_t p = frame_owner[t];
    uint64_t kind = thread_at[T(t)].fault_kind;
    fault_park(t);
    if (process_at[P(p)].dying != 0)
        return;
    //@ assert runner: \forall integer u; nowhere{Pre}(u) ==> nowhere(u);
    process_fault(p, t, kind);
}

RARE void thread_fail(pfn_t t, status_t status)
{
    if (thread_at[T(t)].fault_kind == 0) {
        thread_wake(t, status);
        return;
    }
    thread_wait_end(t);
    thread_fault_end(t);
}

/* t leaves the queue it is in, if any. */
/*@ requires thread: is_thread(t);
    KERNEL_NEED(0)
    assigns queue_of[t], queue_next[0 .. FRAMES_MAX - 1], queue_prev[0 .. FRAMES_MAX - 1],
            endpoint_at[queue_of[t]].first, endpoint_at[queue_of[t]].last, endpoint_at[queue_of[t]].mode,
            cpu_at[thread_at[t].cpu].ready;
    KERNEL_WF(t)
    ensures out: queue_of[t] == 0; */
static inline void thread_queue_leave(pfn_t t)
{
    //@ assert place: thread_place_ok(t);
    if (thread_at[T(t)].state == THREAD_READY)
        sched_unready(t);
    else if (queue_of[t] != 0)
        endpoint_leave(t);
}

/* thread_wait_end, to be compiled into what seldom runs. */
/*@ requires thread: is_thread(t);
    KERNEL_NEED(t)
    assigns deadline_count, deadline_heap[0 .. FRAMES_MAX - 1], thread_at[0 .. FRAMES_MAX - 1];
    KERNEL_WF(t)
    ensures over: thread_at[t].call_id == 0 && thread_at[t].heap_index == 0;
    ensures same: thread_at[t].state == \old(thread_at[t].state) && thread_at[t].cpu == \old(thread_at[t].cpu) &&
        thread_at[t].priority == \old(thread_at[t].priority) &&
        thread_at[t].suspended == \old(thread_at[t].suspended);
    ensures regs: \forall integer r; 0 <= r < REG_COUNT ==> thread_at[t].reg[r] == \old(thread_at[t].reg[r]);
    ensures others: \forall integer u; is_frame(u) && u != t ==> thread_same{Pre,Post}(u) && thread_due_same{Pre,Post}(u); */
static inline void thread_wait_drop(pfn_t t)
{
    deadline_remove(t);
    thread_at[T(t)].call_id = 0;
}

RARE void thread_unlink(pfn_t t)
{
    thread_queue_leave(t);
    thread_wait_drop(t);
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
    call_forget(t);
    if (caller == 0)
        return;
    //@ assert waits: thread_at[caller].call_id != 0 && thread_place_ok(caller);
    //@ assert out: queue_of[caller] == 0 && cpu_at[thread_at[caller].cpu].current != caller;
    thread_fail(caller, ERR_PEER);
}

RARE void handle_abandon(slot_t h)
{
    if (handle_at[H(h)].kind != KIND_REPLY || !handle_live(h))
        return;
    pfn_t caller = handle_at[H(h)].object;
    //@ assert waits: is_thread(caller) && thread_at[caller].call_id != 0 && thread_place_ok(caller);
    //@ assert out: queue_of[caller] == 0 && cpu_at[thread_at[caller].cpu].current != caller;
    thread_fail(caller, ERR_PEER);
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

/* t is nowhere now if it was ready, or ran and is to leave its CPU. */
/*@ requires thread: is_thread(t) && ready <= 1 && running <= 1 && moves <= 1;
    requires state: (ready == 1 <==> thread_at[t].state == THREAD_READY) &&
        (running == 1 <==> thread_at[t].state == THREAD_RUNNING);
    KERNEL_NEED(0)
    assigns queue_of[t], queue_next[0 .. FRAMES_MAX - 1], queue_prev[0 .. FRAMES_MAX - 1],
            endpoint_at[run_queue(t)].first, endpoint_at[run_queue(t)].last, cpu_at[thread_at[t].cpu].ready,
            cpu_at[thread_at[t].cpu].current;
    KERNEL_WF(t)
    ensures waits_wf: waits_but(0);
    ensures out: ready == 1 || (running == 1 && moves == 1) ==> nowhere(t) && cpu_at[thread_at[t].cpu].current != t;
    ensures current: cpu_at[thread_at[t].cpu].current ==
        (running == 1 && moves == 1 ? 0 : \old(cpu_at[thread_at[t].cpu].current));
    ensures places_wf: ready == 0 && !(running == 1 && moves == 1) ==> places_but(0) && queue_of[t] == \old(queue_of[t]); */
static inline void thread_lift(pfn_t t, bool ready, bool running, bool moves)
{
    //@ assert place: thread_place_ok(t);
    if (ready)
        sched_unready(t);
    if (running && moves)
        cpu_at[thread_at[T(t)].cpu].current = 0;
}

/* t belongs to that run queue. */
/*@ requires place: is_thread(t) && priority < PRIORITIES && cpu_started(cpu);
    assigns thread_at[t].priority, thread_at[t].cpu;
    ensures set: thread_at[t].priority == priority && thread_at[t].cpu == cpu;
    ensures deadlines_wf: \old(deadlines_wf) ==> deadlines_wf;
    ensures threads_wf: \old(threads_wf) ==> threads_wf;
    ensures waits_but: \old(waits_but(0)) ==> waits_but(0);
    ensures cpus_wf: \old(cpus_wf) && (\old(thread_at[t].cpu) == cpu || \old(cpu_at[thread_at[t].cpu].current) != t) ==>
        cpus_wf;
    ensures places_but: \old(places_but(t)) ==> places_but(t);
    ensures places_wf: \old(places_but(0)) && thread_at[t].state != THREAD_READY &&
        (thread_at[t].state == THREAD_RUNNING ==> \old(thread_at[t].cpu) == cpu) ==> places_but(0); */
static inline void thread_assign(pfn_t t, uint8_t priority, uint8_t cpu)
{
    thread_at[T(t)].priority = priority;
    thread_at[T(t)].cpu = cpu;
}

RARE void thread_place(pfn_t t, uint8_t priority, uint8_t cpu)
{
    bool ready = thread_at[T(t)].state == THREAD_READY;
    bool running = thread_at[T(t)].state == THREAD_RUNNING;
    bool moves = thread_at[T(t)].cpu != cpu;
    //@ assert current: cpu_at[thread_at[t].cpu].current == t ==> running == 1;
    thread_lift(t, ready, running, moves);
    thread_assign(t, priority, cpu);
    if (ready || (running && moves))
        sched_ready(t);
}
