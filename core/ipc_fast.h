/* SPDX-License-Identifier: MIT */
/*
 * The short way through a call and through reply_receive: at most REGISTER_WORDS words, no items, no deadline, a partner
 * that waits, and nothing of higher priority ready than it. Each function first looks whether all of that is so and
 * changes nothing unless it is; then it does what ipc.c would do, and says who runs with which registers. Registers come
 * and go as values, so that a machine that has them in its own need not write and read them in between, and the functions
 * are inline, so that a machine can compile them into what it does around them.
 */
#ifndef CORE_IPC_FAST_H
#define CORE_IPC_FAST_H

#include "core/ipc.h"

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

/* What a handle number names, if it is a live endpoint and the handle has the right. */
struct fast_way {
    slot_t slot;
    bool open;
};

/* For contracts: the endpoint that the handle number in r names, and who waits there longest. */
/* clang-format off */
#define WAY_FOUND(way, t, number) (way).open == 1 ==> \
    is_slot((way).slot) && (way).slot == way_slot(t, number) && is_born(way_endpoint((way).slot));
#define CALL_ENDPOINT way_endpoint(way_slot(t, r.name))
#define CALL_PARTNER endpoint_at[CALL_ENDPOINT].first
/* clang-format on */

/* ---- whether it is open: nothing changes ---- */

/* Whether slot s is such a handle. */
/*@ requires is_slot(s) && handle_object_ok(s);
    assigns \nothing;
    ensures open: \result == 1 <==> way_open(s, right);
    ensures bool: \result == 0 || \result == 1;
    ensures endpoint: \result == 1 ==> is_born(way_endpoint(s)); */
INDEX_GUARD bool fast_open(slot_t s, uint8_t right)
{
    if (handle_at[H(s)].kind != KIND_ENDPOINT || (handle_at[H(s)].rights & right) != right)
        return false;
    endpoint_t e = handle_at[H(s)].object;
    return frame_kind[e / SLOTS] == FRAME_ENDPOINTS &&
           endpoint_at[E(e)].generation == handle_at[H(s)].generation;
}

/* The slot of that handle number of process p; open: there is one, whatever is in it. */
/*@ requires is_process(p) && handle_pages_ok(p);
    assigns \nothing;
    ensures open: \result.open == 1 <==> slot_of(p, number) != 0;
    ensures bool: \result.open == 0 || \result.open == 1;
    ensures slot: \result.open == 1 ==> is_slot(\result.slot) && \result.slot == slot_of(p, number); */
INDEX_GUARD struct fast_way fast_slot(pfn_t p, uint64_t number)
{
    struct fast_way way = {0, false};
    if (number >= HANDLES_MAX)
        return way;
    pfn_t page = process_at[P(p)].handle_page[number / SLOTS];
    if (page == 0)
        return way;
    way.slot = page * SLOTS + (uint32_t)number % SLOTS;
    way.open = true;
    return way;
}

/*@ requires kernel_wf && is_thread(t);
    assigns \nothing;
    ensures open: \result.open == 1 <==> way_open(way_slot(t, number), right);
    ensures bool: \result.open == 0 || \result.open == 1;
    ensures slot: WAY_FOUND(\result, t, number) */
INDEX_GUARD struct fast_way fast_way(pfn_t t, uint64_t number, uint8_t right)
{
    struct fast_way way = fast_slot(frame_owner[t], number);
    if (way.open)
        way.open = fast_open(way.slot, right);
    return way;
}

/* Whether thread p may run on cpu now, in place of the current one, and waits without a deadline. */
/*@ requires kernel_wf && cpu < CPUS_MAX && is_thread(p);
    assigns \nothing;
    ensures ready: \result == 1 <==> partner_ready(cpu, p);
    ensures bool: \result == 0 || \result == 1; */
INDEX_GUARD bool fast_partner(cpu_t cpu, pfn_t p)
{
    uint32_t obstacles = thread_at[T(p)].suspended | thread_at[T(p)].heap_index |
                         process_at[P(frame_owner[p])].dying;
    return obstacles == 0 && thread_at[T(p)].cpu == cpu && sched_keeps(cpu, p);
}

