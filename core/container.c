/* SPDX-License-Identifier: MIT */
/* Containers; see container.h. */
#include "core/container.h"
#include "core/process.h"

#define REAP_STEPS 4u /* containers entered or destroyed by one container_reap, at most */

/* What a step of container_reap came to. */
enum reap_step {
    STEP_SMALL,   /* there may be more */
    STEP_PROCESS, /* a piece of a process: enough for one call */
    STEP_GONE     /* the container is gone */
};

bool container_fits(pfn_t c, uint64_t n)
{
    return n <= container_left(c) && n <= alloc_free_frames();
}

bool container_fits_both(pfn_t a, uint64_t n, pfn_t b, uint64_t m)
{
    if (a == b)
        return container_fits(a, n + m);
    return container_fits(a, n) && container_fits(b, m) && n + m <= alloc_free_frames();
}

pfn_t container_create(pfn_t parent, uint64_t total, uint64_t cpus, uint8_t ceiling)
{
    pfn_t c = frame_create(FRAME_CONTAINER);
    if (c == 0)
        return 0;
    container_at[C(c)].total = total;
    container_at[C(c)].cpus = cpus;
    container_at[C(c)].ceiling = ceiling;
    if (parent == 0)
        return c; /* the root container */
    container_at[C(c)].depth = container_at[C(parent)].depth + 1;
    container_at[C(parent)].carved += total;
    container_at[C(parent)].children++;
    container_charge(parent, 1);
    owner_add(parent, c);
    return c;
}

/* Container c is empty: everything charged to it is back, and its total returns to its parent. */
/*@ requires kernel_wf && is_container(c) && own_first[c] == 0 && is_container(frame_owner[c]);
    requires container_at[c].used == 0 && container_at[c].carved == 0;
    ensures kernel_wf && frame_kind[c] == FRAME_FREE; */
static void container_destroy(pfn_t c)
{
    pfn_t parent = frame_owner[c];
    container_at[C(parent)].carved -= container_at[C(c)].total;
    container_at[C(parent)].children--;
    container_uncharge(parent, 1);
    owner_remove(c);
    frame_destroy(c);
}

/* Where destroying c goes on: the container its cursor names, if that still is one. */
/*@ requires kernel_wf && is_container(c);
    assigns \nothing;
    ensures is_container(\result); */
static pfn_t reap_position(pfn_t c)
{
    pfn_t cursor = container_at[C(c)].cursor;
    if (cursor != 0 && frame_kind[cursor] == FRAME_CONTAINER &&
        frame_generation[cursor] == container_at[C(c)].cursor_generation)
        return cursor;
    return c;
}

/*@ requires is_container(c) && is_container(at);
    assigns container_at[c].cursor, container_at[c].cursor_generation; */
static void reap_move(pfn_t c, pfn_t at)
{
    container_at[C(c)].cursor = at;
    container_at[C(c)].cursor_generation = frame_generation[at];
}

/* One step: into the youngest child, a piece of a child process, or out of an emptied container. */
/*@ requires kernel_wf && is_container(c);
    ensures kernel_wf; */
static enum reap_step container_reap_step(pfn_t c)
{
    pfn_t at = reap_position(c);
    container_at[C(at)].dying = 1; /* nothing new in it: its children only get fewer */
    pfn_t child = own_last[at];
    if (child != 0 && frame_kind[child] == FRAME_CONTAINER) {
        reap_move(c, child);
        return STEP_SMALL;
    }
    if (child != 0) {
        process_end(child, PROCESS_KILLED, 0);
        (void)process_reap(child);
        return STEP_PROCESS;
    }
    pfn_t parent = frame_owner[at];
    container_destroy(at);
    if (at == c)
        return STEP_GONE;
    reap_move(c, parent);
    return STEP_SMALL;
}

bool container_reap(pfn_t c)
{
    enum reap_step step = STEP_SMALL;
    uint32_t n;
    /*@ loop invariant 0 <= n <= REAP_STEPS && kernel_wf;
        loop variant REAP_STEPS - n; */
    for (n = 0; n < REAP_STEPS && step == STEP_SMALL; n++)
        step = container_reap_step(c);
    return step == STEP_GONE;
}
