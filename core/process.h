/* SPDX-License-Identifier: MIT */
/*
 * Processes. A process lives from process_create until its owner has destroyed it. It ends earlier: when it exits, when
 * a fault has no handler, or when somebody begins to destroy it; from then on its threads do not run, nothing can be
 * added to it, and process_info tells how it ended. Whoever was named at creation is signalled at that moment, and
 * destroys it to get its memory back.
 */
#ifndef CORE_PROCESS_H
#define CORE_PROCESS_H

#include "core/container.h"
#include "core/thread.h"

#define PROCESS_FRAMES                                                                             \
    4u /* frames of an empty process: itself, root table, handle page, endpoint page */
#define DRAIN_PIECE 32u  /* receivers of ended processes that one call sets aside */
#define RELEASE_PIECE 8u /* waiting threads one step of a destruction releases */

/* 1 if n more pages can be charged to p's container, and the machine has frames for them. */
/*@ requires is_process(p) && is_container(frame_owner[p]) && quota_wf;
    assigns \nothing;
    ensures \result == 0 || \result == 1;
    ensures \result == 1 <==> has_room(frame_owner[p], n); */
bool process_fits(pfn_t p, uint64_t n);

/* Charges pages to p and its container, which has room. */
/*@ requires is_process(p) && is_container(frame_owner[p]) && quota_wf;
    requires room: n <= left_of(frame_owner[p]) && process_at[p].charged + n <= UINT64_MAX;
    assigns process_at[p].charged, container_at[frame_owner[p]].used;
    ensures charged: process_at[p].charged == \old(process_at[p].charged) + n;
    ensures used: container_at[frame_owner[p]].used == \old(container_at[frame_owner[p]].used) + n;
    ensures used_wf: \old(used_wf) ==> used_wf;
    ensures carved_wf: \old(carved_wf) ==> carved_wf;
    KERNEL_KEPT(0) */
static inline void process_charge(pfn_t p, uint64_t n)
{
    process_at[P(p)].charged += n;
    container_charge(frame_owner[p], n);
    //@ ghost uint32_t i = 0;
    /*@ ghost
        /@ SUMS_SHOWN(frame_owner[p], p, n) @/
        while (i < FRAMES_MAX)
            i++;
    */
}

/* Gives back pages that are charged to p, and so to its container. */
/*@ requires is_process(p) && is_container(frame_owner[p]) && quota_wf;
    requires charged: n <= process_at[p].charged && n <= container_at[frame_owner[p]].used;
    assigns process_at[p].charged, container_at[frame_owner[p]].used;
    ensures charged: process_at[p].charged == \old(process_at[p].charged) - n;
    ensures used: container_at[frame_owner[p]].used == \old(container_at[frame_owner[p]].used) - n;
    ensures used_wf: \old(used_wf) ==> used_wf;
    ensures carved_wf: \old(carved_wf) ==> carved_wf;
    KERNEL_KEPT(0) */
static inline void process_uncharge(pfn_t p, uint64_t n)
{
    process_at[P(p)].charged -= n;
    container_uncharge(frame_owner[p], n);
    //@ ghost uint32_t i = 0;
    /*@ ghost
        /@ SUMS_SHOWN(frame_owner[p], p, -n) @/
        while (i < FRAMES_MAX)
            i++;
    */
}

/* An empty process in container c, which has room for PROCESS_FRAMES. 0: no frame. */
/*@ requires kernel_wf && is_container(c);
    requires container_at[c].used + PROCESS_FRAMES + container_at[c].carved <= container_at[c].total;
    ensures kernel_wf;
    ensures \result != 0 ==> is_process(\result) && frame_owner[\result] == c; */
pfn_t process_create(pfn_t c);

/* Pages that opening one more handle in p would charge: 0 or 1; HANDLES_FULL: its table is full. */
#define HANDLES_FULL 2u
/*@ logic integer handle_need{L}(integer p) = process_at[p].handle_free != 0 ? 0 :
        process_at[p].handle_pages == HANDLE_PAGES ? HANDLES_FULL : 1; */
/*@ requires is_process(p);
    assigns \nothing;
    ensures \result == handle_need(p); */
uint32_t process_handle_need(pfn_t p);

/* Gives p, whose container has room, one more page of handles. */
/*@ requires kernel_wf && is_process(p) && process_at[p].handle_free == 0 && process_at[p].handle_pages < HANDLE_PAGES;
    ensures kernel_wf; */
void process_handles_grow(pfn_t p);

/* Opens a handle; the caller has seen process_handle_need, and room for it. Returns its number. */
/*@ requires kernel_wf && is_process(p) && h.kind != KIND_NONE;
    ensures kernel_wf;
    ensures 0 < \result < HANDLES_MAX; */
uint32_t process_handle_open(pfn_t p, struct handle h);

/* p ends, if it has not yet: state says how, code the status or fault. Whoever waits for it gets an error soon: the
   kernel's next entries do a piece of that each (process_close_next). */
/*@ requires process: is_process(p) && state != PROCESS_ALIVE;
    KERNEL_NEED(0)
    assigns FAIL_STATE;
    KERNEL_WF(0)
    ensures ended: process_at[p].dying != 0;
    ensures first: \old(process_at[p].dying) == 0 ==>
        process_at[p].dying == 1 && process_at[p].state == state && process_at[p].code == code;
    ensures others: \forall integer q; is_frame(q) && q != p ==> process_at[q].dying == \old(process_at[q].dying);
    ENDPOINTS_KEPT
    THREADS_KEPT(0)
    CPUS_KEPT */
void process_end(pfn_t p, uint8_t state, uint64_t code);

/* Does a bounded piece of destroying p, which has ended. 1: it is gone, and its frame free. */
/*@ requires kernel_wf && is_process(p) && process_at[p].dying == 1;
    ensures kernel_wf;
    ensures \result == 1 ==> frame_kind[p] == FRAME_FREE; */
bool process_reap(pfn_t p);

/* Does a bounded piece for dead_first, which is not 0: destroys a thread, gives up the calls that a page of its handles
   could answer, or releases waiters of its endpoints. Its memory stays, for its owner to look at and destroy. */
/*@ requires kernel_wf && is_process(dead_first);
    assigns KERNEL_STATE;
    ensures kernel_wf; */
void process_close_next(void);

/*@ // p's neighbours among the ended processes, if it has any, are other processes.
    predicate dead_linked{L}(integer p) =
        (process_at[p].dead_next == 0 || (is_process(process_at[p].dead_next) && process_at[p].dead_next != p)) &&
        (process_at[p].dead_prev == 0 || (is_process(process_at[p].dead_prev) && process_at[p].dead_prev != p));
*/

/* p, which may be among the dead_first list, needs no closing any more. */
/*@ requires process: is_process(p) && dead_linked(p);
    assigns dead_first, process_at[0 .. FRAMES_MAX - 1];
    ensures gone: dead_first != p && process_at[p].dead_next == 0 && process_at[p].dead_prev == 0;
    ensures first: \old(dead_first) != p ==> dead_first == \old(dead_first);
    ensures dying: \forall integer q; is_frame(q) ==> process_at[q].dying == \old(process_at[q].dying);
    KERNEL_KEPT(0) */
void process_closed(pfn_t p);

#endif