/* The way of a call of t. */
/*@ requires kernel_wf && is_thread(t) && cpu < CPUS_MAX;
    assigns \nothing;
    ensures open: \result.open == 1 <==> call_is_short(cpu, way_slot(t, number), tag);
    ensures bool: \result.open == 0 || \result.open == 1;
    ensures slot: WAY_FOUND(\result, t, number) */
INDEX_GUARD struct fast_way fast_call_way(cpu_t cpu, pfn_t t, uint64_t number, uint64_t tag)
{
    struct fast_way way = {0, false};
    if (tag % LABEL_SPAN > REGISTER_WORDS)
        return way;
    way = fast_way(t, number, RIGHT_SEND);
    if (!way.open)
        return way;
    endpoint_t e = handle_at[H(way.slot)].object;
    way.open = endpoint_at[E(e)].mode == MODE_RECEIVE && fast_partner(cpu, endpoint_at[E(e)].first);
    return way;
}

/* Whether t's last call taken still waits, and its answer can go the short way. Who is CALLING has a call_id that is not 0,
   and has not faulted. */
/*@ requires kernel_wf && is_thread(t) && cpu < CPUS_MAX && nobody_wf;
    assigns \nothing;
    ensures waits: \result == 1 <==> answer_waits(t, thread_at[t].reply_to) &&
        partner_ready(cpu, thread_at[t].reply_to);
    ensures bool: \result == 0 || \result == 1; */
INDEX_GUARD bool fast_answer(cpu_t cpu, pfn_t t)
{
    pfn_t caller = thread_at[T(t)].reply_to;
    return frame_kind[caller] == FRAME_THREAD && thread_at[T(caller)].state == THREAD_CALLING &&
           thread_at[T(caller)].call_id == thread_at[T(t)].reply_id && fast_partner(cpu, caller);
}

/* Whether a receiver would wait in e. */
/*@ requires is_endpoint(e);
    assigns \nothing;
    ensures waits: \result == 1 <==> receive_waits(e);
    ensures bool: \result == 0 || \result == 1; */
INDEX_GUARD bool fast_receive(endpoint_t e)
{
    uint32_t mode = endpoint_at[E(e)].mode;
    return endpoint_at[E(e)].events == 0 && (mode == MODE_IDLE || mode == MODE_RECEIVE);
}

/* The way of a reply_receive of t. */
/*@ requires kernel_wf && is_thread(t) && cpu < CPUS_MAX && nobody_wf;
    assigns \nothing;
    ensures open: \result.open == 1 <==> answer_is_short(cpu, t, way_slot(t, number), tag);
    ensures bool: \result.open == 0 || \result.open == 1;
    ensures slot: WAY_FOUND(\result, t, number) */
INDEX_GUARD struct fast_way fast_answer_way(cpu_t cpu, pfn_t t, uint64_t number, uint64_t tag)
{
    struct fast_way way = {0, false};
    if (tag % LABEL_SPAN > REGISTER_WORDS)
        return way;
    way = fast_way(t, number, RIGHT_RECEIVE);
    if (!way.open)
        return way;
    endpoint_t e = handle_at[H(way.slot)].object;
    way.open = fast_receive(e) && fast_answer(cpu, t);
    return way;
}

/* ---- the steps, when it is ---- */

/* The tag of a call as its receiver sees it. */
/*@ requires tag_short(tag);
    assigns \nothing;
    ensures \result == tag + TAG_CALL; */
INDEX_GUARD uint64_t call_tag(uint64_t tag)
{
    //@ assert parts: tag == tag / LABEL_SPAN * LABEL_SPAN + tag % LABEL_SPAN && tag / LABEL_SPAN <= UINT32_MAX;
    return tag + TAG_CALL;
}

