/* SPDX-License-Identifier: MIT */
/* Inter-process communication; see ipc.h. */
#include "core/ipc_fast.h"
#include "core/deadline.h"
#include "core/endpoint.h"
#include "core/process.h"
#include "core/sched.h"
#include "core/thread.h"
#include "core/transfer.h"

/* clang-format off */
/* What a receive of t leaves as it is. */
#define RECEIVE_KEPT \
    CPUS_KEPT \
    ensures same: \forall integer u; is_thread{Pre}(u) ==> is_thread(u) && thread_at[u].cpu == \old(thread_at[u].cpu); \
    ensures runner: \forall integer u; u != t && \old(nowhere(u)) ==> nowhere(u);
/* What sending t's message to r does, where it is a call all in registers and r can go on at once. */
#define SEND_SHORT \
    behavior short: \
        assumes way.calls == 1 && message_short(t) && goes_on(thread_at[t].cpu, r); \
        ensures blocked: \result == STATUS_BLOCKED; \
        ensures taken: call_taken{Pre,Post}(t, r); \
        ensures left: queue_left{Pre,Post}(way.endpoint, r); \
        ensures runs: runs_now(\old(thread_at[t].cpu), r); \
        ensures grants: thread_at[t].grants == \old(thread_at[t].grants); \
        ensures message: call_received{Pre,Post}(t, r, way.badge);
/* clang-format on */

/*@ // t is what its CPU runs; or the CPU runs nothing, since t's process has just ended.
    predicate may_stop{L}(integer t) = is_thread(t) && thread_at[t].cpu < CPUS_MAX && queue_of[t] == 0 &&
        (cpu_at[thread_at[t].cpu].current == t || cpu_at[thread_at[t].cpu].current == 0);
    // All threads but two are where their state says.
    predicate places_two{L}(integer x, integer y) = \forall integer t; is_thread(t) && t != x && t != y ==>
        thread_place_ok(t);
    // What is waited for in that state, and that an endpoint with this mode has room for it.
    predicate wait_fits(integer state, integer mode) =
        (state == THREAD_SENDING && mode == MODE_SEND) || (state == THREAD_RECEIVING && mode == MODE_RECEIVE);
    predicate mode_fits{L}(integer e, integer mode) = endpoint_at[e].mode == MODE_IDLE || endpoint_at[e].mode == mode;
    // t has joined e's queue, behind all others.
    predicate queue_last{K,L}(integer e, integer t) = \at(queue_of[t],L) == e && queue_others{K,L}(t) &&
        \forall integer i; is_frame(i) && i != t && \at(queue_of[i],L) == e ==>
            \at(queue_key[i],L) < \at(queue_key[t],L);
*/

/* t stops running: it is in state now, and its CPU has nothing to do. */
/*@ requires stops: may_stop(t);
    requires state: state == THREAD_SENDING || state == THREAD_RECEIVING || state == THREAD_CALLING;
    assigns thread_at[t].state, cpu_at[thread_at[t].cpu].current;
    ensures stopped: thread_at[t].state == state && cpu_at[thread_at[t].cpu].current == 0;
    ensures deadlines_wf: \old(deadlines_wf) ==> deadlines_wf;
    ensures cpus_wf: \old(cpus_wf) ==> cpus_wf;
    ensures runs_wf: \old(runs_wf) ==> runs_wf;
    ensures runs_apart: \old(runs_apart) ==> runs_apart;
    ensures ready_wf: \old(ready_wf) ==> ready_wf;
    ensures threads_wf: \old(threads_wf) ==> threads_wf;
    ensures places: \forall integer x; \old(places_but(x)) ==> places_two(x, t);
    ensures waits_but: \old(waits_but(t)) ==> waits_but(t);
    ensures waits_wf: \old(waits_but(t)) && thread_at[t].call_id == 0 && state != THREAD_CALLING ==> waits_but(0); */
INDEX_GUARD void block(pfn_t t, uint8_t state)
{
    thread_at[T(t)].state = state;
    cpu_at[CPU(thread_at[T(t)].cpu)].current = 0;
}

/* Whether a tag may be sent; one that says that all is in registers always may. */
/*@ assigns \nothing;
    ensures short: tag_short(tag) ==> \result == ERR_NONE;
    ensures status: \result == ERR_NONE || \result == ERR_MESSAGE; */
static __attribute__((noinline)) status_t sent_check(uint64_t tag)
{
    return tag % LABEL_SPAN <= REGISTER_WORDS ? ERR_NONE : tag_check(tag, TAG_SENT_BITS);
}

/* t, which is about to wait, has a deadline. */
/*@ requires thread: is_thread(t) && thread_at[t].heap_index == 0 && deadline_count < FRAMES_MAX - 1;
    requires deadlines_wf: deadlines_wf;
    assigns deadline_count, deadline_heap[0 .. FRAMES_MAX - 1], thread_at[0 .. FRAMES_MAX - 1];
    ensures in: thread_at[t].heap_index != 0 && thread_at[t].deadline == time;
    ensures deadlines_wf: deadlines_wf;
    ensures cpus_wf: \old(cpus_wf) ==> cpus_wf;
    ensures threads_wf: \old(threads_wf) ==> threads_wf;
    ensures places: \old(places_but(0)) ==> places_but(0);
    ensures waits: \old(waits_but(0)) ==> waits_but(t);
    ensures rest: \forall integer u; thread_same{Pre,Post}(u);
    ensures others: heap_others{Pre,Post}(t); */
INDEX_GUARD void wait_until(pfn_t t, uint64_t time) { deadline_insert(t, time); }

