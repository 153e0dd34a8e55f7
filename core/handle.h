/* SPDX-License-Identifier: MIT */
/*
 * A process's handle table: numbers 1 .. HANDLES_MAX - 1 in pages of SLOTS handles, which the process gets one by one. A
 * handle is the only name a process has for anything. It is dead when its generation is no longer its object's; the dead
 * stay in the table until they are removed. All operations take constant time.
 *
 * Invariant handles_wf. For each process p with k = handle_pages: k <= HANDLE_PAGES;
 * handle_page[0 .. k-1] are different FRAME_HANDLES frames that no other process has, the rest of
 * handle_page is 0; the numbers 1 .. k * SLOTS - 1 whose slot has KIND_NONE are a stack of
 * handle_free, each once: entry i is handle_stack[i], but the first handle_fresh, which were never
 * used, are k * SLOTS - 1 - i and stand nowhere; number 0 has KIND_NONE. And for each slot of a FRAME_HANDLES frame:
 * handle_object_ok, and the generation of a container, process or thread is less than
 * frame_next_birth.
 *
 * For the proof each process frame has a ghost permutation of all numbers, handle_order, and its
 * inverse, handle_place: the first handle_free of it are the stack. They start as the identity.
 */
#ifndef CORE_HANDLE_H
#define CORE_HANDLE_H

#include "core/frame.h"

/*@ // The pages of a process's table are handle pages.
    predicate handle_pages_ok{L}(integer p) = \forall integer k; 0 <= k < HANDLE_PAGES &&
        process_at[p].handle_page[k] != 0 ==> is_kind(process_at[p].handle_page[k], FRAME_HANDLES);

    // What an open handle of each kind names: a number in range, and while its generation is the object's, an object
    // of that kind.
    predicate handle_object_ok{L}(integer h) =
        handle_at[h].kind < KIND_LAST &&
        (KIND_CONTAINER <= handle_at[h].kind <= KIND_REPLY ==> handle_at[h].generation != 0) &&
        (handle_at[h].kind == KIND_ENDPOINT ==> SLOTS <= handle_at[h].object < FRAMES_MAX * SLOTS) &&
        (handle_at[h].kind == KIND_REPLY ==> is_frame(handle_at[h].object)) &&
        (KIND_CONTAINER <= handle_at[h].kind <= KIND_THREAD ==> is_frame(handle_at[h].object) &&
            (frame_generation[handle_at[h].object] == handle_at[h].generation ==>
                frame_kind[handle_at[h].object] == (handle_at[h].kind == KIND_CONTAINER ? FRAME_CONTAINER :
                    handle_at[h].kind == KIND_PROCESS ? FRAME_PROCESS : FRAME_THREAD)));

    // The slot of handle number n of process p, whether open or not; 0: it has no such page.
    logic integer slot_of{L}(integer p, integer n) =
        n >= HANDLES_MAX || process_at[p].handle_page[n / SLOTS] == 0 ? 0 :
        process_at[p].handle_page[n / SLOTS] * SLOTS + n % SLOTS;
    // The slot of the open handle of that number; 0: there is none.
    logic integer open_slot{L}(integer p, integer n) =
        slot_of(p, n) == 0 || handle_at[slot_of(p, n)].kind == KIND_NONE ? 0 : slot_of(p, n);

    // 1: the object of handle h is still the one it was made for; else 0.
    logic integer same_birth(integer a, integer b) = a == b ? 1 : 0;
    logic integer life{L}(integer h) =
        handle_at[h].kind == KIND_ENDPOINT ? (frame_kind[handle_at[h].object / SLOTS] != FRAME_ENDPOINTS ? 0 :
            same_birth(endpoint_at[handle_at[h].object].generation, handle_at[h].generation)) :
        handle_at[h].kind == KIND_REPLY ? (frame_kind[handle_at[h].object] != FRAME_THREAD ? 0 :
            same_birth(thread_at[handle_at[h].object].call_id, handle_at[h].generation)) :
        handle_at[h].kind == KIND_CONTAINER || handle_at[h].kind == KIND_PROCESS ||
            handle_at[h].kind == KIND_THREAD ?
            same_birth(frame_generation[handle_at[h].object], handle_at[h].generation) : 1;
*/