/* Nobody waits in e any more, if that is so: its mode says it. */
/*@ requires queues_wf && is_endpoint(e) && endpoint_at[e].mode == MODE_RECEIVE;
    assigns endpoint_at[e].mode;
    ensures wf: queues_wf;
    ensures mode: endpoint_at[e].mode == (endpoint_at[e].first == 0 ? MODE_IDLE : MODE_RECEIVE);
    ensures ready_wf: \old(ready_wf) ==> ready_wf;
    ensures places_but: \forall integer x; \old(places_but(x)) ==> places_but(x); */
INDEX_GUARD void receive_settle(endpoint_t e)
{
    if (endpoint_at[E(e)].first == 0)
        endpoint_at[E(e)].mode = MODE_IDLE;
}

/* Receiver p leaves the queue of e, where it has waited longest. */
/*@ requires endpoint: is_endpoint(e) && endpoint_at[e].mode == MODE_RECEIVE && p == endpoint_at[e].first;
    KERNEL_NEED(0)
    assigns queue_of[p], queue_next[0 .. FRAMES_MAX - 1], queue_prev[0 .. FRAMES_MAX - 1], endpoint_at[e].first,
            endpoint_at[e].last, endpoint_at[e].mode;
    KERNEL_WF(p)
    ensures out: is_thread(p) && queue_of[p] == 0 && thread_at[p].call_id == 0;
    ensures left: queue_left{Pre,Post}(e, p); */
INDEX_GUARD void fast_take(endpoint_t e, pfn_t p)
{
    //@ assert place: is_thread(p) && queue_of[p] == e && thread_place_ok(p);
    endpoint_queue_pop(e, p);
    receive_settle(e);
}

/* t waits for the answer to its call of that number. */
/*@ requires is_thread(t) && queue_of[t] == 0 && id != 0 && cpu_at[thread_at[t].cpu].current != t;
    assigns thread_at[t].state, thread_at[t].call_id;
    ensures calls: thread_at[t].state == THREAD_CALLING && thread_at[t].call_id == id;
    THREAD_KEPT(t)
    ensures places_wf: \old(places_but(t)) ==> places_but(0);
    ensures waits_wf: \old(waits_but(0)) ==> waits_but(0); */
INDEX_GUARD void call_begin(pfn_t t, uint64_t id)
{
    thread_at[T(t)].state = THREAD_CALLING;
    thread_at[T(t)].call_id = id;
}

/* p may answer t's call of that number. */
/*@ requires is_thread(p) && is_thread(t);
    assigns thread_at[p].reply_id, thread_at[p].reply_to;
    ensures taken: thread_at[p].reply_id == id && thread_at[p].reply_to == t;
    THREAD_KEPT(0) */
INDEX_GUARD void call_take(pfn_t p, pfn_t t, uint64_t id)
{
    thread_at[T(p)].reply_id = id;
    thread_at[T(p)].reply_to = t;
}

/* Items may travel in the answer to t's call, if the handle's rights say so. */
/*@ requires is_thread(t);
    assigns thread_at[t].grants;
    ensures grants: thread_at[t].grants != 0 <==> (rights & RIGHT_GRANT) != 0;
    THREAD_KEPT(t) */
INDEX_GUARD void call_grants(pfn_t t, uint8_t rights)
{
    thread_at[T(t)].grants = rights & RIGHT_GRANT;
}

/* t, which has just stopped running, waits for the answer to a call that p has taken through slot s. */
/*@ requires stopped: nowhere(t) && cpu_at[thread_at[t].cpu].current != t;
    requires other: is_thread(p) && p != t && is_slot(s) && waits_but(0);
    KERNEL_NEED(t)
    assigns thread_at[t].grants, thread_at[t].state, thread_at[t].call_id, thread_at[p].reply_id, thread_at[p].reply_to,
            frame_next_birth;
    KERNEL_WF(0)
    ensures taken: call_taken{Pre,Post}(t, p);
    ensures grants: thread_at[t].grants != 0 <==> (handle_at[s].rights & RIGHT_GRANT) != 0; */
INDEX_GUARD void fast_call(pfn_t t, pfn_t p, slot_t s)
{
    call_grants(t, handle_at[H(s)].rights);
    uint64_t id = frame_birth();
    call_begin(t, id);
    call_take(p, t, id);
}