/* Whether t may wait as its options say; the deadline is set here if it has one. */
/*@ requires thread: is_thread(t) && thread_at[t].heap_index == 0;
    KERNEL_NEED(0)
    assigns deadline_count, deadline_heap[0 .. FRAMES_MAX - 1], thread_at[0 .. FRAMES_MAX - 1], ghost_machine;
    KERNEL_WF(t)
    ensures places: places_but(0);
    ensures waits: thread_at[t].heap_index == 0 ==> waits_but(0);
    ensures rest: \forall integer u; thread_same{Pre,Post}(u);
    ensures others: heap_others{Pre,Post}(t);
    ensures status: \result == ERR_NONE || \result == ERR_WOULD_BLOCK || \result == ERR_TIMEOUT;
    ensures nonblock: \result == ERR_WOULD_BLOCK <==> options / TAG_NONBLOCK % 2 != 0;
    ensures deadline: \result == ERR_NONE ==> thread_at[t].heap_index != 0 &&
        thread_at[t].deadline == thread_at[t].reg[REG_RBX];
    ensures none: \result != ERR_NONE ==> thread_at[t].heap_index == 0; */
static RARE status_t wait_optional(pfn_t t, uint64_t options)
{
    if (options / TAG_NONBLOCK % 2 != 0)
        return ERR_WOULD_BLOCK;
    uint64_t time = thread_at[T(t)].reg[REG_RBX];
    if (time <= arch_clock() ||
        deadline_count == FRAMES_MAX - 1) /* there are more frames than threads */
        return ERR_TIMEOUT;
    wait_until(t, time);
    if (deadline_first() == t)
        sched_timer_arm(thread_at[T(t)].cpu);
    return ERR_NONE;
}

/* The same, if it has any option. */
/*@ requires thread: is_thread(t) && thread_at[t].heap_index == 0;
    KERNEL_NEED(0)
    assigns deadline_count, deadline_heap[0 .. FRAMES_MAX - 1], thread_at[0 .. FRAMES_MAX - 1], ghost_machine;
    KERNEL_WF(t)
    ensures places: places_but(0);
    ensures waits: thread_at[t].heap_index == 0 ==> waits_but(0);
    ensures rest: \forall integer u; thread_same{Pre,Post}(u);
    ensures others: heap_others{Pre,Post}(t);
    ensures status: \result == ERR_NONE || \result == ERR_WOULD_BLOCK || \result == ERR_TIMEOUT;
    ensures forever: options / TAG_NONBLOCK % 4 == 0 ==>
        \result == ERR_NONE && thread_at[t].heap_index == 0;
    ensures deadline: options / TAG_NONBLOCK % 4 != 0 && \result == ERR_NONE ==>
        thread_at[t].heap_index != 0 && thread_at[t].deadline == thread_at[t].reg[REG_RBX];
    ensures none: \result != ERR_NONE ==> thread_at[t].heap_index == 0; */
INDEX_GUARD status_t wait_begin(pfn_t t, uint64_t options)
{
    return options / TAG_NONBLOCK % 4 == 0 ? ERR_NONE : wait_optional(t, options);
}

/* Threads wait in e, or one is about to. */
/*@ requires endpoint: is_endpoint(e) && mode_fits(e, mode);
    assigns endpoint_at[e].mode;
    ensures mode: endpoint_at[e].mode == mode;
    ensures queues_wf: \old(queues_wf) ==> queues_wf;
    ensures ready_wf: \old(ready_wf) ==> ready_wf;
    ensures places_but: \forall integer x; \old(places_but(x)) ==> places_but(x); */
INDEX_GUARD void wait_mode(endpoint_t e, uint32_t mode) { endpoint_at[E(e)].mode = mode; }

/* t joins those that wait in e. */
/*@ requires waits: is_thread(t) && queue_of[t] == 0 && wait_fits(thread_at[t].state, endpoint_at[e].mode);
    requires endpoint: is_born(e);
    requires queues_wf && runs_wf;
    assigns queue_next[0 .. FRAMES_MAX - 1], queue_prev[t], queue_of[t], endpoint_at[e].first, endpoint_at[e].last,
            queue_key[t], queue_clock;
    ensures queues_wf: queues_wf;
    ensures ready_wf: \old(ready_wf) ==> ready_wf;
    ensures places_but: \old(places_but(t)) ==> places_but(0);
    ensures first: endpoint_at[e].first != 0;
    ensures joined: queue_last{Pre,Post}(e, t); */
INDEX_GUARD void wait_join(pfn_t t, endpoint_t e)
{
    queue_push(e, t);
    //@ assert on: is_frame(t) && queue_of[t] != 0 && queue_of[t] == e;
}

/* t waits in e's queue. */
/*@ requires stops: may_stop(t) && thread_at[t].call_id == 0;
    requires endpoint: is_born(e) && wait_fits(state, mode) && mode_fits(e, mode);
    KERNEL_NEED(t)
    assigns thread_at[t].state, cpu_at[thread_at[t].cpu].current, endpoint_at[e].mode, endpoint_at[e].first,
            endpoint_at[e].last, queue_next[0 .. FRAMES_MAX - 1], queue_prev[t], queue_of[t], queue_key[t], queue_clock;
    KERNEL_WF(0)
    ensures stopped: thread_at[t].state == state && cpu_at[thread_at[t].cpu].current == 0;
    ensures mode: endpoint_at[e].mode == mode;
    ensures joined: queue_last{Pre,Post}(e, t); */
static inline void wait_in(pfn_t t, endpoint_t e, uint8_t state, uint32_t mode)
{
    block(t, state);
    wait_mode(e, mode);
    wait_join(t, e);
}

