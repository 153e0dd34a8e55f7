/* SPDX-License-Identifier: MIT */
/* The short way through IPC; see ipc_fast.h. */
#include "core/ipc_fast.h"

#define LABEL_SPAN 0x100000000u /* a tag's low half holds lengths and flags */

/* The endpoint that t's first argument names with a right, its handle's slot; 0: it is not that simple. */
/*@ requires kernel_wf && is_thread(t);
    assigns \nothing; */
static inline slot_t fast_slot(pfn_t t, uint8_t right)
{
    slot_t slot = handle_slot(frame_owner[t], thread_at[T(t)].reg[REG_RDI]);
    if (slot == 0 || handle_at[H(slot)].kind != KIND_ENDPOINT ||
        (handle_at[H(slot)].rights & right) == 0)
        return 0;
    endpoint_t e = handle_at[H(slot)].object;
    if (frame_kind[e / SLOTS] != FRAME_ENDPOINTS ||
        endpoint_at[E(e)].generation != handle_at[H(slot)].generation)
        return 0;
    return slot;
}

/* Whether thread p may run on cpu now, in place of the current one, and waits without a deadline. */
/*@ requires kernel_wf && cpu < CPUS_MAX && is_thread(p);
    assigns \nothing; */
static inline bool fast_partner(cpu_t cpu, pfn_t p)
{
    uint64_t ready = cpu_at[cpu].ready;
    return thread_at[T(p)].cpu == cpu && thread_at[T(p)].suspended == 0 &&
           thread_at[T(p)].heap_index == 0 && process_at[P(frame_owner[p])].dying == 0 &&
           (ready == 0 || arch_highest_bit(ready) <= thread_at[T(p)].priority);
}

/* Moves the register message of `from`; `to` runs on cpu. */
/*@ requires is_thread(from) && is_thread(to) && from != to && cpu < CPUS_MAX;
    assigns thread_at[to].reg[0 .. REG_COUNT - 1], thread_at[to].state, cpu_at[cpu].current;
    ensures cpu_at[cpu].current == to && thread_at[to].state == THREAD_RUNNING; */
static inline void fast_switch(cpu_t cpu, pfn_t from, pfn_t to, uint64_t badge, uint64_t tag)
{
    thread_at[T(to)].reg[REG_RAX] = 0;
    thread_at[T(to)].reg[REG_RDI] = badge;
    thread_at[T(to)].reg[REG_RSI] = tag;
    thread_at[T(to)].reg[REG_RDX] = thread_at[T(from)].reg[REG_RDX];
    thread_at[T(to)].reg[REG_R10] = thread_at[T(from)].reg[REG_R10];
    thread_at[T(to)].reg[REG_R8] = thread_at[T(from)].reg[REG_R8];
    thread_at[T(to)].reg[REG_R9] = thread_at[T(from)].reg[REG_R9];
    thread_at[T(to)].state = THREAD_RUNNING;
    cpu_at[cpu].current = to;
}

pfn_t ipc_fast_call(cpu_t cpu, pfn_t t)
{
    uint64_t tag = thread_at[T(t)].reg[REG_RSI];
    if (tag % LABEL_SPAN > REGISTER_WORDS)
        return 0;
    slot_t slot = fast_slot(t, RIGHT_SEND);
    if (slot == 0)
        return 0;
    endpoint_t e = handle_at[H(slot)].object;
    if (endpoint_at[E(e)].mode != MODE_RECEIVE)
        return 0;
    pfn_t r = endpoint_at[E(e)].first;
    if (!fast_partner(cpu, r))
        return 0;
    uint64_t id = frame_birth();
    (void)queue_pop(e);
    if (endpoint_at[E(e)].first == 0)
        endpoint_at[E(e)].mode = MODE_IDLE;
    thread_at[T(t)].grants = (handle_at[H(slot)].rights & RIGHT_GRANT) != 0;
    thread_at[T(t)].state = THREAD_CALLING;
    thread_at[T(t)].call_id = id;
    thread_at[T(r)].reply_to = t;
    thread_at[T(r)].reply_id = id;
    fast_switch(cpu, t, r, handle_at[H(slot)].badge, tag + TAG_CALL);
    return r;
}

/* The thread whose call t answers, if the answer can go the short way; 0: not. */
/*@ requires kernel_wf && is_thread(t) && cpu < CPUS_MAX;
    assigns \nothing; */
static inline pfn_t fast_caller(cpu_t cpu, pfn_t t)
{
    pfn_t caller = thread_at[T(t)].reply_to;
    uint64_t id = thread_at[T(t)].reply_id;
    if (id == 0 || frame_kind[caller] != FRAME_THREAD || thread_at[T(caller)].call_id != id ||
        thread_at[T(caller)].fault_kind != 0)
        return 0;
    return fast_partner(cpu, caller) ? caller : 0;
}

pfn_t ipc_fast_reply_receive(cpu_t cpu, pfn_t t)
{
    uint64_t tag = thread_at[T(t)].reg[REG_RSI];
    if (tag % LABEL_SPAN > REGISTER_WORDS)
        return 0;
    slot_t slot = fast_slot(t, RIGHT_RECEIVE);
    if (slot == 0)
        return 0;
    endpoint_t e = handle_at[H(slot)].object;
    uint32_t mode = endpoint_at[E(e)].mode;
    if (endpoint_at[E(e)].events != 0 || (mode != MODE_IDLE && mode != MODE_RECEIVE))
        return 0;
    pfn_t caller = fast_caller(cpu, t);
    if (caller == 0)
        return 0;
    thread_at[T(caller)].call_id = 0;
    thread_at[T(t)].reply_id = 0;
    thread_at[T(t)].state = THREAD_RECEIVING;
    endpoint_at[E(e)].mode = MODE_RECEIVE;
    queue_push(e, t);
    fast_switch(cpu, t, caller, 0, tag);
    return caller;
}