/* The call of q that t took last is answered. */
/*@ requires answer: is_thread(t) && is_thread(q) && t != q;
    assigns thread_at[q].call_id, thread_at[t].reply_id;
    ensures over: thread_at[q].call_id == 0 && thread_at[t].reply_id == 0;
    THREAD_KEPT(q)
    ensures places_wf: \old(places_but(0)) ==> places_but(0);
    ensures waits_wf: \old(waits_but(0)) ==> waits_but(q); */
INDEX_GUARD void call_end(pfn_t t, pfn_t q)
{
    thread_at[T(q)].call_id = 0;
    thread_at[T(t)].reply_id = 0;
}

/* t waits, or is about to, for a message. */
/*@ requires nowhere(t) && cpu_at[thread_at[t].cpu].current != t;
    assigns thread_at[t].state;
    ensures state: thread_at[t].state == THREAD_RECEIVING;
    THREAD_KEPT(t)
    ensures waits_wf: \old(waits_but(t)) ==> waits_but(0); */
INDEX_GUARD void receive_mark(pfn_t t) { thread_at[T(t)].state = THREAD_RECEIVING; }

/* Receivers wait in e, or one is about to. */
/*@ requires is_endpoint(e) && receive_waits(e);
    assigns endpoint_at[e].mode;
    ensures mode: endpoint_at[e].mode == MODE_RECEIVE;
    ensures queues_wf: \old(queues_wf) ==> queues_wf;
    ensures ready_wf: \old(ready_wf) ==> ready_wf;
    ensures places_but: \forall integer x; \old(places_but(x)) ==> places_but(x); */
INDEX_GUARD void receive_mode(endpoint_t e) { endpoint_at[E(e)].mode = MODE_RECEIVE; }

/* t joins the receivers of e. */
/*@ requires receiving: is_thread(t) && queue_of[t] == 0 && thread_at[t].state == THREAD_RECEIVING;
    requires endpoint: is_born(e) && endpoint_at[e].mode == MODE_RECEIVE;
    requires queues_wf && runs_wf;
    assigns queue_next[0 .. FRAMES_MAX - 1], queue_prev[t], queue_of[t], endpoint_at[e].first, endpoint_at[e].last,
            queue_key[t], queue_clock;
    ensures queues_wf: queues_wf;
    ensures ready_wf: \old(ready_wf) ==> ready_wf;
    ensures places_but: \old(places_but(t)) ==> places_but(0);
    ensures first: endpoint_at[e].first != 0;
    ensures joined: queue_joined{Pre,Post}(e, t); */
INDEX_GUARD void receive_join(pfn_t t, endpoint_t e)
{
    queue_push(e, t);
    //@ assert on: is_frame(t) && queue_of[t] != 0 && queue_of[t] == e;
}

/* t, which has just stopped running, waits for a message on e. */
/*@ requires stopped: nowhere(t) && cpu_at[thread_at[t].cpu].current != t;
    requires endpoint: is_born(e) && receive_waits(e);
    KERNEL_NEED(t)
    assigns thread_at[t].state, endpoint_at[e].mode, queue_next[0 .. FRAMES_MAX - 1], queue_prev[t], queue_of[t],
            endpoint_at[e].first, endpoint_at[e].last, queue_key[t], queue_clock;
    KERNEL_WF(0)
    ensures state: thread_at[t].state == THREAD_RECEIVING;
    ensures joined: queue_joined{Pre,Post}(e, t); */
INDEX_GUARD void fast_wait(pfn_t t, endpoint_t e)
{
    receive_mark(t);
    receive_mode(e);
    receive_join(t, e);
}

/* t, which runs, has nothing to take at e and waits for it without a deadline. 0: that is not so, and nothing has
   happened. */