/* The slot of an open handle; 0: number names none. */
/*@ requires is_process(process) && handle_pages_ok(process);
    assigns \nothing;
    ensures slot: \result == open_slot(process, number);
    ensures open: \result != 0 ==> is_slot(\result) && handle_at[\result].kind != KIND_NONE; */
static inline slot_t handle_slot(pfn_t process, uint64_t number)
{
    if (number >= HANDLES_MAX)
        return 0;
    pfn_t page = process_at[P(process)].handle_page[number / SLOTS];
    if (page == 0)
        return 0;
    slot_t slot = page * SLOTS + (uint32_t)number % SLOTS;
    return handle_at[H(slot)].kind == KIND_NONE ? 0 : slot;
}

/* 1: the handle's object is still the one it was made for. */
/*@ requires is_slot(h) && handle_object_ok(h);
    assigns \nothing;
    ensures \result == life(h); */
static inline bool handle_live(slot_t h)
{
    uint32_t object = handle_at[H(h)].object;
    uint64_t generation = handle_at[H(h)].generation;
    switch (handle_at[H(h)].kind) {
    case KIND_ENDPOINT:
        return frame_kind[object / SLOTS] == FRAME_ENDPOINTS &&
               endpoint_at[E(object)].generation == generation;
    case KIND_CONTAINER:
    case KIND_PROCESS:
    case KIND_THREAD:
        return frame_generation[object] == generation;
    case KIND_REPLY:
        return frame_kind[object] == FRAME_THREAD && thread_at[T(object)].call_id == generation;
    default:
        return true;
    }
}

/*@ // The table itself. What a handle to be installed must be.
    predicate handle_value_ok{L}(integer kind, integer object, integer generation) =
        kind < KIND_LAST &&
        (KIND_CONTAINER <= kind <= KIND_REPLY ==> 0 < generation) &&
        (kind == KIND_ENDPOINT ==> SLOTS <= object < FRAMES_MAX * SLOTS) &&
        (kind == KIND_REPLY ==> is_frame(object)) &&
        (KIND_CONTAINER <= kind <= KIND_THREAD ==> is_frame(object) &&
            generation < frame_next_birth &&
            (frame_generation[object] == generation ==>
                frame_kind[object] == (kind == KIND_CONTAINER ? FRAME_CONTAINER :
                    kind == KIND_PROCESS ? FRAME_PROCESS : FRAME_THREAD)));
    predicate handle_sound{L}(integer s) =
        handle_value_ok(handle_at[s].kind, handle_at[s].object, handle_at[s].generation);
    predicate handle_is{L}(integer s, integer kind, integer object, integer generation,
        integer badge, integer rights) =
        handle_at[s].kind == kind && handle_at[s].object == object &&
        handle_at[s].generation == generation && handle_at[s].badge == badge &&
        handle_at[s].rights == rights;
    logic integer handle_slot_of{L}(integer p, integer n) =
        process_at[p].handle_page[n / SLOTS] * SLOTS + n % SLOTS;
*/

/*@ ghost extern uint32_t handle_place[FRAMES_MAX][HANDLES_MAX]; */
/*@ ghost extern uint32_t handle_order[FRAMES_MAX][HANDLES_MAX]; */
/*@ ghost extern pfn_t handle_home[FRAMES_MAX]; */
/*@ ghost extern uint32_t handle_index[FRAMES_MAX]; */

/*@
predicate handle_same{K,L}(integer s) =
    \at(handle_at[s].generation,K) == \at(handle_at[s].generation,L) &&
    \at(handle_at[s].badge,K) == \at(handle_at[s].badge,L) &&
    \at(handle_at[s].object,K) == \at(handle_at[s].object,L) &&
    \at(handle_at[s].kind,K) == \at(handle_at[s].kind,L) &&
    \at(handle_at[s].rights,K) == \at(handle_at[s].rights,L);
predicate handles_others{K,L}(integer s) =
    \forall integer h; 0 <= h < FRAMES_MAX * SLOTS && h != s ==> handle_same{K,L}(h);
*/

