/* SPDX-License-Identifier: MIT */
/* Inter-process communication; see ipc.h. */
#include "core/ipc_fast.h"
#include "core/deadline.h"
#include "core/endpoint.h"
#include "core/process.h"
#include "core/sched.h"
#include "core/thread.h"
#include "core/transfer.h"

/* The running thread t stops running: it is in state now, and its CPU has nothing to do. */
/*@ requires runs(t) && (state == THREAD_SENDING || state == THREAD_RECEIVING || state == THREAD_CALLING);
    assigns thread_at[t].state, cpu_at[0 .. CPUS_MAX - 1].current; */
INDEX_GUARD void block(pfn_t t, uint8_t state)
{
    thread_at[T(t)].state = state;
    cpu_stop(t);
}

/* Whether t may wait as its options say; the deadline is set here if it has one. */
/*@ requires kernel_wf && runs(t) && thread_at[t].heap_index == 0;
    ensures kernel_wf; */
static RARE status_t wait_optional(pfn_t t, uint64_t options)
{
    if ((options & TAG_NONBLOCK) != 0)
        return ERR_WOULD_BLOCK;
    uint64_t time = thread_at[T(t)].reg[REG_RBX];
    if (time <= arch_clock())
        return ERR_TIMEOUT;
    deadline_insert(t, time);
    if (deadline_first() == t)
        sched_timer_arm(thread_at[T(t)].cpu);
    return ERR_NONE;
}

/*@ requires kernel_wf && runs(t) && thread_at[t].heap_index == 0;
    ensures kernel_wf; */
INDEX_GUARD status_t wait_begin(pfn_t t, uint64_t options)
{
    return (options & (TAG_NONBLOCK | TAG_DEADLINE)) == 0 ? ERR_NONE : wait_optional(t, options);
}

/* t waits in e's queue. */
/*@ requires kernel_wf && runs(t) && is_queue(e);
    ensures queue_of[t] == e; */
INDEX_GUARD void wait_in(pfn_t t, endpoint_t e, uint8_t state, uint32_t mode)
{
    block(t, state);
    endpoint_at[E(e)].mode = mode;
    queue_push(e, t);
}

/* caller waits for the answer to a call that callee may give. */
/*@ requires is_thread(caller) && is_thread(callee) && caller != callee;
    assigns thread_at[caller].call_id, thread_at[caller].state, thread_at[callee].reply_to,
            thread_at[callee].reply_id; */
static void call_link(pfn_t caller, pfn_t callee)
{
    uint64_t id = frame_birth();
    thread_at[T(caller)].call_id = id;
    thread_at[T(caller)].state =
        thread_at[T(caller)].fault_kind == 0 ? THREAD_CALLING : THREAD_FAULTED;
    thread_at[T(callee)].reply_to = caller;
    thread_at[T(callee)].reply_id = id;
}

/* Receiver r, taken out of its queue with a message delivered, goes on; the sender t goes on or waits for its answer. */
/*@ requires kernel_wf && runs(t) && is_thread(r) && queue_of[r] == 0;
    ensures kernel_wf; */
static status_t send_finish(pfn_t t, pfn_t r, bool calls)
{
    deadline_drop(r);
    thread_at[T(r)].reg[REG_RAX] = 0;
    if (!calls) {
        sched_ready(r);
        return ERR_NONE;
    }
    block(t, THREAD_CALLING);
    call_link(t, r);
    sched_hand_over(thread_at[T(t)].cpu, r);
    return STATUS_BLOCKED;
}

/* Receiver r waits: the message goes to it at once, or nothing has happened. */
/*@ requires kernel_wf && runs(t) && is_queue(way.endpoint) && endpoint_at[way.endpoint].mode == MODE_RECEIVE;
    requires r == endpoint_at[way.endpoint].first;
    ensures kernel_wf; */
