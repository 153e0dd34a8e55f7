/* SPDX-License-Identifier: MIT */
/* What all system-call handlers share; see sys.h. */
#include "core/sys.h"

RARE slot_t slot_of_thread(pfn_t t, uint64_t number) { return handle_slot(frame_owner[t], number); }

RARE status_t slot_check_any(slot_t slot, uint8_t rights)
{
    if (slot == 0)
        return ERR_HANDLE;
    if (!handle_live(slot))
        return ERR_DEAD;
    return (handle_at[H(slot)].rights & rights) != rights ? ERR_RIGHTS : ERR_NONE;
}

RARE status_t slot_check(slot_t slot, uint8_t kind, uint8_t rights)
{
    status_t status = slot_check_any(slot, rights);
    if ((status == ERR_NONE || status == ERR_RIGHTS) && handle_at[H(slot)].kind != kind)
        return ERR_KIND;
    return status;
}

RARE struct found find(pfn_t t, uint64_t number, uint8_t kind, uint8_t rights)
{
    struct found f;
    slot_t slot = slot_of_thread(t, number);
    f.status = slot_check(slot, kind, rights);
    f.object = f.status == ERR_NONE ? handle_at[H(slot)].object : 0;
    return f;
}

RARE status_t room_check(pfn_t p, pfn_t c, uint64_t n)
{
    uint32_t need = process_handle_need(p);
    if (need == HANDLES_FULL)
        return ERR_FULL;
    return container_fits_both(frame_owner[p], need, c, n) ? ERR_NONE : ERR_QUOTA;
}

struct handle handle_to(uint8_t kind, uint32_t object, uint64_t generation)
{
    struct handle h = {0};
    h.kind = kind;
    h.object = object;
    h.generation = generation;
    h.rights = RIGHTS_ALL;
    return h;
}

RARE status_t way_error(pfn_t t, uint64_t number, uint8_t rights)
{
    return find(t, number, KIND_ENDPOINT, rights).status;
}

status_t sys_nop(pfn_t t)
{
    (void)t;
    return ERR_NONE;
}

struct fast_way way_find(pfn_t t, uint64_t number, uint8_t right)
{
    return fast_way(t, number, right);
}
