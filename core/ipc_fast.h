/* SPDX-License-Identifier: MIT */
/*
 * The short way through a call and through reply_receive: no deadline, a partner that waits, nothing of higher priority
 * ready than it, and what does not fit into registers in message pages that are known. Each function first looks whether all of that is so and
 * changes nothing unless it is; then it does what ipc.c would do, and says who runs with which registers. Registers come
 * and go as values, so that a machine that has them in its own need not write and read them in between, and the functions
 * are inline, so that a machine can compile them into what it does around them.
 */
#ifndef CORE_IPC_FAST_H
#define CORE_IPC_FAST_H

#include "core/ipc.h"
#include "core/transfer.h"

/* The argument registers of call and reply_receive, and the result registers of call and receive. */
struct ipc_registers {
    uint64_t name; /* in: the endpoint's handle number; out: the badge */
    uint64_t tag, word[REGISTER_WORDS];
};

/* Who runs next, with status 0 and these result registers, which are not in its object; next 0: nothing has happened. */
struct ipc_fast {
    pfn_t next, process; /* the thread, and its process */
    bool done;           /* next != 0 */
    struct ipc_registers r;
};

#define LABEL_SPAN 0x100000000u /* a tag's low half holds lengths and flags */

/* What a handle number names, if it is a live endpoint and the handle has the right. */
struct fast_way {
    slot_t slot;
    bool open;
};

/*@ requires kernel_wf && is_thread(t);
    assigns \nothing; */
INDEX_GUARD struct fast_way fast_way(pfn_t t, uint64_t number, uint8_t right)
{
    struct fast_way way = {0, false};
    if (number >= HANDLES_MAX)
        return way;
    pfn_t page = process_at[P(frame_owner[t])].handle_page[number / SLOTS];
    if (page == 0)
        return way;
    slot_t slot = page * SLOTS + (uint32_t)number % SLOTS;
    if (handle_at[H(slot)].kind != KIND_ENDPOINT || (handle_at[H(slot)].rights & right) == 0)
        return way;
    endpoint_t e = handle_at[H(slot)].object;
    if (frame_kind[e / SLOTS] != FRAME_ENDPOINTS ||
        endpoint_at[E(e)].generation != handle_at[H(slot)].generation)
        return way;
    way.slot = slot;
    way.open = true;
    return way;
}

/* Whether thread p may run on cpu now, in place of the current one, and waits without a deadline. */
/*@ requires kernel_wf && cpu < CPUS_MAX && is_thread(p);
    assigns \nothing; */
INDEX_GUARD bool fast_partner(cpu_t cpu, pfn_t p)
{
    uint64_t ready = cpu_at[cpu].ready;
    uint32_t obstacles = thread_at[T(p)].suspended | thread_at[T(p)].heap_index |
                         process_at[P(frame_owner[p])].dying;
    return obstacles == 0 && thread_at[T(p)].cpu == cpu &&
           (ready == 0 || arch_highest_bit(ready) <= thread_at[T(p)].priority);
}

/* Whether all of a message is in registers. */
/*@ assigns \nothing; */
INDEX_GUARD bool fast_in_registers(uint64_t tag) { return tag % LABEL_SPAN <= REGISTER_WORDS; }

/* Whether it is words alone. */
/*@ assigns \nothing; */
INDEX_GUARD bool fast_only_words(uint64_t tag) { return tag % LABEL_SPAN <= MESSAGE_WORDS_MAX; }

/* Whether a message from t to p may go the short way, as far as its tag says; memory: if it is not all in registers. */
/*@ assigns \nothing; */
INDEX_GUARD bool fast_tag(uint64_t tag, bool memory)
{
    if (!memory)
        return fast_in_registers(tag);
    return fast_only_words(tag) || tag_check(tag, TAG_SHAPE) == ERR_NONE;
}

/* Moves what of the message from t to p is not in registers. 0: nothing has happened. */
/*@ requires kernel_wf && is_thread(t) && is_thread(p) && t != p;
    ensures kernel_wf; */
INDEX_GUARD bool fast_memory(pfn_t t, pfn_t p, uint64_t tag, bool grants)
{
    pfn_t source = message_noted(t, frame_owner[t]);
    pfn_t target = message_noted(p, frame_owner[p]);
    if (source == 0 || target == 0)
        return false;
    if (!fast_only_words(tag))
        return grants && message_move(t, p, source, target, tag) == ERR_NONE;
    arch_words_copy(source, target, REGISTER_WORDS, (uint32_t)tag - REGISTER_WORDS);
    return true;
}