static status_t send_now(pfn_t t, pfn_t r, struct way way)
{
    if (way.calls) { /* a deadline is for the answer, too */
        status_t status = wait_begin(t, thread_at[T(t)].reg[REG_RSI] & TAG_DEADLINE);
        if (status != ERR_NONE)
            return status;
    }
    status_t status = message_transfer(t, r, way.badge, way.calls ? TAG_CALL : 0, way.grants);
    if (status != ERR_NONE) {
        deadline_remove(t);
        return status;
    }
    return send_finish(t, endpoint_pop(way.endpoint), way.calls);
}

RARE status_t ipc_send(pfn_t t, struct way way)
{
    endpoint_t e = way.endpoint;
    uint64_t tag = thread_at[T(t)].reg[REG_RSI];
    status_t status = tag_check(tag, TAG_SENT_BITS);
    if (status != ERR_NONE)
        return status;
    if (endpoint_at[E(e)].mode == MODE_DEAD)
        return ERR_DEAD;
    if (TAG_ITEMS(tag) != 0 && !way.grants)
        return ERR_RIGHTS;
    thread_at[T(t)].grants = way.grants;
    if (endpoint_at[E(e)].mode == MODE_RECEIVE) {
        pfn_t r = endpoint_receiver(e);
        if (r != 0)
            return send_now(t, r, way);
        if (endpoint_at[E(e)].mode == MODE_RECEIVE)
            return ERR_AGAIN;
    }
    status = wait_begin(t, tag);
    if (status != ERR_NONE)
        return status;
    thread_at[T(t)].badge = way.badge;
    thread_at[T(t)].calls = way.calls;
    wait_in(t, e, THREAD_SENDING, MODE_SEND);
    return STATUS_BLOCKED;
}

/* Sender s, taken out of its queue with its message delivered to t, goes on or waits for its answer. */
/*@ requires kernel_wf && is_thread(s) && is_thread(t) && queue_of[s] == 0;
    ensures kernel_wf; */
static void receive_finish(pfn_t t, pfn_t s)
{
    if (thread_at[T(s)].calls != 0)
        call_link(s, t);
    else
        thread_wake(s, ERR_NONE);
}

/* The longest waiting sender's message, delivered to t. AGAIN: it could not be, its sender has the error. */
/*@ requires kernel_wf && runs(t) && is_queue(e) && endpoint_at[e].mode == MODE_SEND;
    ensures kernel_wf; */
static RARE status_t receive_sender(pfn_t t, endpoint_t e)
{
    pfn_t s = endpoint_at[E(e)].first;
    uint64_t flags = thread_at[T(s)].calls != 0 ? TAG_CALL : 0;
    status_t status =
        message_transfer(s, t, thread_at[T(s)].badge, flags, thread_at[T(s)].grants != 0);
    (void)endpoint_pop(e);
    if (status != ERR_NONE) {
        thread_wake(s, status);
        return ERR_AGAIN;
    }
    thread_drop_call(t);
    receive_finish(t, s);
    return ERR_NONE;
}

/* The events pending at e, delivered to t. */
/*@ requires kernel_wf && runs(t) && is_queue(e);
    ensures kernel_wf; */
static RARE void receive_event(pfn_t t, endpoint_t e)
{
    thread_set_event(t, endpoint_at[E(e)].events);
    endpoint_at[E(e)].events = 0;
    thread_drop_call(t);
}

/* ipc_receive, where t need not just wait. */
/*@ requires kernel_wf && runs(t) && is_queue(e);
    ensures kernel_wf; */
static RARE status_t receive_some(pfn_t t, endpoint_t e, uint64_t options)
{
    if ((options & ~(uint64_t)(TAG_NONBLOCK | TAG_DEADLINE)) != 0)
        return ERR_MESSAGE;
    if (endpoint_at[E(e)].mode == MODE_DEAD)
        return ERR_DEAD;
    if (endpoint_at[E(e)].events != 0) {
        receive_event(t, e);
        return ERR_NONE;
    }
    if (endpoint_at[E(e)].mode == MODE_SEND)
        return receive_sender(t, e);
    status_t status = wait_begin(t, options);
    if (status != ERR_NONE)
        return status;
    thread_drop_call(t);
    wait_in(t, e, THREAD_RECEIVING, MODE_RECEIVE);
    return STATUS_BLOCKED;
}