#ifdef HANDLE_PROOF
#define HANDLE_FACT lemma
/*@
predicate handles_perm{L} =
    (\forall integer p, n; is_frame(p) && 0 < n < HANDLES_MAX ==>
        handle_place[p][n] < HANDLES_MAX - 1 && handle_order[p][handle_place[p][n]] == n) &&
    (\forall integer p, i; is_frame(p) && 0 <= i < HANDLES_MAX - 1 ==>
        0 < handle_order[p][i] < HANDLES_MAX && handle_place[p][handle_order[p][i]] == i);
predicate handles_pages{L} = \forall integer p; is_process(p) ==>
    process_at[p].handle_pages <= HANDLE_PAGES && \forall integer k; 0 <= k < HANDLE_PAGES ==>
        (k < process_at[p].handle_pages ==> is_kind(process_at[p].handle_page[k], FRAME_HANDLES) &&
            handle_home[process_at[p].handle_page[k]] == p &&
            handle_index[process_at[p].handle_page[k]] == k) &&
        (k >= process_at[p].handle_pages ==> process_at[p].handle_page[k] == 0);
logic integer handle_number{L}(integer p, integer i) = i < process_at[p].handle_fresh ?
    process_at[p].handle_pages * SLOTS - 1 - i : process_at[p].handle_stack[i];
predicate handles_stack{L} = \forall integer p; is_process(p) ==>
    process_at[p].handle_fresh <= process_at[p].handle_free < HANDLES_MAX &&
    \forall integer i; 0 <= i < process_at[p].handle_free ==> handle_number(p, i) == handle_order[p][i];
predicate handles_closed_at{L}(integer p, integer n) =
    handle_place[p][n] < process_at[p].handle_free <==>
        n / SLOTS < process_at[p].handle_pages && handle_at[handle_slot_of(p, n)].kind == KIND_NONE;
predicate handles_closed{L} = \forall integer p, n; is_process(p) && 0 < n < HANDLES_MAX ==>
    handles_closed_at(p, n);
predicate handles_zero{L} = \forall integer p; is_process(p) && process_at[p].handle_pages > 0 ==>
    handle_at[handle_slot_of(p, 0)].kind == KIND_NONE;
predicate handles_sound{L} = \forall integer s; is_slot(s) ==>
    handle_sound(s);
predicate handles_wf{L} = handles_perm && handles_pages && handles_stack && handles_closed &&
    handles_zero && handles_sound;

lemma handle_slot_parts: \forall integer page, n; 0 <= page && 0 <= n ==>
    (page * SLOTS + n % SLOTS) / SLOTS == page && (page * SLOTS + n % SLOTS) % SLOTS == n % SLOTS;
predicate handles_has{L}(integer p, integer n) =
    is_process(p) && 0 <= n < HANDLES_MAX && n / SLOTS < process_at[p].handle_pages;
lemma handles_frame{L}: handles_pages{L} ==> \forall integer p, n; handles_has{L}(p, n) ==>
    is_slot{L}(handle_slot_of{L}(p, n)) &&
    handle_slot_of{L}(p, n) / SLOTS == process_at[p].handle_page[n / SLOTS] &&
    handle_slot_of{L}(p, n) % SLOTS == n % SLOTS;
lemma handles_inj{L}: handles_pages{L} ==> \forall integer p, n, q, m;
    handles_has{L}(p, n) && handles_has{L}(q, m) &&
    handle_slot_of{L}(p, n) == handle_slot_of{L}(q, m) ==> p == q && n == m;
*/
/* clang-format off */
#define HANDLES_ENSURED                                                                            \
    ensures perm: handles_perm; ensures pages: handles_pages; ensures stack: handles_stack;        \
    ensures closed: handles_closed; ensures zero: handles_zero; ensures sound: handles_sound;
