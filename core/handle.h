/* SPDX-License-Identifier: MIT */
/*
 * A process's handle table: numbers 1 .. HANDLES_MAX - 1 in pages of SLOTS handles, which the process gets one by one. A
 * handle is the only name a process has for anything. It is dead when its generation is no longer its object's; the dead
 * stay in the table until they are removed. All operations but handle_add_page take constant time.
 *
 * Invariant handles_wf, for each process p with k = handle_pages: k <= HANDLE_PAGES; handle_page[0 .. k-1] are different
 * FRAME_HANDLES frames that no other process has, the rest of handle_page is 0; handle_stack[0 .. handle_free-1] are the
 * numbers 1 .. k * SLOTS - 1 whose slot has KIND_NONE, each once; number 0 has KIND_NONE.
 */
#ifndef CORE_HANDLE_H
#define CORE_HANDLE_H

#include "core/window.h"

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

/* Gives the process one more page of handles: page, a fresh FRAME_HANDLES frame. */
/*@ requires is_process(process) && process_at[process].handle_pages < HANDLE_PAGES;
    requires is_kind(page, FRAME_HANDLES); */
void handle_add_page(pfn_t process, pfn_t page);

/* Opens a handle, and says its number. There must be a free one. */
/*@ requires is_process(process) && process_at[process].handle_free > 0 && h.kind != KIND_NONE;
    ensures 0 < \result < HANDLES_MAX; */
uint32_t handle_install(pfn_t process, struct handle h);

/* Closes the open handle of that number. */
/*@ requires is_process(process) && 0 < number < HANDLES_MAX; */
void handle_remove(pfn_t process, uint32_t number);

#endif