/* caller waits for the answer to a call that callee may give. */
/*@ requires out: is_thread(caller) && queue_of[caller] == 0 && cpu_at[thread_at[caller].cpu].current != caller;
    requires other: is_thread(callee) && callee != caller && frames_wf;
    assigns thread_at[caller].call_id, thread_at[caller].state, thread_at[callee].reply_to, thread_at[callee].reply_id,
            frame_next_birth;
    ensures frames_wf: frames_wf;
    ensures waits: thread_at[caller].state == (thread_at[caller].fault_kind == 0 ? THREAD_CALLING : THREAD_FAULTED);
    ensures id: thread_at[caller].call_id == \old(frame_next_birth) && \old(frame_next_birth) < frame_next_birth;
    ensures taken: thread_at[callee].reply_id == \old(frame_next_birth) && thread_at[callee].reply_to == caller;
    THREAD_KEPT(caller)
    ensures places: \forall integer x; \old(places_two(x, caller)) ==> places_but(x);
    ensures waits_wf: \old(waits_but(caller)) ==> waits_but(0); */
static void call_link(pfn_t caller, pfn_t callee)
{
    uint64_t id = frame_birth();
    thread_at[T(caller)].call_id = id;
    thread_at[T(caller)].state =
        thread_at[T(caller)].fault_kind == 0 ? THREAD_CALLING : THREAD_FAULTED;
    thread_at[T(callee)].reply_to = caller;
    thread_at[T(callee)].reply_id = id;
}

/* t, which runs, waits for the answer to a call that r has taken. */
/*@ requires runs: runs(t) && queue_of[t] == 0 && is_thread(r) && r != t;
    KERNEL_NEED(t)
    assigns thread_at[t].state, thread_at[t].call_id, thread_at[r].reply_to, thread_at[r].reply_id, frame_next_birth,
            cpu_at[thread_at[t].cpu].current;
    KERNEL_WF(0)
    ensures stopped: cpu_at[thread_at[t].cpu].current == 0;
    ensures waits: thread_at[t].state == (thread_at[t].fault_kind == 0 ? THREAD_CALLING : THREAD_FAULTED);
    ensures id: thread_at[t].call_id == \old(frame_next_birth) && \old(frame_next_birth) < frame_next_birth;
    ensures taken: thread_at[r].reply_id == \old(frame_next_birth) && thread_at[r].reply_to == t; */
INDEX_GUARD void call_wait(pfn_t t, pfn_t r)
{
    block(t, THREAD_CALLING);
    call_link(t, r);
}

/*@ // What is asked of thread u when it is made ready, and what it owes.
    predicate waiter_same{K,L}(integer u) = \at(thread_at[u].cpu,K) == \at(thread_at[u].cpu,L) &&
        \at(thread_at[u].priority,K) == \at(thread_at[u].priority,L) &&
        \at(thread_at[u].suspended,K) == \at(thread_at[u].suspended,L) &&
        \at(thread_at[u].reply_id,K) == \at(thread_at[u].reply_id,L) &&
        \at(thread_at[u].reply_to,K) == \at(thread_at[u].reply_to,L) &&
        \at(thread_at[u].fault_kind,K) == \at(thread_at[u].fault_kind,L);
*/

/* Receiver r, which has waited longest in e and has its message now, leaves the queue: it waits for nothing. */
/*@ requires endpoint: is_endpoint(e) && endpoint_at[e].mode == MODE_RECEIVE && r == endpoint_at[e].first;
    KERNEL_NEED(0)
    assigns queue_of[r], queue_next[0 .. FRAMES_MAX - 1], queue_prev[0 .. FRAMES_MAX - 1], endpoint_at[e].first,
            endpoint_at[e].last, endpoint_at[e].mode, deadline_count, deadline_heap[0 .. FRAMES_MAX - 1],
            thread_at[0 .. FRAMES_MAX - 1];
    KERNEL_WF(r)
    ensures out: nowhere(r) && cpu_at[thread_at[r].cpu].current != r;
    ensures left: queue_left{Pre,Post}(e, r);
    ensures status: thread_at[r].reg[REG_RAX] == 0;
    ensures regs: \forall integer n; 0 <= n < REG_COUNT && n != REG_RAX ==>
        thread_at[r].reg[n] == \old(thread_at[r].reg[n]);
    ensures same: waiter_same{Pre,Post}(r);
    ensures others: \forall integer u; u != r ==> thread_same{Pre,Post}(u);
    ensures places: heap_others{Pre,Post}(r); */
static void receiver_take(endpoint_t e, pfn_t r)
{
    (void)endpoint_pop(e);
    deadline_drop(r);
    thread_set_status(r, ERR_NONE);
}

/* Receiver r of e has a message delivered that is no call, and goes on. */
/*@ requires endpoint: is_endpoint(e) && endpoint_at[e].mode == MODE_RECEIVE && r == endpoint_at[e].first;
    KERNEL_NEED(0)
    assigns WAKE_STATE;
    KERNEL_WF(0)
    ensures left: queue_others{Pre,Post}(r);
    ensures told: thread_at[r].reg[REG_RAX] == 0;
    ensures regs: \forall integer n; 0 <= n < REG_COUNT && n != REG_RAX ==>
        thread_at[r].reg[n] == \old(thread_at[r].reg[n]);
    ensures ready: \old(may_run(r)) ==> thread_at[r].state == THREAD_READY && queue_of[r] == \old(run_queue(r));
    ensures parked: !\old(may_run(r)) ==> thread_at[r].state == THREAD_SUSPENDED && queue_of[r] == 0; */
