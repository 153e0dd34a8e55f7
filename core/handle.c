/* SPDX-License-Identifier: MIT */
/* Handle tables: opening and closing handles, see handle.h. */
#include "core/handle.h"

/*@ requires is_process(process) && 0 < number < HANDLES_MAX; */
static void handle_push(pfn_t process, uint32_t number)
{
    uint32_t free = process_at[P(process)].handle_free;
    process_at[P(process)].handle_stack[free] = (uint16_t)number;
    process_at[P(process)].handle_free = free + 1;
}

void handle_add_page(pfn_t process, pfn_t page)
{
    uint32_t index = process_at[P(process)].handle_pages;
    process_at[P(process)].handle_page[index] = page;
    process_at[P(process)].handle_pages = index + 1;
    /* The smallest number is pushed last, to be used first. */
    for (uint32_t slot = SLOTS; slot > 0; slot--) {
        uint32_t number = index * SLOTS + slot - 1;
        if (number != 0)
            handle_push(process, number);
    }
}

uint32_t handle_install(pfn_t process, struct handle h)
{
    uint32_t free = process_at[P(process)].handle_free - 1;
    uint32_t number = process_at[P(process)].handle_stack[free];
    process_at[P(process)].handle_free = free;
    slot_t slot = process_at[P(process)].handle_page[number / SLOTS] * SLOTS + number % SLOTS;
    handle_at[H(slot)] = h;
    return number;
}

void handle_remove(pfn_t process, uint32_t number)
{
    slot_t slot = process_at[P(process)].handle_page[number / SLOTS] * SLOTS + number % SLOTS;
    handle_at[H(slot)] = (struct handle){.kind = KIND_NONE};
    handle_push(process, number);
}