__attribute__((noinline)) status_t ipc_receive(pfn_t t, endpoint_t e, uint64_t options)
{
    return receive_nothing(t, e, options) ? STATUS_BLOCKED : receive_some(t, e, options);
}

/* The answer to a fault: run on, or stay suspended; registers are the handler's business. */
/*@ requires kernel_wf && is_thread(caller) && thread_at[caller].fault_kind != 0;
    ensures thread_at[caller].fault_kind == 0 && thread_at[caller].call_id == 0; */
static void fault_answer(pfn_t caller, uint64_t label)
{
    thread_at[T(caller)].fault_kind = 0;
    thread_at[T(caller)].call_id = 0;
    if (label != FAULT_RESUME)
        thread_at[T(caller)].suspended = 1;
}

/* ipc_reply to a call that is no fault, whose tag has been checked. */
/*@ requires kernel_wf && runs(t) && is_thread(caller) && thread_at[caller].call_id != 0;
    ensures kernel_wf; */
static RARE status_t reply_message(pfn_t t, pfn_t caller)
{
    status_t status = message_transfer(t, caller, 0, 0, thread_at[T(caller)].grants != 0);
    if (status != ERR_NONE)
        return status;
    deadline_remove(caller);
    thread_at[T(caller)].call_id = 0;
    thread_at[T(caller)].reg[REG_RAX] = 0;
    return ERR_NONE;
}

/* ipc_reply, to be compiled into what calls it. */
/*@ requires kernel_wf && runs(t) && is_thread(caller) && thread_at[caller].call_id != 0;
    ensures kernel_wf;
    ensures \result == ERR_NONE ==> thread_at[caller].call_id == 0; */
INDEX_GUARD status_t reply_now(pfn_t t, pfn_t caller)
{
    uint64_t tag = thread_at[T(t)].reg[REG_RSI];
    status_t status = tag_check(tag, TAG_SENT_BITS);
    if (status != ERR_NONE)
        return status;
    if (thread_at[T(caller)].fault_kind == 0)
        return reply_message(t, caller);
    fault_answer(caller, TAG_LABEL(tag));
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
    status_t status = reply_now(t, caller);
    if (status != ERR_NONE)
        return status;
    thread_at[T(t)].reply_id = 0;
    status = ipc_receive(t, e, options);
    if (status == STATUS_BLOCKED)
        sched_hand_over(cpu, caller);
    else
        sched_ready(caller);
    return status;
}

/* The fault of t, which no receiver of endpoint e takes at once: it waits, or ends the process. */
/*@ requires kernel_wf && runs(t) && thread_at[t].fault_kind != 0;
    ensures kernel_wf; */
static RARE void fault_wait(pfn_t t, endpoint_t e)
{
    pfn_t p = frame_owner[t];
    if (e == 0 || !endpoint_is_live(e, process_at[P(p)].fault_generation) ||
        endpoint_at[E(e)].mode == MODE_DEAD) {
        thread_fault_end(t);
        return;
    }
    if (endpoint_at[E(e)].mode == MODE_RECEIVE) { /* more to set aside: t runs on and faults again */
        thread_at[T(t)].fault_kind = 0;
        return;
    }
    thread_at[T(t)].badge = process_at[P(p)].fault_badge;
    thread_at[T(t)].calls = 1;
    thread_at[T(t)].grants = 0;
    wait_in(t, e, THREAD_SENDING, MODE_SEND);
}

void ipc_fault(pfn_t t, uint32_t kind, uint64_t address)
{
    pfn_t p = frame_owner[t];
    endpoint_t e = process_at[P(p)].fault_endpoint;
    thread_at[T(t)].fault_kind = kind;
    thread_at[T(t)].fault_address = address;
    pfn_t r = 0;
    if (e != 0 && endpoint_is_live(e, process_at[P(p)].fault_generation))
        r = endpoint_receiver(e);
    if (r == 0) {
        fault_wait(t, e);
        return;
    }
    (void)endpoint_shift(e);
    fault_deliver(t, r, process_at[P(p)].fault_badge);
    (void)send_finish(t, r, true);
}