/* clang-format on */
#else
#define HANDLE_FACT axiom
/*@ axiomatic handles {
    predicate handles_wf{L} reads frame_kind[0 .. FRAMES_MAX - 1],
        frame_generation[0 .. FRAMES_MAX - 1], frame_next_birth, process_at[0 .. FRAMES_MAX - 1],
        handle_at[0 .. FRAMES_MAX * SLOTS - 1],
        handle_place[0 .. FRAMES_MAX - 1][0 .. HANDLES_MAX - 1],
        handle_order[0 .. FRAMES_MAX - 1][0 .. HANDLES_MAX - 1],
        handle_home[0 .. FRAMES_MAX - 1], handle_index[0 .. FRAMES_MAX - 1];
} */
/* clang-format off */
#define HANDLES_ENSURED ensures wf: handles_wf;
/* clang-format on */
#endif

/*@
predicate handles_table_same{K,L}(integer p) =
    \at(process_at[p].handle_pages,K) == \at(process_at[p].handle_pages,L) &&
    \at(process_at[p].handle_free,K) == \at(process_at[p].handle_free,L) &&
    \at(process_at[p].handle_fresh,K) == \at(process_at[p].handle_fresh,L) &&
    (\forall integer k; 0 <= k < HANDLE_PAGES ==>
        \at(process_at[p].handle_page[k],K) == \at(process_at[p].handle_page[k],L)) &&
    (\forall integer i; 0 <= i < \at(process_at[p].handle_free,K) ==>
        \at(process_at[p].handle_stack[i],K) == \at(process_at[p].handle_stack[i],L)) &&
    (\forall integer k; 0 <= k < \at(process_at[p].handle_pages,K) ==>
        is_kind{L}(\at(process_at[p].handle_page[k],K), FRAME_HANDLES));
predicate handles_table_blank{L}(integer p) =
    process_at[p].handle_pages == 0 && process_at[p].handle_free == 0 && process_at[p].handle_fresh == 0 &&
    \forall integer k; 0 <= k < HANDLE_PAGES ==> process_at[p].handle_page[k] == 0;
predicate handles_ghosts_same{K,L} =
    (\forall integer p, n; is_frame(p) && 0 <= n < HANDLES_MAX ==>
        \at(handle_place[p][n],K) == \at(handle_place[p][n],L) &&
        \at(handle_order[p][n],K) == \at(handle_order[p][n],L)) &&
    (\forall integer p; is_frame(p) ==> \at(handle_home[p],K) == \at(handle_home[p],L) &&
        \at(handle_index[p],K) == \at(handle_index[p],L));
predicate handles_names_kept{K,L} = \at(frame_next_birth,K) <= \at(frame_next_birth,L) &&
    \forall integer p; is_frame(p) ==> \at(frame_generation[p],L) == 0 ||
        \at(frame_generation[p],L) >= \at(frame_next_birth,K) ||
        (\at(frame_generation[p],L) == \at(frame_generation[p],K) &&
            \at(frame_kind[p],L) == \at(frame_kind[p],K));
predicate handles_tables_kept{K,L} = \forall integer p; is_process{L}(p) ==>
    (is_process{K}(p) && handles_table_same{K,L}(p)) || handles_table_blank{L}(p);
predicate handles_slots_kept{K,L} = \forall integer s; is_slot{L}(s) ==>
    (is_slot{K}(s) && handle_same{K,L}(s)) || (!is_slot{K}(s) && handle_blank{L}(s));
*/

