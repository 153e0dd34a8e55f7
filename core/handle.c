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

void handle_add_page(pfn_t process, pfn_t page)
{
    uint32_t index = process_at[P(process)].handle_pages;
    process_at[P(process)].handle_page[index] = page;
    process_at[P(process)].handle_pages = index + 1;
    //@ ghost handle_home[page] = process;
    //@ ghost handle_index[page] = index;
    /* The smallest number is pushed last, to be used first; number 0 is never used. */
    uint32_t least = index == 0 ? 1 : index * SLOTS;
    uint32_t number = (index + 1) * SLOTS;
    /*@ loop invariant range: least <= number <= (index + 1) * SLOTS;
        loop invariant perm: handles_perm;
        loop invariant stack: handles_stack;
        loop invariant on: \forall integer n; 0 < n < HANDLES_MAX ==>
            (handle_place[process][n] < process_at[process].handle_free <==>
                number <= n < (index + 1) * SLOTS ||
                \at(handle_place[process][n],Pre) < \at(process_at[process].handle_free,Pre));
        loop invariant free: process_at[process].handle_free ==
            \at(process_at[process].handle_free,Pre) + (index + 1) * SLOTS - number;
        loop assigns number, process_at[process].handle_free,
            process_at[process].handle_stack[0 .. HANDLES_MAX - 1],
            handle_place[process][0 .. HANDLES_MAX - 1], handle_order[process][0 .. HANDLES_MAX - 1];
        loop variant number - least;
    */
    while (number > least) {
        number--;
        handle_push(process, number);
    }
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
    uint32_t free = process_at[P(process)].handle_free - 1;
    uint32_t number = process_at[P(process)].handle_stack[free];
    process_at[P(process)].handle_free = free;
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
