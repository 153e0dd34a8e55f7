/* SPDX-License-Identifier: MIT */
/*
 * The life of a frame: it becomes an object here and stops being one here, nowhere else. An object has a birth number
 * that no object, endpoint or call had before or will have, so a handle that kept it can tell that its object is gone.
 *
 * Invariant frames_wf: frame_generation[p] != 0 exactly when p is an object (frame_kind[p] is neither FRAME_FREE nor
 * FRAME_RESERVED); it is less than the next birth number, and no two objects have the same.
 */
#ifndef CORE_FRAME_H
#define CORE_FRAME_H

#include "core/arch.h"

/* The next unique birth number, never 0. */
/*@ ensures \result != 0; */
uint64_t frame_birth(void);

/* Makes a free frame an object of a kind, all zero in its window, and gives it a birth number. */
/*@ requires is_frame(p) && frame_kind[p] == FRAME_FREE && FRAME_RESERVED < kind < FRAME_KINDS;
    ensures frame_kind[p] == kind && frame_maps[p] == 0 && frame_generation[p] != 0; */
void frame_retype(pfn_t p, uint8_t kind);

/* The same for the first frame of a block that is zero already: makes it a user page. */
/*@ requires is_frame(p) && frame_kind[p] == FRAME_FREE;
    ensures frame_kind[p] == FRAME_USER && frame_maps[p] == 0 && frame_generation[p] != 0; */
void frame_become_user(pfn_t p);

/* Makes an object a free frame: every handle to it is dead from now on. */
/*@ requires is_frame(p) && FRAME_RESERVED < frame_kind[p] < FRAME_KINDS;
    assigns frame_kind[p], frame_generation[p];
    ensures frame_kind[p] == FRAME_FREE && frame_generation[p] == 0; */
void frame_retire(pfn_t p);

#endif