#ifdef HANDLE_FACTS
/* Steps to handles_keep. */
/*@
lemma handles_keep_has{K,L}: handles_tables_kept{K,L} ==>
    \forall integer p, n; handles_has{L}(p, n) ==>
        handles_has{K}(p, n) && handle_slot_of{K}(p, n) == handle_slot_of{L}(p, n) &&
        handles_table_same{K,L}(p);
lemma handles_keep_perm{K,L}: handles_perm{K} ==> handles_ghosts_same{K,L} ==> handles_perm{L};
lemma handles_keep_pages{K,L}: handles_pages{K} ==> handles_ghosts_same{K,L} ==>
    handles_tables_kept{K,L} ==> handles_pages{L};
lemma handles_keep_stack{K,L}: handles_stack{K} ==> handles_ghosts_same{K,L} ==>
    handles_tables_kept{K,L} ==> handles_stack{L};
lemma handles_keep_kind{K,L}: handles_pages{K} ==> handles_pages{L} ==>
    handles_tables_kept{K,L} ==> handles_slots_kept{K,L} ==>
    \forall integer p, n; handles_has{L}(p, n) ==>
        \at(handle_at[handle_slot_of(p, n)].kind,L) ==
        \at(handle_at[handle_slot_of(p, n)].kind,K);
lemma handles_keep_blank{L}: \forall integer p, n; 0 < n < HANDLES_MAX ==>
    handles_table_blank{L}(p) ==> handles_closed_at{L}(p, n);
lemma handles_keep_in{K,L}: \forall integer p, n; handles_ghosts_same{K,L} ==>
    handles_table_same{K,L}(p) ==> handles_closed_at{K}(p, n) ==> handles_has{L}(p, n) ==>
    is_frame(p) ==> 0 < n < HANDLES_MAX ==>
    \at(handle_at[handle_slot_of(p, n)].kind,L) == \at(handle_at[handle_slot_of(p, n)].kind,K) ==>
    handles_closed_at{L}(p, n);
lemma handles_keep_out{K,L}: \forall integer p, n; handles_ghosts_same{K,L} ==>
    handles_table_same{K,L}(p) ==> handles_closed_at{K}(p, n) ==>
    n / SLOTS >= \at(process_at[p].handle_pages,L) ==> is_frame(p) ==> 0 < n < HANDLES_MAX ==>
    handles_closed_at{L}(p, n);
lemma handles_keep_at{K,L}: handles_pages{K} ==> handles_pages{L} ==> handles_closed{K} ==>
    handles_ghosts_same{K,L} ==> handles_tables_kept{K,L} ==> handles_slots_kept{K,L} ==>
    \forall integer p, n; is_process{K}(p) && is_process{L}(p) && 0 < n < HANDLES_MAX &&
        handles_table_same{K,L}(p) ==> handles_closed_at{L}(p, n);
lemma handles_keep_closed{K,L}: handles_pages{K} ==> handles_pages{L} ==> handles_closed{K} ==>
    handles_ghosts_same{K,L} ==> handles_tables_kept{K,L} ==> handles_slots_kept{K,L} ==>
    handles_closed{L};
lemma handles_keep_zero{K,L}: handles_pages{K} ==> handles_pages{L} ==> handles_zero{K} ==>
    handles_tables_kept{K,L} ==> handles_slots_kept{K,L} ==> handles_zero{L};
lemma handles_keep_sound{K,L}: handles_sound{K} ==> handles_names_kept{K,L} ==>
    handles_slots_kept{K,L} ==> handles_sound{L};
*/
#endif

