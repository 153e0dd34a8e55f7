/* SPDX-License-Identifier: MIT */
/* Frames become objects and stop being objects: see frame.h. */
#define FRAME_PROOF
#include "core/frame.h"

uint64_t frame_next_birth = 1;

/* What retyping does beyond clearing. */
/*@ requires frames_wf;
    requires is_frame(p) && frame_kind[p] == FRAME_FREE && FRAME_RESERVED < kind < FRAME_KINDS;
    assigns frame_kind[p], frame_generation[p], frame_maps[p], frame_next_birth;
    ensures wf: frames_wf;
    ensures kind: frame_kind[p] == kind;
    ensures birth: frame_generation[p] == \old(frame_next_birth) < frame_next_birth;
    ensures maps: frame_maps[p] == 0;
*/
static void frame_begin(pfn_t p, uint8_t kind)
{
    uint64_t birth = frame_birth();
    frame_kind[p] = kind;
    frame_generation[p] = birth;
    frame_maps[p] = 0;
}

void frame_retype(pfn_t p, uint8_t kind)
{
    arch_frame_clear(p);
    frame_begin(p, kind);
}

void frame_become_user(pfn_t p) { frame_begin(p, FRAME_USER); }

void frame_retire(pfn_t p)
{
    frame_kind[p] = FRAME_FREE;
    frame_generation[p] = 0;
}
