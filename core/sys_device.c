/* SPDX-License-Identifier: MIT */
/* System calls on devices, and for debugging. */
#include "core/irq.h"
#include "core/log.h"
#include "core/sys.h"

/* 1 if [first, first + count) lies within the range that an IRQS, PORTS or MEMORY handle names. */
/*@ requires is_slot(slot) && range_ok(slot);
    requires kind: KIND_IRQS <= handle_at[slot].kind <= KIND_MEMORY;
    assigns \nothing;
    ensures \result == 0 || \result == 1;
    ensures \result == 1 <==> range_error(slot, first, count) == ERR_NONE; */
static bool range_holds(slot_t slot, uint64_t first, uint64_t count)
{
    uint64_t low = handle_at[H(slot)].object;
    uint64_t size = handle_at[H(slot)].badge - low + 1;
    if (handle_at[H(slot)].kind == KIND_MEMORY) {
        low = handle_at[H(slot)].badge;
        size = handle_at[H(slot)].generation;
    }
    return first >= low && first - low < size && count <= size - (first - low);
}

/* What is wrong with a call of t on line or port numbers [first, first + count): HANDLE, DEAD, KIND, RIGHTS, ARGUMENT. */
/*@ requires kernel_wf && ranges_wf && is_thread(t) && KIND_IRQS <= kind <= KIND_MEMORY;
    assigns \nothing;
    ensures status: \result == device_error(t, kind, right, first, count);
    ensures line: \result == ERR_NONE && kind == KIND_IRQS ==> first < IRQS_MAX; */
static status_t device_check(pfn_t t, uint8_t kind, uint8_t right, uint64_t first, uint64_t count)
{
    slot_t slot = slot_of_thread(t, reg_get(t, ARG0));
    status_t status = slot_check(slot, kind, right);
    if (status != ERR_NONE)
        return status;
    return range_holds(slot, first, count) ? ERR_NONE : ERR_ARGUMENT;
}

status_t sys_irq_claim(pfn_t t)
{
    uint64_t line = reg_get(t, ARG1);
    status_t status = device_check(t, KIND_IRQS, RIGHT_WRITE, line, 1);
    if (status != ERR_NONE)
        return status;
    struct found e = find(t, reg_get(t, ARG2), KIND_ENDPOINT, RIGHT_SIGNAL);
    if (e.status != ERR_NONE)
        return e.status;
    if (reg_get(t, ARG3) == 0)
        return ERR_ARGUMENT;
    return irq_claim((uint32_t)line, e.object, reg_get(t, ARG3));
}

status_t sys_irq_ack(pfn_t t)
{
    uint64_t line = reg_get(t, ARG1);
    status_t status = device_check(t, KIND_IRQS, RIGHT_WRITE, line, 1);
    if (status != ERR_NONE)
        return status;
    return irq_acknowledge((uint32_t)line);
}

/*@ assigns \nothing;
    ensures \result == 0 || \result == 1;
    ensures \result == 1 <==> width == 1 || width == 2 || width == 4; */
static bool port_width(uint64_t width) { return width == 1 || width == 2 || width == 4; }

status_t sys_port_in(pfn_t t)
{
    uint64_t port = reg_get(t, ARG1);
    uint64_t width = reg_get(t, ARG2);
    status_t status = device_check(t, KIND_PORTS, RIGHT_READ, port, width);
    if (status != ERR_NONE)
        return status;
    if (!port_width(width))
        return ERR_ARGUMENT;
    reg_set(t, ARG0, arch_port_in((uint16_t)port, (uint32_t)width));
    return ERR_NONE;
}

status_t sys_port_out(pfn_t t)
{
    uint64_t port = reg_get(t, ARG1);
    uint64_t width = reg_get(t, ARG2) % 256;
    uint64_t items = reg_get(t, ARG2) / 256;
    status_t status = device_check(t, KIND_PORTS, RIGHT_WRITE, port, width);
    if (status != ERR_NONE)
        return status;
    //@ assert items1: width == 1 ==> items * width == items && 8 / width == 8;
    //@ assert items2: width == 2 ==> items * width == 2 * items && 8 / width == 4;
    //@ assert items4: width == 4 ==> items * width == 4 * items && 8 / width == 2;
    if (!port_width(width) || items == 0 || items > 8 / width)
        return ERR_ARGUMENT;
    uint64_t value = reg_get(t, ARG3);
    //@ assert width: width == 1 || width == 2 || width == 4;
    //@ assert span1: width == 1 ==> (1 << (8 * width)) == 0x100;
    //@ assert span2: width == 2 ==> (1 << (8 * width)) == 0x10000;
    //@ assert span4: width == 4 ==> (1 << (8 * width)) == 0x100000000;
    uint32_t i;
    /*@ loop invariant 0 <= i <= items;
        loop assigns i, value, ghost_machine;
        loop variant items - i; */
    for (i = 0; i < items; i++) {
        arch_port_out((uint16_t)port, (uint32_t)width,
                      (uint32_t)(value % ((uint64_t)1 << (8 * width))));
        value >>= 8 * width;
    }
    return ERR_NONE;
}

