/* SPDX-License-Identifier: MIT */
/* System calls of inter-process communication and events. */
#include "core/endpoint.h"
#include "core/sched.h"
#include "core/sys.h"
#include "core/thread.h"

/* send and call differ in whether the sender waits for an answer. */
/*@ requires kernel_wf && runs(t);
    ensures kernel_wf; */
static RARE status_t send_or_call(pfn_t t, bool calls)
{
    struct fast_way open = way_find(t, reg_get(t, ARG0), RIGHT_SEND);
    if (!open.open)
        return way_error(t, reg_get(t, ARG0), RIGHT_SEND);
    struct way way;
    way.endpoint = handle_at[H(open.slot)].object;
    way.badge = handle_at[H(open.slot)].badge;
    way.grants = (handle_at[H(open.slot)].rights & RIGHT_GRANT) != 0;
    way.calls = calls;
    return ipc_send(t, way);
}

status_t sys_send(pfn_t t) { return send_or_call(t, false); }

status_t sys_call(pfn_t t) { return send_or_call(t, true); }

status_t sys_receive(pfn_t t)
{
    struct fast_way way = way_find(t, reg_get(t, ARG0), RIGHT_RECEIVE);
    if (!way.open)
        return way_error(t, reg_get(t, ARG0), RIGHT_RECEIVE);
    return ipc_receive(t, handle_at[H(way.slot)].object, reg_get(t, ARG1));
}

/* Answers the call that a reply handle stands for, and closes the handle. */
/*@ requires kernel_wf && runs(t);
    ensures kernel_wf; */
static status_t reply_by_handle(pfn_t t, uint64_t number)
{
    struct found caller = find(t, number, KIND_REPLY, 0);
    if (caller.status != ERR_NONE)
        return caller.status;
    status_t status = ipc_reply(t, caller.object);
    if (status != ERR_NONE)
        return status;
    handle_remove(frame_owner[t], (uint32_t)number);
    sched_ready(caller.object);
    return ERR_NONE;
}

status_t sys_reply(pfn_t t)
{
    if (reg_get(t, ARG0) != 0)
        return reply_by_handle(t, reg_get(t, ARG0));
    if (thread_at[T(t)].reply_id == 0)
        return ERR_NO_CALL;
    pfn_t caller = thread_caller(t);
    if (caller == 0)
        return ERR_NO_CALL;
    status_t status = ipc_reply(t, caller);
    if (status != ERR_NONE)
        return status;
    thread_at[T(t)].reply_id = 0;
    sched_ready(caller);
    return ERR_NONE;
}

status_t sys_reply_receive(pfn_t t)
{
    struct fast_way way = way_find(t, reg_get(t, ARG0), RIGHT_RECEIVE);
    if (!way.open)
        return way_error(t, reg_get(t, ARG0), RIGHT_RECEIVE);
    return ipc_reply_receive(t, handle_at[H(way.slot)].object,
                             reg_get(t, ARG1) & (TAG_NONBLOCK | TAG_DEADLINE));
}

status_t sys_reply_save(pfn_t t)
{
    pfn_t caller = thread_caller(t);
    if (caller == 0)
        return ERR_NO_CALL;
    pfn_t p = frame_owner[t];
    status_t status = room_check(p, frame_owner[p], 0);
    if (status != ERR_NONE)
        return status;
    struct handle h = handle_to(KIND_REPLY, caller, thread_at[T(t)].reply_id);
    h.rights = 0; /* it can be used and closed, never copied */
    thread_at[T(t)].reply_id = 0;
    reg_set(t, ARG0, process_handle_open(p, h));
    return ERR_NONE;
}

/* Faults of process p go to endpoint e, 0: nowhere. */
/*@ requires is_process(p) && endpoint_id(e);
    assigns process_at[p].fault_endpoint, process_at[p].fault_generation, process_at[p].fault_badge;
    ensures process_at[p].fault_endpoint == e && process_at[p].fault_generation == generation &&
        process_at[p].fault_badge == badge;
    KERNEL_KEPT(0) */
static void fault_endpoint_set(pfn_t p, endpoint_t e, uint64_t generation, uint64_t badge)
{
    process_at[P(p)].fault_endpoint = e;
    process_at[P(p)].fault_generation = generation;
    process_at[P(p)].fault_badge = badge;
}

status_t sys_fault_handler(pfn_t t)
{
    struct found p = find_process(t, reg_get(t, ARG0), RIGHT_WRITE);
    if (p.status != ERR_NONE)
        return p.status;
    slot_t slot = 0;
    if (reg_get(t, ARG1) != 0) {
        slot = slot_of_thread(t, reg_get(t, ARG1));
        status_t status = slot_check(slot, KIND_ENDPOINT, RIGHT_SEND);
        if (status != ERR_NONE)
            return status;
    }
    if (process_at[P(p.object)].dying != 0)
        return ERR_DYING;
    if (slot == 0)
        fault_endpoint_set(p.object, 0, 0, 0);
    else
        fault_endpoint_set(p.object, handle_at[H(slot)].object, handle_at[H(slot)].generation,
                           handle_at[H(slot)].badge);
    return ERR_NONE;
}

status_t sys_signal(pfn_t t)
{
    struct found e = find(t, reg_get(t, ARG0), KIND_ENDPOINT, RIGHT_SIGNAL);
    if (e.status != ERR_NONE)
        return e.status;
    if (reg_get(t, ARG1) != 0)
        endpoint_signal(e.object, reg_get(t, ARG1));
    return ERR_NONE;
}