INDEX_GUARD void send_done(endpoint_t e, pfn_t r)
{
    receiver_take(e, r);
    //@ assert may: may_run(r) <==> \at(may_run(r),Pre);
    //@ assert queue: run_queue(r) == \at(run_queue(r),Pre);
    sched_ready(r);
}

/* Receiver r of e has a call of t delivered and goes on; t waits for the answer. */
/*@ requires runs: runs(t) && queue_of[t] == 0 && thread_at[t].call_id == 0;
    requires endpoint: is_endpoint(e) && endpoint_at[e].mode == MODE_RECEIVE && r == endpoint_at[e].first;
    KERNEL_NEED(t)
    assigns WAKE_STATE, frame_next_birth, ghost_machine;
    KERNEL_WF(0)
    ensures left: queue_others{Pre,Post}(r);
    ensures told: thread_at[r].reg[REG_RAX] == 0;
    ensures regs: \forall integer n; 0 <= n < REG_COUNT && n != REG_RAX ==>
        thread_at[r].reg[n] == \old(thread_at[r].reg[n]);
    ensures taken: thread_at[t].call_id == \old(frame_next_birth) &&
        thread_at[r].reply_id == \old(frame_next_birth) && thread_at[r].reply_to == t &&
        \old(frame_next_birth) < frame_next_birth;
    ensures waits: thread_at[t].state == (\old(thread_at[t].fault_kind) == 0 ? THREAD_CALLING : THREAD_FAULTED);
    ensures grants: thread_at[t].grants == \old(thread_at[t].grants);
    ensures mode: endpoint_at[e].mode == (endpoint_at[e].first == 0 ? MODE_IDLE : MODE_RECEIVE);
    ensures runs: \old(goes_on(thread_at[t].cpu, r)) ==>
        runs_now(\old(thread_at[t].cpu), r) && queue_of[r] == 0; */
static void call_done(pfn_t t, pfn_t r, endpoint_t e)
{
    cpu_t cpu = thread_at[T(t)].cpu;
    //@ assert receiver: is_thread(r) && queue_of[r] == e && r != t;
    call_wait(t, r);
    receiver_take(e, r);
    //@ assert goes: \at(goes_on(thread_at[t].cpu, r),Pre) ==> goes_on(cpu, r);
    sched_hand_over(cpu, r);
}

/* Receiver r of e has a message delivered and goes on; the sender t goes on or waits for its answer. */
/*@ requires runs: runs(t) && queue_of[t] == 0 && thread_at[t].call_id == 0;
    requires endpoint: is_endpoint(e) && endpoint_at[e].mode == MODE_RECEIVE && r == endpoint_at[e].first;
    requires deadline: calls == 0 ==> thread_at[t].heap_index == 0;
    KERNEL_NEED(t)
    assigns WAKE_STATE, frame_next_birth, ghost_machine;
    KERNEL_WF(0)
    ensures status: \result == (calls != 0 ? STATUS_BLOCKED : ERR_NONE);
    ensures left: queue_others{Pre,Post}(r);
    ensures told: thread_at[r].reg[REG_RAX] == 0;
    ensures regs: \forall integer n; 0 <= n < REG_COUNT && n != REG_RAX ==>
        thread_at[r].reg[n] == \old(thread_at[r].reg[n]);
    behavior goes_on:
        assumes sends: calls == 0;
        ensures ready: \old(may_run(r)) ==> thread_at[r].state == THREAD_READY && queue_of[r] == \old(run_queue(r));
        ensures parked: !\old(may_run(r)) ==> thread_at[r].state == THREAD_SUSPENDED && queue_of[r] == 0;
    behavior calls:
        assumes calls: calls != 0;
        ensures taken: thread_at[t].call_id == \old(frame_next_birth) &&
            thread_at[r].reply_id == \old(frame_next_birth) && thread_at[r].reply_to == t &&
            \old(frame_next_birth) < frame_next_birth;
        ensures waits: thread_at[t].state == (\old(thread_at[t].fault_kind) == 0 ? THREAD_CALLING : THREAD_FAULTED);
        ensures grants: thread_at[t].grants == \old(thread_at[t].grants);
    behavior switches:
        assumes now: calls != 0 && goes_on(thread_at[t].cpu, r);
        ensures runs: runs_now(\old(thread_at[t].cpu), r);
        ensures queue: queue_left{Pre,Post}(e, r); */
static status_t send_finish(pfn_t t, pfn_t r, endpoint_t e, bool calls)
{
    if (calls) {
        call_done(t, r, e);
        return STATUS_BLOCKED;
    }
    //@ assert running: thread_place_ok(t) && places_but(0) && waits_but(0);
    send_done(e, r);
    return ERR_NONE;
}

/* t, which could not send, waits for nothing. */
/*@ requires runs: runs(t) && queue_of[t] == 0 && thread_at[t].call_id == 0;
    KERNEL_NEED(t)
    assigns deadline_count, deadline_heap[0 .. FRAMES_MAX - 1], thread_at[0 .. FRAMES_MAX - 1];
    KERNEL_WF(0)
    ensures nowhere: nowhere(t);
    ensures rest: \forall integer u; thread_same{Pre,Post}(u); */
static void send_undo(pfn_t t)
{
    //@ assert running: thread_place_ok(t) && places_but(0);
    deadline_remove(t);
}