/* `to` runs on cpu. */
/*@ requires is_thread(to) && cpu < CPUS_MAX;
    assigns thread_at[to].state, cpu_at[cpu].current;
    ensures cpu_at[cpu].current == to && thread_at[to].state == THREAD_RUNNING; */
INDEX_GUARD void fast_run(cpu_t cpu, pfn_t to)
{
    thread_at[T(to)].state = THREAD_RUNNING;
    cpu_at[cpu].current = to;
}

/* The call of t, running on cpu; memory: the message is not all in registers. */
/*@ requires kernel_wf && runs(t) && cpu < CPUS_MAX && cpu_at[cpu].current == t;
    ensures kernel_wf;
    ensures \result.next != 0 ==> cpu_at[cpu].current == \result.next && thread_at[t].state == THREAD_CALLING; */
INDEX_GUARD struct ipc_fast ipc_fast_call(cpu_t cpu, pfn_t t, struct ipc_registers r, bool memory)
{
    struct ipc_fast f = {0, 0, false, r};
    if (!fast_tag(r.tag, memory))
        return f;
    struct fast_way way = fast_way(t, r.name, RIGHT_SEND);
    if (!way.open)
        return f;
    endpoint_t e = handle_at[H(way.slot)].object;
    if (endpoint_at[E(e)].mode != MODE_RECEIVE)
        return f;
    pfn_t p = endpoint_at[E(e)].first;
    if (!fast_partner(cpu, p))
        return f;
    if (memory && !fast_memory(t, p, r.tag, (handle_at[H(way.slot)].rights & RIGHT_GRANT) != 0))
        return f;
    f.next = p;
    f.process = frame_owner[p];
    f.done = true;
    f.r.name = handle_at[H(way.slot)].badge;
    f.r.tag = r.tag + TAG_CALL;
    queue_pop(e, p);
    if (endpoint_at[E(e)].first == 0)
        endpoint_at[E(e)].mode = MODE_IDLE;
    fast_run(cpu, p);
    thread_at[T(t)].grants = handle_at[H(way.slot)].rights & RIGHT_GRANT;
    thread_at[T(t)].state = THREAD_CALLING;
    uint64_t id = frame_birth();
    thread_at[T(t)].call_id = id;
    thread_at[T(p)].reply_id = id;
    thread_at[T(p)].reply_to = t;
    return f;
}

/* Whether t's last call taken still waits, and its answer can go the short way. Who is CALLING has a call_id that is not 0,
   and has not faulted. */
/*@ requires kernel_wf && is_thread(t) && cpu < CPUS_MAX;
    assigns \nothing; */
INDEX_GUARD bool fast_answer(cpu_t cpu, pfn_t t)
{
    pfn_t caller = thread_at[T(t)].reply_to;
    return frame_kind[caller] == FRAME_THREAD && thread_at[T(caller)].state == THREAD_CALLING &&
           thread_at[T(caller)].call_id == thread_at[T(t)].reply_id && fast_partner(cpu, caller);
}

/* The reply_receive of t, likewise. */
/*@ requires kernel_wf && runs(t) && cpu < CPUS_MAX && cpu_at[cpu].current == t;
    ensures kernel_wf;
    ensures \result.next != 0 ==> cpu_at[cpu].current == \result.next && thread_at[t].state == THREAD_RECEIVING; */
INDEX_GUARD struct ipc_fast ipc_fast_reply_receive(cpu_t cpu, pfn_t t, struct ipc_registers r,
                                                   bool memory)
{
    struct ipc_fast f = {0, 0, false, r};
    if (!fast_tag(r.tag, memory))
        return f;
    struct fast_way way = fast_way(t, r.name, RIGHT_RECEIVE);
    if (!way.open)
        return f;
    endpoint_t e = handle_at[H(way.slot)].object;
    uint32_t mode = endpoint_at[E(e)].mode;
    if (endpoint_at[E(e)].events != 0 || (mode != MODE_IDLE && mode != MODE_RECEIVE))
        return f;
    if (!fast_answer(cpu, t))
        return f;
    pfn_t caller = thread_at[T(t)].reply_to;
    if (memory && !fast_memory(t, caller, r.tag, thread_at[T(caller)].grants != 0))
        return f;
    f.next = caller;
    f.process = frame_owner[caller];
    f.done = true;
    f.r.name = 0;
    thread_at[T(caller)].call_id = 0;
    thread_at[T(t)].reply_id = 0;
    thread_at[T(t)].state = THREAD_RECEIVING;
    endpoint_at[E(e)].mode = MODE_RECEIVE;
    queue_push(e, t);
    fast_run(cpu, caller);
    return f;
}

#endif
