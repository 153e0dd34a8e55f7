/* SPDX-License-Identifier: MIT */
/*
 * Containers: a tree of memory quotas, CPU sets and priority ceilings. A child's total is carved out of its parent's and
 * returns in full when the child is destroyed. used + carved <= total always holds, and every frame in use is charged
 * to some container at least once, so a 4 KiB allocation that fits the quota cannot fail.
 */
#ifndef CORE_CONTAINER_H
#define CORE_CONTAINER_H

#include "core/kernel.h"

/*@ // Pages container c may still charge or carve.
    logic integer left_of{L}(integer c) = container_at[c].total - container_at[c].used - container_at[c].carved;
    // n pages can be charged to c, and the machine has frames for them.
    predicate has_room{L}(integer c, integer n) = n <= left_of(c) && n <= free_frames;
    // The same for two charges at once, to containers that may be the same.
    predicate have_room{L}(integer a, integer n, integer b, integer m) =
        n + m <= free_frames && (a == b ? n + m <= left_of(a) : n <= left_of(a) && m <= left_of(b));
*/

/* ---- whose pages they are ---- */

/*@ // What object x adds to used of container c: a process all it is charged, a child container itself; to carved: a child
    // container all it may use.
    logic integer used_share{L}(integer c, integer x) = frame_owner[x] != c ? 0 :
        frame_kind[x] == FRAME_PROCESS ? process_at[x].charged : frame_kind[x] == FRAME_CONTAINER ? 1 : 0;
    logic integer carved_share{L}(integer c, integer x) =
        frame_owner[x] == c && frame_kind[x] == FRAME_CONTAINER ? container_at[x].total : 0;
    // The same of all objects below n.
    logic integer used_sum{L}(integer c, integer n) =
        n <= 0 ? 0 : used_sum(c, n - 1) + used_share(c, n - 1);
    logic integer carved_sum{L}(integer c, integer n) =
        n <= 0 ? 0 : carved_sum(c, n - 1) + carved_share(c, n - 1);
    // Every page a container has given out is some object's in it.
    predicate used_wf{L} = \forall integer c; is_container(c) ==> container_at[c].used == used_sum(c, FRAMES_MAX);
    predicate carved_wf{L} = \forall integer c; is_container(c) ==> container_at[c].carved == carved_sum(c, FRAMES_MAX);
*/
/* For bodies, at their end: used_sum is as at Pre but for `more` in container c by object x, and carved_sum as at Pre. */
/* clang-format off */
#define SUMS_SHOWN(c, x, more) \
    loop invariant range: 0 <= i <= FRAMES_MAX; \
    loop invariant used: \forall integer d; 0 <= d ==> \
        used_sum(d, i) == used_sum{Pre}(d, i) + (d == (c) && (x) < i ? (more) : 0); \
    loop invariant carved: \forall integer d; 0 <= d ==> carved_sum(d, i) == carved_sum{Pre}(d, i); \
    loop assigns i; \
    loop variant FRAMES_MAX - i;
/* clang-format on */

/* Pages container c may still charge or carve. */
/*@ requires is_container(c) && quota_wf;
    assigns \nothing;
    ensures \result == left_of(c); */
static inline uint64_t container_left(pfn_t c)
{
    return container_at[C(c)].total - container_at[C(c)].used - container_at[C(c)].carved;
}

/* 1 if n pages can be charged to c and the machine has frames for them. */
/*@ requires is_container(c) && quota_wf;
    assigns \nothing;
    ensures \result == 0 || \result == 1;
    ensures \result == 1 <==> has_room(c, n); */
bool container_fits(pfn_t c, uint64_t n);

/* The same for two charges at once, to containers that may be the same. */
/*@ requires is_container(a) && is_container(b) && quota_wf && n <= 0x100000000 && m <= 0x100000000;
    assigns \nothing;
    ensures \result == 0 || \result == 1;
    ensures \result == 1 <==> have_room(a, n, b, m); */
bool container_fits_both(pfn_t a, uint64_t n, pfn_t b, uint64_t m);

/* Charges pages to c, which has room. */
/*@ requires is_container(c) && quota_wf;
    requires room: n <= left_of(c);
    assigns container_at[c].used;
    ensures used: container_at[c].used == \old(container_at[c].used) + n;
    KERNEL_KEPT(0) */
static inline void container_charge(pfn_t c, uint64_t n) { container_at[C(c)].used += n; }

/* Gives back pages that are charged to c. */
/*@ requires is_container(c) && quota_wf;
    requires charged: n <= container_at[c].used;
    assigns container_at[c].used;
    ensures used: container_at[c].used == \old(container_at[c].used) - n;
    KERNEL_KEPT(0) */
static inline void container_uncharge(pfn_t c, uint64_t n) { container_at[C(c)].used -= n; }

/* A child of parent with total pages of its own; the caller has checked quota, CPUs and ceiling. 0: no frame. */
/*@ requires kernel_wf && is_container(parent) && ceiling < PRIORITIES && total < 0x100000000;
    requires container_at[parent].used + 1 + container_at[parent].carved + total <= container_at[parent].total;
    ensures kernel_wf;
    ensures \result != 0 ==> is_container(\result) && frame_owner[\result] == parent &&
        container_at[\result].total == total && container_at[\result].used == 0; */
pfn_t container_create(pfn_t parent, uint64_t total, uint64_t cpus, uint8_t ceiling);

/* Does a bounded piece of destroying c and all in it. 1: c is gone. */
/*@ requires kernel_wf && is_container(c);
    ensures kernel_wf;
    ensures \result == 1 ==> !is_container(c); */
bool container_reap(pfn_t c);

#endif