/* send_now, once t has the deadline it asked for, if any. */
/*@ requires runs: runs(t) && queue_of[t] == 0 && thread_at[t].call_id == 0 && (way.calls == 0 || way.calls == 1);
    requires deadline: way.calls == 0 ==> thread_at[t].heap_index == 0;
    requires endpoint: is_born(way.endpoint) && endpoint_at[way.endpoint].mode == MODE_RECEIVE &&
        r == endpoint_at[way.endpoint].first;
    KERNEL_NEED(t)
    assigns WAKE_STATE, MESSAGE_STATE;
    KERNEL_WF(0)
    SEND_SHORT */
static status_t send_message(pfn_t t, pfn_t r, struct way way)
{
    //@ assert receiver: is_thread(r) && queue_of[r] == way.endpoint && r != t;
    status_t status = message_transfer(t, r, way.badge, way.calls ? TAG_CALL : 0, way.grants);
    //@ assert still: runs(t) && thread_at[t].call_id == 0 && (way.calls == 0 ==> thread_at[t].heap_index == 0);
    //@ assert same: thread_at[t].fault_kind == \at(thread_at[t].fault_kind,Pre);
    //@ assert grants: thread_at[t].grants == \at(thread_at[t].grants,Pre);
    //@ assert goes: \at(goes_on(thread_at[t].cpu, r),Pre) ==> goes_on(thread_at[t].cpu, r);
    if (status == ERR_NONE)
        return send_finish(t, r, way.endpoint, way.calls);
    send_undo(t);
    return status;
}

/* Receiver r waits: the message goes to it at once, or nothing has happened. */
/*@ requires runs: runs(t) && (way.calls == 0 || way.calls == 1);
    requires endpoint: is_born(way.endpoint) && endpoint_at[way.endpoint].mode == MODE_RECEIVE &&
        r == endpoint_at[way.endpoint].first;
    KERNEL_NEED(0)
    assigns WAKE_STATE, MESSAGE_STATE;
    KERNEL_WF(0)
    SEND_SHORT */
static status_t send_now(pfn_t t, pfn_t r, struct way way)
{
    //@ assert running: nowhere(t) && thread_at[t].state == THREAD_RUNNING;
    if (!way.calls)
        return send_message(t, r, way);
    uint64_t deadline = thread_at[T(t)].reg[REG_RSI] / TAG_DEADLINE % 2; /* for the answer, too */
    //@ assert none: tag_short(thread_at[t].reg[REG_RSI]) ==> deadline == 0;
    status_t status = wait_begin(t, deadline * TAG_DEADLINE);
    return status == ERR_NONE ? send_message(t, r, way) : status;
}

/* Items may travel with what t sends and in the answer, or not. */
/*@ requires is_thread(t);
    assigns thread_at[t].grants;
    ensures grants: thread_at[t].grants == grants;
    THREAD_KEPT(0) */
INDEX_GUARD void sender_grants(pfn_t t, bool grants) { thread_at[T(t)].grants = grants; }

/* What t sends while it waits: with this badge, and whether it is a call. */
/*@ requires is_thread(t);
    assigns thread_at[t].badge, thread_at[t].calls;
    ensures note: thread_at[t].badge == badge && thread_at[t].calls == calls;
    THREAD_KEPT(0)
    ensures places: \old(places_but(t)) ==> places_but(t);
    ensures waits: \old(waits_but(t)) ==> waits_but(t); */
INDEX_GUARD void sender_note(pfn_t t, uint64_t badge, bool calls)
{
    thread_at[T(t)].badge = badge;
    thread_at[T(t)].calls = calls;
}

/* No receiver waits: t waits for one, as its tag allows. */
/*@ requires runs: runs(t) && nowhere(t) && (way.calls == 0 || way.calls == 1);
    requires endpoint: is_born(way.endpoint) && mode_fits(way.endpoint, MODE_SEND);
    KERNEL_NEED(0)
    assigns WAKE_STATE, ghost_machine;
    KERNEL_WF(0)
    ensures status: \result == STATUS_BLOCKED || \result == ERR_WOULD_BLOCK || \result == ERR_TIMEOUT;
    ensures note: \result == STATUS_BLOCKED ==> thread_at[t].badge == way.badge && thread_at[t].calls == way.calls;
    ensures waits: \result == STATUS_BLOCKED ==> thread_at[t].state == THREAD_SENDING &&
        queue_last{Pre,Post}(way.endpoint, t);
    ensures none: \result != STATUS_BLOCKED ==> runs(t) && queue_of[t] == 0; */
static RARE status_t send_wait(pfn_t t, struct way way)
{
    status_t status = wait_begin(t, thread_at[T(t)].reg[REG_RSI]);
    if (status != ERR_NONE)
        return status;
    sender_note(t, way.badge, way.calls);
    wait_in(t, way.endpoint, THREAD_SENDING, MODE_SEND);
    return STATUS_BLOCKED;
}

RARE status_t ipc_send(pfn_t t, struct way way)
{
    endpoint_t e = way.endpoint;
    uint64_t tag = thread_at[T(t)].reg[REG_RSI];
    status_t status = sent_check(tag);
    if (status != ERR_NONE)
        return status;
    //@ assert items: tag_short(tag) ==> TAG_ITEMS(tag) == 0;
    if (endpoint_at[E(e)].mode == MODE_DEAD)
        return ERR_DEAD;
    if (TAG_ITEMS(tag) != 0 && !way.grants)
        return ERR_RIGHTS;
    sender_grants(t, way.grants);
    //@ assert here: runs(t) && nowhere(t);
    if (endpoint_at[E(e)].mode != MODE_RECEIVE)
        return send_wait(t, way);
    pfn_t r = endpoint_receiver(e);
    //@ assert still: runs(t) && nowhere(t) && is_born(e);
    if (r != 0)
        return send_now(t, r, way);
    return endpoint_at[E(e)].mode == MODE_RECEIVE ? ERR_AGAIN : send_wait(t, way);
}