#if defined(HANDLE_FACTS) || !defined(HANDLE_PROOF)
/*@
axiomatic handles_facts {
HANDLE_FACT handles_page{L}: handles_wf{L} ==> \forall integer p, k; is_process{L}(p) &&
    0 <= k < HANDLE_PAGES ==>
        (k < process_at[p].handle_pages ==>
            is_kind{L}(process_at[p].handle_page[k], FRAME_HANDLES)) &&
        (k >= process_at[p].handle_pages ==> process_at[p].handle_page[k] == 0);
HANDLE_FACT handles_free{L}: handles_wf{L} ==> \forall integer p; is_process{L}(p) ==>
    process_at[p].handle_free < HANDLES_MAX && process_at[p].handle_pages <= HANDLE_PAGES;
HANDLE_FACT handles_slot{L}: handles_wf{L} ==> \forall integer p, n; is_process{L}(p) &&
    0 <= n < HANDLES_MAX && n / SLOTS < process_at[p].handle_pages ==>
        is_slot{L}(handle_slot_of{L}(p, n));
HANDLE_FACT handles_number{L}: handles_wf{L} ==> \forall integer p, n; is_process{L}(p) &&
    0 <= n < HANDLES_MAX && n / SLOTS < process_at[p].handle_pages ==>
        slot_of{L}(p, n) == handle_slot_of{L}(p, n) > 0;
HANDLE_FACT handles_pages_ok{L}: handles_wf{L} ==>
    \forall integer p; is_process{L}(p) ==> handle_pages_ok{L}(p);
HANDLE_FACT handles_object_ok{L}: handles_wf{L} ==>
    \forall integer s; is_slot{L}(s) ==> handle_sound{L}(s) && handle_object_ok{L}(s);
HANDLE_FACT handles_keep{K,L}: handles_wf{K} ==> handles_ghosts_same{K,L} ==>
    handles_names_kept{K,L} ==> handles_tables_kept{K,L} ==> handles_slots_kept{K,L} ==>
    handles_wf{L};
} */
#endif
#undef HANDLE_FACT

/* Gives the process, all of whose handles are open, one more page of them: page, a fresh FRAME_HANDLES frame. */
/*@ requires handles_wf && is_process(process) && process_at[process].handle_pages < HANDLE_PAGES;
    requires full: process_at[process].handle_free == 0;
    requires is_kind(page, FRAME_HANDLES);
    requires blank: \forall integer h; page * SLOTS <= h < page * SLOTS + SLOTS ==>
        handle_at[h].kind == KIND_NONE;
    requires fresh: \forall integer p, k; is_process(p) && 0 <= k < HANDLE_PAGES ==>
        process_at[p].handle_page[k] != page;
    assigns process_at[process].handle_free, process_at[process].handle_fresh, process_at[process].handle_pages,
            process_at[process].handle_page[0 .. HANDLE_PAGES - 1],
            handle_place[process][0 .. HANDLES_MAX - 1], handle_order[process][0 .. HANDLES_MAX - 1],
            handle_home[page], handle_index[page];
    HANDLES_ENSURED
    ensures page: process_at[process].handle_page[\old(process_at[process].handle_pages)] == page;
    ensures pages: process_at[process].handle_pages == \old(process_at[process].handle_pages) + 1;
    ensures more: process_at[process].handle_free > \old(process_at[process].handle_free);
    ensures same: \forall integer n; 0 <= n ==> open_slot{Pre}(process, n) == open_slot(process, n);
*/
void handle_add_page(pfn_t process, pfn_t page);

/* Opens a handle, and says its number. There must be a free one. */
/*@ requires handles_wf && is_process(process) && process_at[process].handle_free > 0;
    requires h.kind != KIND_NONE && handle_value_ok(h.kind, h.object, h.generation);
    assigns process_at[process].handle_free, process_at[process].handle_fresh, handle_at[0 .. FRAMES_MAX * SLOTS - 1];
    HANDLES_ENSURED
    ensures number: 0 < \result < HANDLES_MAX;
    ensures was: open_slot{Pre}(process, \result) == 0;
    ensures open: open_slot(process, \result) != 0;
    ensures handle: handle_is(open_slot(process, \result), h.kind, h.object, h.generation,
        h.badge, h.rights);
    ensures others: handles_others{Pre,Post}(open_slot(process, \result));
    ensures free: process_at[process].handle_free == \old(process_at[process].handle_free) - 1;
*/
INDEX_GUARD uint32_t handle_install(pfn_t process, struct handle h);

/* Closes the open handle of that number. */
/*@ requires handles_wf && is_process(process) && 0 < number && open_slot(process, number) != 0;
    assigns process_at[process].handle_free, process_at[process].handle_stack[0 .. HANDLES_MAX - 1],
            handle_at[slot_of(process, number)],
            handle_place[process][0 .. HANDLES_MAX - 1], handle_order[process][0 .. HANDLES_MAX - 1];
    HANDLES_ENSURED
    ensures none: handle_at[slot_of(process, number)].kind == KIND_NONE;
    ensures gone: open_slot(process, number) == 0;
    ensures free: process_at[process].handle_free == \old(process_at[process].handle_free) + 1;
*/
INDEX_GUARD void handle_remove(pfn_t process, uint32_t number);

