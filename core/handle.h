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

/* The slot of an open handle; 0: number names none. */
/*@ requires is_process(process);
    assigns \nothing;
    ensures \result != 0 ==> is_slot(\result) && handle_at[\result].kind != KIND_NONE; */
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
/*@ requires is_slot(h) && handle_at[h].kind != KIND_NONE;
    assigns \nothing; */
static inline bool handle_live(slot_t h)
{
    uint32_t object = handle_at[H(h)].object;
    uint64_t generation = handle_at[H(h)].generation;
    switch (handle_at[H(h)].kind) {
    case KIND_ENDPOINT:
        return frame_kind[object / SLOTS] == FRAME_ENDPOINTS && endpoint_at[E(object)].generation == generation;
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