/* Sender s, taken out of its queue with its message delivered to t, goes on or waits for its answer. */
/*@ requires out: is_thread(s) && queue_of[s] == 0 && thread_at[s].call_id == 0 &&
        cpu_at[thread_at[s].cpu].current != s;
    requires other: is_thread(t) && t != s;
    KERNEL_NEED(s)
    assigns WAKE_STATE, frame_next_birth;
    KERNEL_WF(0)
    ENDPOINTS_KEPT
    ensures current: \forall integer c; 0 <= c < CPUS_MAX ==> cpu_at[c].current == \old(cpu_at[c].current);
    ensures same: \forall integer u; is_frame(u) ==> thread_at[u].cpu == \old(thread_at[u].cpu);
    ensures runner: \forall integer u; u != s && \old(nowhere(u)) ==> nowhere(u);
    behavior call:
        assumes calls: thread_at[s].calls != 0;
        ensures taken: thread_at[s].call_id == \old(frame_next_birth) &&
            thread_at[t].reply_id == \old(frame_next_birth) && thread_at[t].reply_to == s;
    behavior send:
        assumes sends: thread_at[s].calls == 0;
        ensures ready: \old(may_run(s)) ==> thread_at[s].state == THREAD_READY;
        ensures parked: !\old(may_run(s)) ==> thread_at[s].state == THREAD_SUSPENDED; */
static void receive_finish(pfn_t t, pfn_t s)
{
    if (thread_at[T(s)].calls != 0)
        call_link(s, t);
    else
        thread_wake(s, ERR_NONE);
}

/* The longest waiting sender's message could not be delivered: it gets the error. */
/*@ requires endpoint: is_endpoint(e) && endpoint_at[e].first != 0;
    KERNEL_NEED(0)
    assigns WAKE_STATE;
    KERNEL_WF(0)
    ensures current: \forall integer c; 0 <= c < CPUS_MAX ==> cpu_at[c].current == \old(cpu_at[c].current);
    ensures homes: \forall integer u; is_frame(u) ==> thread_at[u].cpu == \old(thread_at[u].cpu);
    ensures runner: \forall integer u; \old(nowhere(u)) ==> nowhere(u); */
static void receive_refused(endpoint_t e, status_t status)
{
    pfn_t s = endpoint_pop(e);
    thread_wake(s, status);
}

/* The longest waiting sender's message, delivered to t. AGAIN: it could not be, its sender has the error. */
/*@ requires runs: runs(t) && is_born(e) && endpoint_at[e].mode == MODE_SEND;
    KERNEL_NEED(0)
    assigns FAIL_STATE, MESSAGE_STATE;
    KERNEL_WF(0)
    ensures status: \result == ERR_NONE || \result == ERR_AGAIN;
    RECEIVE_KEPT */
static RARE status_t receive_sender(pfn_t t, endpoint_t e)
{
    pfn_t s = endpoint_at[E(e)].first;
    //@ assert running: nowhere(t) && thread_at[t].state == THREAD_RUNNING;
    //@ assert sender: is_thread(s) && queue_of[s] == e && s != t;
    uint64_t flags = thread_at[T(s)].calls != 0 ? TAG_CALL : 0;
    status_t status =
        message_transfer(s, t, thread_at[T(s)].badge, flags, thread_at[T(s)].grants != 0);
    //@ assert idle: \forall integer u; nowhere{Pre}(u) ==> nowhere(u);
    //@ assert still: endpoint_at[e].mode == MODE_SEND && is_born(e) && nowhere(t);
    if (status != ERR_NONE) {
        receive_refused(e, status);
        return ERR_AGAIN;
    }
    thread_drop_call(t);
    //@ assert waits: endpoint_at[e].mode == MODE_SEND && nowhere(t);
    s = endpoint_pop(e);
    //@ assert other: s != t;
    receive_finish(t, s);
    return ERR_NONE;
}

/* The events pending at e have been delivered. */
/*@ requires is_endpoint(e);
    assigns endpoint_at[e].events;
    ensures none: endpoint_at[e].events == 0;
    KERNEL_KEPT(0) */
INDEX_GUARD void events_taken(endpoint_t e) { endpoint_at[E(e)].events = 0; }

/* The events pending at e, delivered to t. */
/*@ requires thread: is_thread(t) && is_born(e);
    KERNEL_NEED(0)
    assigns FAIL_STATE;
    KERNEL_WF(0)
    RECEIVE_KEPT */
static RARE void receive_event(pfn_t t, endpoint_t e)
{
    thread_set_event(t, endpoint_at[E(e)].events);
    events_taken(e);
    thread_drop_call(t);
}

/* t waits in e for a message, as its options allow. */
/*@ requires thread: nowhere(t) && may_stop(t);
    requires endpoint: is_born(e) && mode_fits(e, MODE_RECEIVE);
    KERNEL_NEED(0)
    assigns WAKE_STATE, ghost_machine;
    KERNEL_WF(0)
    ensures status: \result == STATUS_BLOCKED || \result == ERR_WOULD_BLOCK || \result == ERR_TIMEOUT;
    ensures blocked: \result == STATUS_BLOCKED ==> cpu_at[\old(thread_at[t].cpu)].current == 0;
    ensures waits: \result == STATUS_BLOCKED ==> thread_at[t].state == THREAD_RECEIVING &&
        queue_joined{Pre,Post}(e, t);
    RECEIVE_KEPT */