#if !defined(__FRAMAC__) || (defined(HANDLE_PROOF) && !defined(HANDLE_FACTS))
/* Puts a number that is not on it on the stack of free numbers. */
/*@ requires is_process(process) && 0 < number < HANDLES_MAX && handles_perm && handles_stack;
    requires handle_place[process][number] >= process_at[process].handle_free;
    assigns process_at[process].handle_free, process_at[process].handle_stack[0 .. HANDLES_MAX - 1],
            handle_place[process][0 .. HANDLES_MAX - 1], handle_order[process][0 .. HANDLES_MAX - 1];
    ensures perm: handles_perm;
    ensures stack: handles_stack;
    ensures free: process_at[process].handle_free == \old(process_at[process].handle_free) + 1;
    ensures on: \forall integer n; 0 < n < HANDLES_MAX ==>
        (handle_place[process][n] < process_at[process].handle_free <==>
            n == number || \old(handle_place[process][n]) < \old(process_at[process].handle_free));
*/
INDEX_GUARD void handle_push(pfn_t process, uint32_t number)
{
    uint32_t free = process_at[P(process)].handle_free;
    //@ ghost uint32_t place = handle_place[process][number];
    //@ ghost uint32_t other = handle_order[process][free];
    //@ ghost handle_order[process][place] = other;
    //@ ghost handle_place[process][other] = place;
    //@ ghost handle_order[process][free] = number;
    //@ ghost handle_place[process][number] = free;
    process_at[P(process)].handle_stack[free] = (uint16_t)number;
    process_at[P(process)].handle_free = free + 1;
}

/* Takes the number on top of the stack of free numbers. */
/*@ requires is_process(process) && handles_perm && handles_pages && handles_stack && process_at[process].handle_free > 0;
    assigns process_at[process].handle_free, process_at[process].handle_fresh;
    ensures stack: handles_stack;
    ensures free: process_at[process].handle_free == \old(process_at[process].handle_free) - 1;
    ensures top: \result == handle_order[process][process_at[process].handle_free];
    ensures range: 0 < \result < HANDLES_MAX;
*/
INDEX_GUARD uint32_t handle_pop(pfn_t process)
{
    uint32_t free = process_at[P(process)].handle_free - 1;
    //@ assert top: handle_number(process, free) == handle_order[process][free];
    process_at[P(process)].handle_free = free;
    if (free >= process_at[P(process)].handle_fresh)
        return process_at[P(process)].handle_stack[free];
    process_at[P(process)].handle_fresh = free;
    return process_at[P(process)].handle_pages * SLOTS - 1 - free;
}

