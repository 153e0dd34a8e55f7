/* SPDX-License-Identifier: MIT */
/*
 * The short way of ipc_fast.h for messages that are not all in registers: more words, and items, between message pages
 * that are known (message_noted). Made of the same steps. What cannot go this way has changed nothing and goes the long
 * way, which says what is wrong.
 */
#ifndef CORE_IPC_MEMORY_H
#define CORE_IPC_MEMORY_H

#include "core/ipc_fast.h"
#include "core/transfer.h"

/* Whether all of a message is in registers: then it is ipc_fast.h's. */
/*@ assigns \nothing;
    ensures \result == 1 <==> tag_short(tag);
    ensures \result == 0 || \result == 1; */
INDEX_GUARD bool tag_in_registers(uint64_t tag) { return tag % LABEL_SPAN <= REGISTER_WORDS; }

/* Whether it is words alone. */
/*@ assigns \nothing;
    ensures \result == 1 <==> tag % LABEL_SPAN <= MESSAGE_WORDS_MAX;
    ensures \result == 0 || \result == 1; */
INDEX_GUARD bool tag_only_words(uint64_t tag) { return tag % LABEL_SPAN <= MESSAGE_WORDS_MAX; }

/* Moves what of the message from t to p is not in registers. 0: nothing has happened. */
/*@ requires kernel_wf && is_thread(t) && is_thread(p) && t != p;
    ensures kernel_wf; */
INDEX_GUARD bool memory_move(pfn_t t, pfn_t p, uint64_t tag, bool grants)
{
    pfn_t source = message_noted(t, frame_owner[t]);
    pfn_t target = message_noted(p, frame_owner[p]);
    if (source == 0 || target == 0)
        return false;
    if (!tag_only_words(tag))
        return grants && items_deliver(t, p, source, target, tag);
    arch_words_copy(source, target, REGISTER_WORDS, (uint32_t)tag - REGISTER_WORDS);
    return true;
}

/* The call of t, running on cpu. */
/*@ requires kernel_wf && runs(t) && cpu < CPUS_MAX && cpu_at[cpu].current == t && !tag_short(r.tag);
    ensures kernel_wf;
    ensures \result.next != 0 ==> cpu_at[cpu].current == \result.next && thread_at[t].state == THREAD_CALLING; */
INDEX_GUARD struct ipc_fast ipc_memory_call(cpu_t cpu, pfn_t t, struct ipc_registers r)
{
    struct ipc_fast f = {0, 0, false, r};
    struct fast_way way = fast_way(t, r.name, RIGHT_SEND);
    if (!way.open)
        return f;
    endpoint_t e = handle_at[H(way.slot)].object;
    if (endpoint_at[E(e)].mode != MODE_RECEIVE)
        return f;
    pfn_t p = endpoint_at[E(e)].first;
    uint8_t rights = handle_at[H(way.slot)].rights; /* the message may move the handle itself */
    f.r.name = handle_at[H(way.slot)].badge;
    f.r.tag = r.tag + TAG_CALL;
    if (!fast_partner(cpu, p) || !memory_move(t, p, r.tag, (rights & RIGHT_GRANT) != 0))
        return f;
    f.next = p;
    f.process = frame_owner[p];
    f.done = true;
    fast_take(e, p);
    cpu_run(cpu, p);
    call_grants(t, rights);
    uint64_t id = frame_birth();
    call_begin(t, id);
    call_take(p, t, id);
    return f;
}

/* The reply_receive of t, likewise. */
/*@ requires kernel_wf && runs(t) && cpu < CPUS_MAX && cpu_at[cpu].current == t && !tag_short(r.tag);
    ensures kernel_wf;
    ensures \result.next != 0 ==> cpu_at[cpu].current == \result.next && thread_at[t].state == THREAD_RECEIVING; */
INDEX_GUARD struct ipc_fast ipc_memory_reply_receive(cpu_t cpu, pfn_t t, struct ipc_registers r)
{
    struct ipc_fast f = {0, 0, false, r};
    struct fast_way way = fast_way(t, r.name, RIGHT_RECEIVE);
    if (!way.open)
        return f;
    endpoint_t e = handle_at[H(way.slot)].object;
    if (!fast_receive(e) || !fast_answer(cpu, t))
        return f;
    pfn_t caller = thread_at[T(t)].reply_to;
    if (!memory_move(t, caller, r.tag, thread_at[T(caller)].grants != 0))
        return f;
    f.next = caller;
    f.process = frame_owner[caller];
    f.done = true;
    f.r.name = 0;
    call_end(t, caller);
    cpu_run(cpu, caller);
    fast_wait(t, e);
    return f;
}

#endif