static RARE status_t receive_wait(pfn_t t, endpoint_t e, uint64_t options)
{
    status_t status = wait_begin(t, options);
    //@ assert idle: \forall integer u; u != t && nowhere{Pre}(u) ==> nowhere(u);
    if (status != ERR_NONE)
        return status;
    wait_in(t, e, THREAD_RECEIVING, MODE_RECEIVE);
    return STATUS_BLOCKED;
}

/* What receive_some does once t has no call to give up for it: takes pending events, or waits. */
/*@ requires thread: nowhere(t) && may_stop(t);
    requires endpoint: is_born(e) && (endpoint_at[e].events != 0 || mode_fits(e, MODE_RECEIVE));
    KERNEL_NEED(0)
    assigns FAIL_STATE;
    KERNEL_WF(0)
    ensures blocked: \result == STATUS_BLOCKED ==> cpu_at[\old(thread_at[t].cpu)].current == 0;
    RECEIVE_KEPT
    behavior events:
        assumes some: endpoint_at[e].events != 0;
        ensures done: \result == ERR_NONE;
    behavior waits:
        assumes none: endpoint_at[e].events == 0;
        ensures status: \result == STATUS_BLOCKED || \result == ERR_WOULD_BLOCK || \result == ERR_TIMEOUT;
        ensures waits: \result == STATUS_BLOCKED ==> thread_at[t].state == THREAD_RECEIVING &&
            queue_joined{Pre,Post}(e, t); */
static RARE status_t receive_rest(pfn_t t, endpoint_t e, uint64_t options)
{
    if (endpoint_at[E(e)].events != 0) {
        receive_event(t, e);
        return ERR_NONE;
    }
    return receive_wait(t, e, options);
}

/* ipc_receive, where t need not just wait. */
/*@ requires runs: runs(t) && is_born(e);
    KERNEL_NEED(0)
    assigns FAIL_STATE, MESSAGE_STATE;
    KERNEL_WF(0)
    ensures blocked: \result == STATUS_BLOCKED ==> cpu_at[\old(thread_at[t].cpu)].current == 0;
    RECEIVE_KEPT */
static RARE status_t receive_some(pfn_t t, endpoint_t e, uint64_t options)
{
    if ((options & ~(uint64_t)(TAG_NONBLOCK | TAG_DEADLINE)) != 0)
        return ERR_MESSAGE;
    if (endpoint_at[E(e)].mode == MODE_DEAD)
        return ERR_DEAD;
    //@ assert running: nowhere(t) && may_stop(t) && thread_at[t].state == THREAD_RUNNING;
    if (endpoint_at[E(e)].events != 0)
        return receive_rest(t, e, options);
    if (endpoint_at[E(e)].mode == MODE_SEND)
        return receive_sender(t, e);
    if (options / TAG_NONBLOCK % 2 != 0)
        return ERR_WOULD_BLOCK;
    thread_drop_call(t); /* that may end a process, which tells e */
    return receive_rest(t, e, options);
}

__attribute__((noinline)) status_t ipc_receive(pfn_t t, endpoint_t e, uint64_t options)
{
    if (receive_nothing(t, e, options))
        return STATUS_BLOCKED;
    //@ assert same: runs(t) && is_born(e);
    return receive_some(t, e, options);
}

/* caller's call is answered: it waits for nothing, and is to be made ready. */
/*@ requires waits: is_thread(caller) && queue_of[caller] == 0 && cpu_at[thread_at[caller].cpu].current != caller;
    KERNEL_NEED(0)
    assigns deadline_count, deadline_heap[0 .. FRAMES_MAX - 1], thread_at[0 .. FRAMES_MAX - 1];
    KERNEL_WF(0)
    ensures over: nowhere(caller) && thread_at[caller].state == THREAD_SUSPENDED;
    ensures same: waiter_same{Pre,Post}(caller);
    ensures regs: \forall integer n; 0 <= n < REG_COUNT ==> thread_at[caller].reg[n] == \old(thread_at[caller].reg[n]);
    ensures others: \forall integer u; u != caller ==> thread_same{Pre,Post}(u) && thread_due_same{Pre,Post}(u);
    ensures places: heap_others{Pre,Post}(caller); */
static void call_over(pfn_t caller)
{
    deadline_drop(caller);
    thread_at[T(caller)].call_id = 0;
    thread_at[T(caller)].state = THREAD_SUSPENDED;
}

/* The answer to a fault: run on, or stay suspended; registers are the handler's business. */
/*@ requires thread: is_thread(caller);
    assigns thread_at[caller].fault_kind, thread_at[caller].suspended;
    ensures over: thread_at[caller].fault_kind == 0;
    ensures resumes: label == FAULT_RESUME ==> thread_at[caller].suspended == \old(thread_at[caller].suspended);
    ensures stays: label != FAULT_RESUME ==> thread_at[caller].suspended == 1;
    THREAD_KEPT(0) */
static void fault_answer(pfn_t caller, uint64_t label)
{
    thread_at[T(caller)].fault_kind = 0;
    if (label != FAULT_RESUME)
        thread_at[T(caller)].suspended = 1;
}

/* ipc_reply to a call that is no fault, whose tag has been checked. */
/*@ requires runs: runs(t) && is_thread(caller) && thread_at[caller].call_id != 0;
    KERNEL_NEED(0)
    assigns deadline_count, deadline_heap[0 .. FRAMES_MAX - 1], MESSAGE_STATE;
    KERNEL_WF(0)
    REPLY_KEPT
    behavior short:
        assumes message_short(t);
        ensures done: \result == ERR_NONE;
        ensures message: answer_received{Pre,Post}(t, caller);
        ensures suspended: thread_at[caller].suspended == \old(thread_at[caller].suspended); */
