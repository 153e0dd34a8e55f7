/* SPDX-License-Identifier: MIT */
/* Handle tables: opening and closing handles, see handle.h. */
#define HANDLE_PROOF
#include "core/handle.h"

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
static void handle_push(pfn_t process, uint32_t number)
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
static inline uint32_t handle_pop(pfn_t process)
{
    uint32_t free = process_at[P(process)].handle_free - 1;
    //@ assert top: handle_number(process, free) == handle_order[process][free];
    process_at[P(process)].handle_free = free;
    if (free >= process_at[P(process)].handle_fresh)
        return process_at[P(process)].handle_stack[free];
    process_at[P(process)].handle_fresh = free;
    return process_at[P(process)].handle_pages * SLOTS - 1 - free;
}

/* Ghost: numbers last, last - 1, .. come first in the order. */
/*@ requires is_process(process) && handles_perm && count <= last < HANDLES_MAX;
    assigns handle_place[process][0 .. HANDLES_MAX - 1], handle_order[process][0 .. HANDLES_MAX - 1];
    ensures perm: handles_perm;
    ensures first: \forall integer i; 0 <= i < count ==> handle_order[process][i] == last - i;
    ensures place: \forall integer n; 0 < n < HANDLES_MAX ==>
        (handle_place[process][n] < count <==> last - count < n <= last);
*/
static inline void handle_line_up(pfn_t process, uint32_t last, uint32_t count)
{
    (void)process, (void)last, (void)count;
    /*@ ghost
        uint32_t i = 0;
        /@ loop invariant range: 0 <= i <= count;
           loop invariant perm: handles_perm;
           loop invariant first: \forall integer j; 0 <= j < i ==> handle_order[process][j] == last - j;
           loop invariant place: \forall integer n; 0 < n < HANDLES_MAX ==>
               (handle_place[process][n] < i <==> last - i < n <= last);
           loop assigns i, handle_place[process][0 .. HANDLES_MAX - 1], handle_order[process][0 .. HANDLES_MAX - 1];
           loop variant count - i; @/
        while (i < count) {
            uint32_t place = handle_place[process][last - i];
            uint32_t other = handle_order[process][i];
            handle_order[process][place] = other;
            handle_place[process][other] = place;
            handle_order[process][i] = last - i;
            handle_place[process][last - i] = i;
            i++;
        }
    */
}

void handle_add_page(pfn_t process, pfn_t page)
{
    uint32_t index = process_at[P(process)].handle_pages;
    uint32_t count = index == 0 ? SLOTS - 1 : SLOTS; /* number 0 is never used */
    process_at[P(process)].handle_page[index] = page;
    process_at[P(process)].handle_pages = index + 1;
    //@ ghost handle_home[page] = process;
    //@ ghost handle_index[page] = index;
    handle_line_up(process, index * SLOTS + SLOTS - 1, count);
    process_at[P(process)].handle_free = count;
    process_at[P(process)].handle_fresh = count;
    /*@ assert on: \forall integer n; 0 < n < HANDLES_MAX ==>
            (handle_place[process][n] < count <==> n / SLOTS == index); */
    /*@ assert slots: \forall integer p, n; handles_has(p, n) ==>
            (handles_has{Pre}(p, n) && handle_slot_of(p, n) == handle_slot_of{Pre}(p, n)) ||
            (p == process && n / SLOTS == index && handle_slot_of(p, n) / SLOTS == page); */
    /*@ assert blank: \forall integer n; 0 <= n < HANDLES_MAX && n / SLOTS == index ==>
            handle_at[handle_slot_of(process, n)].kind == KIND_NONE; */
    /*@ assert new: \forall integer n; 0 < n < HANDLES_MAX && n / SLOTS == index ==>
            handles_closed_at(process, n); */
    /*@ assert mine: \forall integer n; 0 < n < HANDLES_MAX && n / SLOTS != index ==>
            handles_closed_at(process, n); */
    /*@ assert kept: \forall integer p, n; is_process(p) && p != process && 0 < n < HANDLES_MAX ==>
            handle_place[p][n] == \at(handle_place[p][n],Pre) &&
            process_at[p].handle_free == \at(process_at[p].handle_free,Pre) &&
            process_at[p].handle_pages == \at(process_at[p].handle_pages,Pre) &&
            handles_closed_at{Pre}(p, n); */
    /*@ assert theirs: \forall integer p, n; is_process(p) && p != process &&
            0 < n < HANDLES_MAX ==> handles_closed_at(p, n); */
}

uint32_t handle_install(pfn_t process, struct handle h)
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
    handle_at[H(slot)] = h;
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

void handle_remove(pfn_t process, uint32_t number)
{
    slot_t slot = process_at[P(process)].handle_page[number / SLOTS] * SLOTS + number % SLOTS;
    //@ assert slot: handles_has(process, number) && slot == handle_slot_of(process, number);
    /*@ assert only: \forall integer p, n; handles_has(p, n) && !(p == process && n == number) ==>
            handle_slot_of(p, n) != slot; */
    //@ assert open: handles_closed_at(process, number) && handle_at[slot].kind != KIND_NONE;
    //@ assert place: handle_place[process][number] >= process_at[process].handle_free;
    handle_at[H(slot)] = (struct handle){.kind = KIND_NONE};
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