INDEX_GUARD uint32_t handle_install(pfn_t process, struct handle h)
{
    /*@ assert was: \forall integer n; 0 < n < HANDLES_MAX ==> handles_closed_at(process, n); */
    uint32_t number = handle_pop(process);
    //@ ghost uint32_t free = process_at[process].handle_free;
    slot_t slot = process_at[P(process)].handle_page[number / SLOTS] * SLOTS + number % SLOTS;
    //@ assert slot: handles_has(process, number) && slot == handle_slot_of(process, number);
    //@ assert empty: handle_at[slot].kind == KIND_NONE;
    //@ assert slot_was: slot_of{Pre}(process, number) == slot;
    /*@ assert only: \forall integer p, n; handles_has(p, n) && !(p == process && n == number) ==>
            handle_slot_of(p, n) != slot; */
    //@ assert place: handle_place[process][number] == free;
    //@ assert shut: open_slot{Pre}(process, number) == 0;
    handle_at[H(slot)].generation = h.generation;
    handle_at[H(slot)].badge = h.badge;
    handle_at[H(slot)].object = h.object;
    handle_at[H(slot)].kind = h.kind;
    handle_at[H(slot)].rights = h.rights;
    //@ assert wrote: handle_is(slot, h.kind, h.object, h.generation, h.badge, h.rights);
    /*@ assert rest: \forall integer p, n; handles_has(p, n) && !(p == process && n == number) ==>
            handle_at[handle_slot_of(p, n)].kind ==
                \at(handle_at[handle_slot_of(p, n)].kind,Pre); */
    /*@ assert slots: \forall integer p, n; handles_has(p, n) ==>
            handles_has{Pre}(p, n) && handle_slot_of(p, n) == handle_slot_of{Pre}(p, n); */
    //@ assert slot_same: slot_of(process, number) == slot && 0 < slot;
    //@ assert some: handle_at[handle_slot_of(process, number)].kind != KIND_NONE;
    /*@ assert order: \forall integer n; 0 < n < HANDLES_MAX && n != number ==>
            handle_place[process][n] != free; */
    //@ assert this: handles_closed_at(process, number);
    /*@ assert same: \forall integer n; 0 < n < HANDLES_MAX && n != number &&
            n / SLOTS < process_at[process].handle_pages ==>
            handle_at[handle_slot_of(process, n)].kind ==
                \at(handle_at[handle_slot_of(process, n)].kind,Pre); */
    /*@ assert mine: \forall integer n; 0 < n < HANDLES_MAX && n != number ==>
            handles_closed_at(process, n); */
    /*@ assert theirs: \forall integer p, n; is_process(p) && p != process &&
            0 < n < HANDLES_MAX ==> handles_closed_at(p, n); */
    return number;
}

INDEX_GUARD void handle_remove(pfn_t process, uint32_t number)
{
    slot_t slot = process_at[P(process)].handle_page[number / SLOTS] * SLOTS + number % SLOTS;
    //@ assert slot: handles_has(process, number) && slot == handle_slot_of(process, number);
    /*@ assert only: \forall integer p, n; handles_has(p, n) && !(p == process && n == number) ==>
            handle_slot_of(p, n) != slot; */
    //@ assert open: handles_closed_at(process, number) && handle_at[slot].kind != KIND_NONE;
    //@ assert place: handle_place[process][number] >= process_at[process].handle_free;
    handle_at[H(slot)].kind = KIND_NONE;
    /*@ assert rest: \forall integer p, n; handles_has(p, n) && !(p == process && n == number) ==>
            handle_at[handle_slot_of(p, n)].kind ==
                \at(handle_at[handle_slot_of(p, n)].kind,Pre); */
    handle_push(process, number);
    /*@ assert slots: \forall integer p, n; handles_has(p, n) ==>
            handles_has{Pre}(p, n) && handle_slot_of(p, n) == handle_slot_of{Pre}(p, n); */
    //@ assert none: handle_at[handle_slot_of(process, number)].kind == KIND_NONE;
    /*@ assert still: \forall integer p, n; handles_has(p, n) && !(p == process && n == number) ==>
            handle_at[handle_slot_of(p, n)].kind ==
                \at(handle_at[handle_slot_of(p, n)].kind,Pre); */
    //@ assert slot_same: slot_of(process, number) == slot && 0 < slot;
    //@ assert this: handles_closed_at(process, number);
    /*@ assert mine: \forall integer n; 0 < n < HANDLES_MAX && n != number ==>
            handles_closed_at(process, n); */
    /*@ assert kept: \forall integer p, n; is_process(p) && p != process && 0 < n < HANDLES_MAX ==>
            handle_place[p][n] == \at(handle_place[p][n],Pre) &&
            process_at[p].handle_free == \at(process_at[p].handle_free,Pre) &&
            process_at[p].handle_pages == \at(process_at[p].handle_pages,Pre) &&
            handles_closed_at{Pre}(p, n); */
    /*@ assert theirs: \forall integer p, n; is_process(p) && p != process &&
            0 < n < HANDLES_MAX ==> handles_closed_at(p, n); */
}
#endif

#endif