static RARE status_t reply_message(pfn_t t, pfn_t caller)
{
    //@ assert waits: queue_of[caller] == 0 && cpu_at[thread_at[caller].cpu].current != caller && caller != t;
    status_t status = message_transfer(t, caller, 0, 0, thread_at[T(caller)].grants != 0);
    if (status != ERR_NONE)
        return status;
    thread_set_status(caller, ERR_NONE);
    call_over(caller);
    return ERR_NONE;
}

/* ipc_reply, to be compiled into what calls it. */
/*@ requires runs: runs(t) && is_thread(caller) && thread_at[caller].call_id != 0;
    KERNEL_NEED(0)
    assigns deadline_count, deadline_heap[0 .. FRAMES_MAX - 1], MESSAGE_STATE;
    KERNEL_WF(0)
    REPLY_KEPT
    REPLY_SHORT */
INDEX_GUARD status_t reply_now(pfn_t t, pfn_t caller)
{
    uint64_t tag = thread_at[T(t)].reg[REG_RSI];
    status_t status = sent_check(tag);
    if (status != ERR_NONE)
        return status;
    if (thread_at[T(caller)].fault_kind == 0)
        return reply_message(t, caller);
    //@ assert waits: queue_of[caller] == 0 && cpu_at[thread_at[caller].cpu].current != caller && caller != t;
    fault_answer(caller, TAG_LABEL(tag));
    call_over(caller);
    return ERR_NONE;
}

RARE status_t ipc_reply(pfn_t t, pfn_t caller) { return reply_now(t, caller); }

status_t ipc_reply_receive(pfn_t t, endpoint_t e, uint64_t options)
{
    cpu_t cpu = thread_at[T(t)].cpu;
    if (thread_at[T(t)].reply_id == 0)
        return ERR_NO_CALL;
    pfn_t caller = thread_caller(t);
    if (caller == 0)
        return ERR_PEER;
    if (endpoint_at[E(e)].mode == MODE_DEAD)
        return ERR_DEAD;
    //@ assert other: caller != t && is_process(frame_owner[caller]);
    status_t status = reply_now(t, caller);
    if (status != ERR_NONE)
        return status;
    call_forget(t);
    //@ assert here: runs(t) && is_born(e) && nowhere(caller) && cpu_at[thread_at[caller].cpu].current != caller;
    status = ipc_receive(t, e, options);
    //@ assert out: nowhere(caller) && cpu_at[thread_at[caller].cpu].current != caller;
    if (status != STATUS_BLOCKED) {
        sched_ready(caller);
        return status;
    }
    sched_hand_over(cpu, caller);
    return STATUS_BLOCKED;
}

/* The fault of t, which no receiver of endpoint e takes at once: it waits, or ends the process. */
/*@ requires runs: runs(t) && nowhere(t) && thread_at[t].fault_kind != 0;
    requires endpoint: is_born(e);
    KERNEL_NEED(0)
    assigns FAIL_STATE;
    KERNEL_WF(0)
    behavior ends:
        assumes dead: endpoint_at[e].mode == MODE_DEAD;
        ensures ended: process_at[frame_owner[t]].dying != 0;
    behavior again:
        assumes receivers: endpoint_at[e].mode == MODE_RECEIVE;
        ensures over: thread_at[t].fault_kind == 0 && runs(t);
    behavior waits:
        assumes fits: mode_fits(e, MODE_SEND);
        ensures waits: thread_at[t].state == THREAD_SENDING && thread_at[t].calls == 1 && thread_at[t].grants == 0;
        ensures badge: thread_at[t].badge == process_at[frame_owner[t]].fault_badge;
        ensures last: queue_last{Pre,Post}(e, t); */
static RARE void fault_wait(pfn_t t, endpoint_t e)
{
    if (endpoint_at[E(e)].mode == MODE_DEAD) {
        thread_fault_end(t);
        return;
    }
    if (endpoint_at[E(e)].mode == MODE_RECEIVE) { /* more to set aside: t runs on and faults again */
        fault_forget(t);
        return;
    }
    sender_grants(t, false);
    sender_note(t, process_at[P(frame_owner[t])].fault_badge, true);
    wait_in(t, e, THREAD_SENDING, MODE_SEND);
}

/* t has that fault. */
/*@ requires is_thread(t);
    assigns thread_at[t].fault_kind, thread_at[t].fault_address;
    ensures fault: thread_at[t].fault_kind == kind && thread_at[t].fault_address == address;
    THREAD_KEPT(0) */
INDEX_GUARD void fault_begin(pfn_t t, uint32_t kind, uint64_t address)
{
    thread_at[T(t)].fault_kind = kind;
    thread_at[T(t)].fault_address = address;
}

void ipc_fault(pfn_t t, uint32_t kind, uint64_t address)
{
    pfn_t p = frame_owner[t];
    endpoint_t e = process_at[P(p)].fault_endpoint;
    uint64_t generation = process_at[P(p)].fault_generation;
    //@ assert running: nowhere(t) && thread_at[t].state == THREAD_RUNNING;
    fault_begin(t, kind, address);
    if (e == 0 || generation == 0 || !endpoint_is_live(e, generation)) {
        thread_fault_end(t);
        return;
    }
    pfn_t r = endpoint_receiver(e);
    //@ assert still: runs(t) && nowhere(t) && is_born(e);
    if (r == 0) {
        fault_wait(t, e);
        return;
    }
    fault_deliver(t, r, process_at[P(p)].fault_badge);
    (void)send_finish(t, r, e, true);
}
