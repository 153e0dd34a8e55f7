/* SPDX-License-Identifier: MIT */
/* Handle tables: opening and closing handles, see handle.h. */
#define HANDLE_PROOF
#include "core/handle.h"

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
