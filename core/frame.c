/* SPDX-License-Identifier: MIT */
/* Frames become objects and stop being objects: see frame.h. */
#include "core/frame.h"

static uint64_t next_birth = 1;

uint64_t frame_birth(void)
{
    return next_birth++;
}

/* What retyping does beyond clearing. */
static void frame_begin(pfn_t p, uint8_t kind)
{
    frame_kind[p] = kind;
    frame_generation[p] = frame_birth();
    frame_maps[p] = 0;
}

void frame_retype(pfn_t p, uint8_t kind)
{
    arch_frame_clear(p);
    frame_begin(p, kind);
}

void frame_become_user(pfn_t p)
{
    frame_begin(p, FRAME_USER);
}

void frame_retire(pfn_t p)
{
    frame_kind[p] = FRAME_FREE;
    frame_generation[p] = 0;
}
