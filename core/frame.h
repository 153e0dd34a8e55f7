/* SPDX-License-Identifier: MIT */
/*
 * The life of a frame: it becomes an object here and stops being one here, nowhere else. An object
 * has a birth number that no object, endpoint or call had before or will have, so a handle that
 * kept it can tell that its object is gone.
 *
 * Invariant frames_wf: every frame_kind is less than FRAME_KINDS; frame_generation[p] != 0 exactly
 * when p is an object (frame_kind[p] > FRAME_RESERVED); it is less than frame_next_birth, and no
 * two objects have the same.
 */
#ifndef CORE_FRAME_H
#define CORE_FRAME_H

#include "core/arch.h"

extern uint64_t frame_next_birth; /* only frame_birth reads or changes it */

/*@ predicate is_object{L}(integer p) =
        is_frame(p) && FRAME_RESERVED < frame_kind[p] < FRAME_KINDS; */

#ifdef FRAME_PROOF
#define FRAME_FACT lemma
/*@
predicate frames_kinds{L} = \forall integer p; is_frame(p) ==> frame_kind[p] < FRAME_KINDS;
predicate frames_born{L} = \forall integer p; is_frame(p) ==>
    frame_generation[p] < frame_next_birth &&
    (frame_generation[p] != 0 <==> frame_kind[p] > FRAME_RESERVED);
predicate frames_unique{L} = \forall integer p, q; is_frame(p) && is_frame(q) &&
    frame_generation[p] != 0 && frame_generation[p] == frame_generation[q] ==> p == q;
predicate frames_wf{L} =
    0 < frame_next_birth && frames_kinds && frames_born && frames_unique;
*/
#else
#define FRAME_FACT axiom
/*@ axiomatic frames {
    predicate frames_wf{L} reads frame_kind[0 .. FRAMES_MAX - 1],
        frame_generation[0 .. FRAMES_MAX - 1], frame_next_birth;
} */
#endif

/*@ axiomatic frames_facts {
FRAME_FACT frames_of_kind{L}: frames_wf{L} ==>
    \forall integer p; is_frame(p) ==> frame_kind[p] < FRAME_KINDS;
FRAME_FACT frames_of_birth{L}: frames_wf{L} ==> 0 < frame_next_birth &&
    \forall integer p; is_frame(p) ==> frame_generation[p] < frame_next_birth &&
        (frame_generation[p] != 0 <==> frame_kind[p] > FRAME_RESERVED);
} */
#undef FRAME_FACT

/* The next unique birth number, never 0. */
/*@ requires frames_wf;
    assigns frame_next_birth;
    ensures wf: frames_wf;
    ensures unique: \result == \old(frame_next_birth) && \result < frame_next_birth;
    ensures some: \result != 0;
*/
static inline uint64_t frame_birth(void);

#if defined(FRAME_PROOF) || !defined(__FRAMAC__)
static inline uint64_t frame_birth(void)
{
    uint64_t birth = frame_next_birth;
    //@ admit clock: frame_next_birth < UINT64_MAX;
    frame_next_birth = birth + 1;
    return birth;
}
#endif

/* Makes a free frame an object of a kind, all zero in its window, and gives it a birth number. */
/*@ requires frames_wf;
    requires is_frame(p) && frame_kind[p] == FRAME_FREE && FRAME_RESERVED < kind < FRAME_KINDS;
    assigns frame_kind[p], frame_generation[p], frame_maps[p], frame_next_birth, thread_at[p],
            process_at[p], container_at[p], table_at[p], page_at[p],
            endpoint_at[p * SLOTS .. p * SLOTS + 127], handle_at[p * SLOTS .. p * SLOTS + 127];
    ensures wf: frames_wf;
    ensures kind: frame_kind[p] == kind;
    ensures birth: frame_generation[p] == \old(frame_next_birth) < frame_next_birth;
    ensures maps: frame_maps[p] == 0;
    ensures blank: frame_blank(p);
*/
void frame_retype(pfn_t p, uint8_t kind);

/* The same for the first frame of a block that is zero already: makes it a user page. */
/*@ requires frames_wf && is_frame(p) && frame_kind[p] == FRAME_FREE;
    assigns frame_kind[p], frame_generation[p], frame_maps[p], frame_next_birth;
    ensures wf: frames_wf;
    ensures kind: frame_kind[p] == FRAME_USER;
    ensures birth: frame_generation[p] == \old(frame_next_birth) < frame_next_birth;
    ensures maps: frame_maps[p] == 0;
*/
void frame_become_user(pfn_t p);

/* Makes an object a free frame: every handle to it is dead from now on. */
/*@ requires frames_wf && is_object(p);
    assigns frame_kind[p], frame_generation[p];
    ensures wf: frames_wf;
    ensures free: frame_kind[p] == FRAME_FREE && frame_generation[p] == 0;
*/
void frame_retire(pfn_t p);

#endif