/*@ requires runs: runs(t) && is_born(e);
    KERNEL_NEED(0)
    assigns thread_at[t].state, cpu_at[thread_at[t].cpu].current, endpoint_at[e].mode, queue_next[0 .. FRAMES_MAX - 1],
            queue_prev[t], queue_of[t], endpoint_at[e].first, endpoint_at[e].last, queue_key[t], queue_clock;
    KERNEL_WF(0)
    behavior some:
        assumes options != 0 || thread_at[t].reply_id != 0 || !receive_waits(e);
        assigns \nothing;
        ensures none: \result == 0;
        ensures same: runs(t) && thread_at[t].state == \old(thread_at[t].state) && queue_same{Pre,Post};
    behavior nothing:
        assumes options == 0 && thread_at[t].reply_id == 0 && receive_waits(e);
        ensures done: \result == 1;
        ensures state: thread_at[t].state == THREAD_RECEIVING && cpu_at[thread_at[t].cpu].current == 0;
        ensures joined: queue_joined{Pre,Post}(e, t); */
INDEX_GUARD bool receive_nothing(pfn_t t, endpoint_t e, uint64_t options)
{
    if (options != 0 || thread_at[T(t)].reply_id != 0 || !fast_receive(e))
        return false;
    //@ assert running: thread_at[t].state == THREAD_RUNNING && thread_place_ok(t) && nowhere(t);
    cpu_stop(t);
    fast_wait(t, e);
    return true;
}

/* ---- the ways ---- */

/* The call of t, running on cpu. */
/*@ requires runs: runs(t) && cpu < CPUS_MAX && cpu_at[cpu].current == t;
    KERNEL_NEED(0)
    assigns thread_at[0 .. FRAMES_MAX - 1], frame_next_birth, cpu_at[cpu].current, queue_of[0 .. FRAMES_MAX - 1],
            queue_next[0 .. FRAMES_MAX - 1], queue_prev[0 .. FRAMES_MAX - 1],
            endpoint_at[0 .. FRAMES_MAX * SLOTS - 1];
    KERNEL_WF(0)
    ensures done: \result.done == 1 <==> \result.next != 0;
    behavior long:
        assumes !call_is_short(cpu, way_slot(t, r.name), r.tag);
        assigns \nothing;
        ensures none: \result.next == 0;
    behavior short:
        assumes call_is_short(cpu, way_slot(t, r.name), r.tag);
        assigns thread_at[t].grants, thread_at[t].state, thread_at[t].call_id, frame_next_birth,
            thread_at[CALL_PARTNER].state, thread_at[CALL_PARTNER].reply_id, thread_at[CALL_PARTNER].reply_to,
            cpu_at[cpu].current, queue_of[CALL_PARTNER], queue_next[0 .. FRAMES_MAX - 1],
            queue_prev[0 .. FRAMES_MAX - 1], endpoint_at[CALL_ENDPOINT].first, endpoint_at[CALL_ENDPOINT].last,
            endpoint_at[CALL_ENDPOINT].mode;
        ensures next: \result.next == \old(CALL_PARTNER) && \result.process == \old(frame_owner[CALL_PARTNER]);
        ensures short: call_short{Pre,Post}(cpu, t, \old(way_slot(t, r.name)), \result.next);
        ensures message: \result.r.name == handle_at[\old(way_slot(t, r.name))].badge &&
            \result.r.tag == r.tag + TAG_CALL && \result.r.word == r.word; */
INDEX_GUARD struct ipc_fast ipc_fast_call(cpu_t cpu, pfn_t t, struct ipc_registers r)
{
    struct ipc_fast f = {0, 0, false, r};
    struct fast_way way = fast_call_way(cpu, t, r.name, r.tag);
    if (!way.open)
        return f;
    endpoint_t e = handle_at[H(way.slot)].object;
    pfn_t p = endpoint_at[E(e)].first;
    f.next = p;
    f.process = frame_owner[p];
    f.done = true;
    f.r.name = handle_at[H(way.slot)].badge;
    f.r.tag = call_tag(r.tag);
    //@ assert here: nowhere(t) && queue_of[p] == e;
    fast_take(e, p);
    cpu_run(cpu, p);
    fast_call(t, p, way.slot);
    return f;
}