status_t sys_device_narrow(pfn_t t)
{
    pfn_t p = frame_owner[t];
    slot_t slot = handle_slot(p, reg_get(t, ARG0));
    if (slot == 0)
        return ERR_HANDLE;
    struct handle h = handle_at[H(slot)];
    uint64_t first = reg_get(t, ARG1);
    uint64_t count = reg_get(t, ARG2);
    if (h.kind != KIND_IRQS && h.kind != KIND_PORTS && h.kind != KIND_MEMORY)
        return ERR_KIND;
    if ((h.rights & RIGHT_COPY) == 0)
        return ERR_RIGHTS;
    if (count == 0 || !range_holds(slot, first, count))
        return ERR_ARGUMENT;
    status_t status = room_check(p, frame_owner[p], 0);
    if (status != ERR_NONE)
        return status;
    if (h.kind == KIND_MEMORY) {
        h.badge = first;
        h.generation = count;
    } else {
        h.object = (uint32_t)first;
        h.badge = first + count - 1;
    }
    reg_set(t, ARG0, process_handle_open(p, h));
    return ERR_NONE;
}

status_t sys_dma_address(pfn_t t)
{
    struct found memory = find(t, reg_get(t, ARG0), KIND_MEMORY, RIGHT_WRITE);
    if (memory.status != ERR_NONE)
        return memory.status;
    uint64_t va = reg_get(t, ARG1);
    if (va < USER_BASE || va >= USER_TOP)
        return ERR_RANGE;
    uint64_t e = memory_entry(frame_owner[t], va);
    if (e == 0 || e / PTE_DEVICE % 2u == 1)
        return ERR_UNMAPPED;
    uint64_t bytes = page_bytes(entry_flags(e));
    reg_set(t, ARG0, entry_frame(e) * PAGE_SIZE + va % bytes);
    reg_set(t, ARG1, bytes - va % bytes);
    return ERR_NONE;
}

status_t sys_irq_message(pfn_t t)
{
    uint64_t line = reg_get(t, ARG1);
    status_t status = device_check(t, KIND_IRQS, RIGHT_WRITE, line, 1);
    if (status != ERR_NONE)
        return status;
    if (line < IRQ_MESSAGE_FIRST || line - IRQ_MESSAGE_FIRST >= IRQ_MESSAGES)
        return ERR_ARGUMENT;
    struct arch_message message = arch_irq_message((uint32_t)line);
    reg_set(t, ARG0, message.address);
    reg_set(t, ARG1, message.data);
    return ERR_NONE;
}

/* Byte i of a frame's contents. */
/*@ requires is_page(page);
    assigns \nothing;
    ensures \result == (uint8_t)(page_at[page].word[i / 8 % 512] >> (8 * (i % 8))); */
static uint8_t frame_byte(pfn_t page, uint64_t i)
{
    return (uint8_t)(page_at[U(page)].word[i / 8 % 512] >> (8 * (i % 8)));
}

status_t sys_log(pfn_t t)
{
    uint64_t va = reg_get(t, ARG0);
    uint64_t bytes = reg_get(t, ARG1);
    pfn_t root = process_at[P(frame_owner[t])].root;
    if (bytes > LOG_MAX)
        return ERR_ARGUMENT;
    if (va < USER_BASE || va > USER_TOP - LOG_MAX)
        return ERR_RANGE;
    if (bytes != 0 && (user_frame(root, va, 0) == 0 || user_frame(root, va + bytes - 1, 0) == 0))
        return ERR_UNMAPPED;
    uint64_t i;
    /*@ loop invariant 0 <= i <= bytes;
        loop assigns i, ghost_machine;
        loop variant bytes - i; */
    for (i = 0; i < bytes; i++) {
        uint8_t byte = frame_byte(user_frame(root, va + i, 0), (va + i) % PAGE_SIZE);
        arch_log_byte(byte >= ' ' && byte < 127 ? byte : '?');
    }
    arch_log_byte('\n');
    return ERR_NONE;
}