/* The reply_receive of t, likewise. */
/*@ requires runs: runs(t) && cpu < CPUS_MAX && cpu_at[cpu].current == t && nobody_wf;
    KERNEL_NEED(0)
    assigns thread_at[0 .. FRAMES_MAX - 1], cpu_at[cpu].current, queue_of[t], queue_next[0 .. FRAMES_MAX - 1],
            queue_prev[t], queue_key[t], queue_clock, endpoint_at[0 .. FRAMES_MAX * SLOTS - 1];
    KERNEL_WF(0)
    ensures done: \result.done == 1 <==> \result.next != 0;
    behavior long:
        assumes !answer_is_short(cpu, t, way_slot(t, r.name), r.tag);
        assigns \nothing;
        ensures none: \result.next == 0;
    behavior short:
        assumes answer_is_short(cpu, t, way_slot(t, r.name), r.tag);
        assigns thread_at[t].reply_id, thread_at[t].state, thread_at[thread_at[t].reply_to].call_id,
            thread_at[thread_at[t].reply_to].state, cpu_at[cpu].current, queue_of[t],
            queue_next[0 .. FRAMES_MAX - 1], queue_prev[t], queue_key[t], queue_clock,
            endpoint_at[CALL_ENDPOINT].first, endpoint_at[CALL_ENDPOINT].last, endpoint_at[CALL_ENDPOINT].mode;
        ensures next: \result.next == thread_at[t].reply_to && \result.process == frame_owner[\result.next];
        ensures short: answer_short{Pre,Post}(cpu, t, \old(way_slot(t, r.name)), \result.next);
        ensures message: \result.r.name == 0 && \result.r.tag == r.tag && \result.r.word == r.word; */
INDEX_GUARD struct ipc_fast ipc_fast_reply_receive(cpu_t cpu, pfn_t t, struct ipc_registers r)
{
    struct ipc_fast f = {0, 0, false, r};
    struct fast_way way = fast_answer_way(cpu, t, r.name, r.tag);
    if (!way.open)
        return f;
    endpoint_t e = handle_at[H(way.slot)].object;
    pfn_t caller = thread_at[T(t)].reply_to;
    f.next = caller;
    f.process = frame_owner[caller];
    f.done = true;
    f.r.name = 0;
    call_end(t, caller);
    cpu_run(cpu, caller);
    fast_wait(t, e);
    return f;
}

/*@ // t's receive through that handle number has nothing to take, and no end.
    predicate receive_is_short{L}(integer t, integer name, integer options) = options == 0 &&
        thread_at[t].reply_id == 0 && way_open(way_slot(t, name), RIGHT_RECEIVE) &&
        receive_waits(way_endpoint(way_slot(t, name)));
*/

/* The receive of t, where it just waits. 0: nothing has happened. */
/*@ requires kernel_wf && runs(t);
    assigns thread_at[t].state, cpu_at[thread_at[t].cpu].current, endpoint_at[0 .. FRAMES_MAX * SLOTS - 1],
            queue_next[0 .. FRAMES_MAX - 1], queue_prev[t], queue_of[t], queue_key[t], queue_clock;
    KERNEL_WF(0)
    behavior some:
        assumes !receive_is_short(t, name, options);
        ensures none: \result == 0;
        ensures same: runs(t) && thread_at[t].state == \old(thread_at[t].state) && queue_same{Pre,Post};
    behavior nothing:
        assumes receive_is_short(t, name, options);
        ensures done: \result == 1;
        ensures state: thread_at[t].state == THREAD_RECEIVING && cpu_at[thread_at[t].cpu].current == 0;
        ensures joined: queue_joined{Pre,Post}(\old(way_endpoint(way_slot(t, name))), t); */
INDEX_GUARD bool ipc_fast_receive(pfn_t t, uint64_t name, uint64_t options)
{
    struct fast_way way = fast_way(t, name, RIGHT_RECEIVE);
    if (!way.open)
        return false;
    return receive_nothing(t, handle_at[H(way.slot)].object, options);
}

#undef CALL_ENDPOINT
#undef CALL_PARTNER
#undef WAY_FOUND
#endif
