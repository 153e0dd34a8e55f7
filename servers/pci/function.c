/* SPDX-License-Identifier: MIT */
/*
 * Walking configuration space; see function.h.
 */
#include "function.h"
#include <string.h>

#define BUSES 256u
#define DEVICES 32u
#define DEVICE_FUNCTIONS 8u
#define HEADER_KIND 0x7fu
#define HEADER_MANY 0x80u
#define HEADER_BRIDGE 1u
#define CAPABILITIES_MAX 48u /* as many as fit into 256 bytes */
#define CAPABILITIES_FIRST 0x40u
#define CAP_VENDOR 0x09u
#define CAP_EXPRESS 0x10u
#define CAP_MSIX 0x11u
#define EXPRESS_DEVICE 4u
#define EXPRESS_CAN_RESET 0x10000000u
#define MSIX_ENTRY_BYTES 16u
#define VIRTIO_VENDOR 0x1af4u
#define VIRTIO_COMMON 1u
#define VIRTIO_COMMON_BYTES 0x38u
#define PAGE_BYTES 4096u
#define PORTS_END 0x10000u

static uint32_t get(const struct config *c, uint32_t place, uint32_t offset, uint32_t width)
{
    return c->read(c->context, place, offset, width);
}

static void put(const struct config *c, uint32_t place, uint32_t offset, uint32_t width,
                uint32_t value)
{
    c->write(c->context, place, offset, width, value);
}

/* ---- BARs ---- */

/* What register i reads after all ones were written; it is as before afterwards. */
static uint32_t bar_probe(const struct config *c, uint32_t place, uint32_t i, uint32_t *was)
{
    uint32_t offset = CONFIG_BAR + 4 * i;
    *was = get(c, place, offset, 4);
    put(c, place, offset, 4, UINT32_MAX);
    uint32_t mask = get(c, place, offset, 4);
    put(c, place, offset, 4, *was);
    return mask;
}

/* A register that reads as when it was asked for its size was left so by a server that was killed in
   the midst of asking: what it held is lost. No firmware puts anything there. */
static struct bar bar_ports(uint32_t mask, uint32_t was)
{
    struct bar b = {BAR_PORTS, 0, was & ~3u, 0};
    mask &= 0xfffcu;
    b.bytes = mask & (~mask + 1);
    if (b.bytes == 0)
        return (struct bar){0};
    if (b.address >= PORTS_END || b.address % b.bytes != 0 || (was & 0xfffcu) == mask)
        b.address = 0;
    return b;
}

static struct bar bar_memory(uint64_t mask, uint64_t was, uint32_t wide)
{
    struct bar b = {BAR_MEMORY, wide, was & ~15ul, 0};
    uint32_t low = (uint32_t)mask & ~15u;
    mask &= ~15ul;
    if (!wide)
        mask |= mask != 0 ? 0xffffffff00000000ul : 0;
    b.bytes = mask & (~mask + 1);
    if (b.bytes == 0)
        return (struct bar){0};
    if (b.address % b.bytes != 0 || b.address + b.bytes < b.address ||
        (low != 0 && ((uint32_t)was & ~15u) == low))
        b.address = 0;
    return b;
}

/* Describes BAR i; gives the number of registers it takes. */
static uint32_t bar_read(const struct config *c, struct function *f, uint32_t i)
{
    uint32_t was, high_was = 0, high = 0;
    uint32_t mask = bar_probe(c, f->place, i, &was);
    f->bar[i] = (struct bar){0};
    if (mask == 0)
        return 1;
    if ((mask & 1) != 0) {
        f->bar[i] = bar_ports(mask, was);
        return 1;
    }
    uint32_t type = mask / 2 % 4;
    if (type != 0 && (type != 2 || i + 1 == FUNCTION_BARS))
        return 1; /* no type of memory BAR */
    if (type == 2)
        high = bar_probe(c, f->place, i + 1, &high_was);
    f->bar[i] = bar_memory((uint64_t)high << 32 | mask, (uint64_t)high_was << 32 | was, type == 2);
    return type == 2 ? 2 : 1;
}

static void bars_read(const struct config *c, struct function *f)
{
    uint32_t command = get(c, f->place, CONFIG_COMMAND, 2);
    command = (command & ~COMMAND_MASTER) | COMMAND_INTX_OFF;
    put(c, f->place, CONFIG_COMMAND, 2, command & ~(COMMAND_IO | COMMAND_MEMORY));
    for (uint32_t i = 0; i < FUNCTION_BARS;) {
        uint32_t registers = bar_read(c, f, i);
        if (registers == 2)
            f->bar[i + 1] = (struct bar){0};
        i += registers;
    }
    put(c, f->place, CONFIG_COMMAND, 2, command);
}

/* ---- capabilities ---- */

/* 1 if [offset, offset + bytes) lies within a memory BAR. */
static int spot_fits(const struct function *f, struct spot s, uint64_t bytes)
{
    if (s.bar >= FUNCTION_BARS || f->bar[s.bar].kind != BAR_MEMORY)
        return 0;
    return s.offset <= f->bar[s.bar].bytes && bytes <= f->bar[s.bar].bytes - s.offset;
}

static void msix_read(const struct config *c, struct function *f, uint32_t cap)
{
    uint32_t vectors = get(c, f->place, cap + MSIX_CONTROL, 2) % 2048 + 1;
    uint32_t table = get(c, f->place, cap + 4, 4);
    struct spot spot = {table % 8, table & ~7u};
    if (f->msix != 0 || !spot_fits(f, spot, (uint64_t)vectors * MSIX_ENTRY_BYTES))
        return;
    f->msix = cap;
    f->msix_vectors = vectors;
    f->msix_table = spot;
}

static void virtio_read(const struct config *c, struct function *f, uint32_t cap, uint32_t kind)
{
    if (f->vendor != VIRTIO_VENDOR || f->virtio || kind != VIRTIO_COMMON)
        return;
    struct spot spot = {get(c, f->place, cap + 4, 1), get(c, f->place, cap + 8, 4)};
    if (spot.offset % 4 != 0 || !spot_fits(f, spot, VIRTIO_COMMON_BYTES))
        return;
    f->virtio = 1;
    f->virtio_common = spot;
}

/* Its first word is `head`. */
static void capability_read(const struct config *c, struct function *f, uint32_t cap, uint32_t head)
{
    uint32_t id = head & 255;
    if (id == CAP_MSIX && cap + 12 <= CONFIG_BYTES)
        msix_read(c, f, cap);
    else if (id == CAP_VENDOR && cap + 16 <= CONFIG_BYTES)
        virtio_read(c, f, cap, head >> 24);
    else if (id == CAP_EXPRESS && cap + 12 <= CONFIG_BYTES &&
             (get(c, f->place, cap + EXPRESS_DEVICE, 4) & EXPRESS_CAN_RESET) != 0)
        f->express = cap;
}

static void capabilities_read(const struct config *c, struct function *f)
{
    if ((get(c, f->place, CONFIG_STATUS, 2) & STATUS_CAPABILITIES) == 0)
        return;
    uint32_t cap = get(c, f->place, CONFIG_CAPABILITIES, 1) & ~3u;
    for (uint32_t n = 0; cap >= CAPABILITIES_FIRST && n < CAPABILITIES_MAX; n++) {
        uint32_t head = get(c, f->place, cap, 4);
        capability_read(c, f, cap, head);
        cap = head >> 8 & 0xfcu;
    }
}

/* ---- functions ---- */

static void function_read(const struct config *c, struct function *f, uint32_t place)
{
    uint32_t ids = get(c, place, CONFIG_VENDOR, 4);
    *f = (struct function){.place = place};
    f->vendor = (uint16_t)ids;
    f->device = (uint16_t)(ids >> 16);
    f->class_code = get(c, place, CONFIG_CLASS, 4) >> 8;
    f->header = get(c, place, CONFIG_HEADER, 1) & HEADER_KIND;
    if (f->header != 0)
        return;
    uint32_t subsystem = get(c, place, CONFIG_SUBSYSTEM, 4);
    f->subsystem_vendor = (uint16_t)subsystem;
    f->subsystem = (uint16_t)(subsystem >> 16);
    f->line = get(c, place, CONFIG_LINE, 1);
    f->pin = get(c, place, CONFIG_PIN, 1);
    bars_read(c, f);
    capabilities_read(c, f);
    if (f->msix != 0) {
        uint32_t control = get(c, place, f->msix + MSIX_CONTROL, 2);
        put(c, place, f->msix + MSIX_CONTROL, 2, (control | MSIX_MASK_ALL) & ~MSIX_ENABLE);
    }
}

struct scan {
    const struct config *c;
    struct function *f;
    size_t count;
    int more;
    uint32_t last; /* bus */
    uint8_t known[BUSES];
    uint8_t queue[BUSES]; /* buses to look at, each once */
    uint32_t queued;
};

static void bus_queue(struct scan *s, uint32_t bus)
{
    if (bus <= s->last && bus < BUSES && !s->known[bus]) {
        s->known[bus] = 1;
        s->queue[s->queued++] = (uint8_t)bus;
    }
}

/* 1 if there is a function. */
static int place_scan(struct scan *s, uint32_t place)
{
    uint32_t vendor = get(s->c, place, CONFIG_VENDOR, 2);
    if (vendor == 0 || vendor == UINT16_MAX)
        return 0;
    if ((get(s->c, place, CONFIG_HEADER, 1) & HEADER_KIND) == HEADER_BRIDGE)
        bus_queue(s, get(s->c, place, CONFIG_SECONDARY, 1));
    if (s->count == FUNCTIONS_MAX)
        s->more = 1;
    else
        function_read(s->c, &s->f[s->count++], place);
    return 1;
}

static void device_scan(struct scan *s, uint32_t bus, uint32_t device)
{
    if (!place_scan(s, PLACE(bus, device, 0)) ||
        (get(s->c, PLACE(bus, device, 0), CONFIG_HEADER, 1) & HEADER_MANY) == 0)
        return;
    for (uint32_t function = 1; function < DEVICE_FUNCTIONS; function++)
        (void)place_scan(s, PLACE(bus, device, function));
}

static void functions_sort(struct function *f, size_t count)
{
    for (size_t i = 1; i < count; i++)
        for (size_t k = i; k > 0 && f[k - 1].place > f[k].place; k--) {
            struct function t = f[k];
            f[k] = f[k - 1];
            f[k - 1] = t;
        }
}

size_t functions_find(const struct config *c, uint32_t last, struct function f[FUNCTIONS_MAX],
                      int *more)
{
    struct scan s = {.c = c, .f = f, .last = last};
    bus_queue(&s, 0);
    for (uint32_t i = 0; i < s.queued; i++)
        for (uint32_t device = 0; device < DEVICES; device++)
            device_scan(&s, s.queue[i], device);
    functions_sort(f, s.count);
    *more = s.more;
    return s.count;
}

/* ---- places of BARs ---- */

/* What nobody else may have: whole pages, or the ports. */
static struct window bar_extent(const struct bar *b)
{
    uint64_t unit = b->kind == BAR_MEMORY ? PAGE_BYTES : 1;
    return (struct window){b->address / unit * unit,
                           (b->address + b->bytes + unit - 1) / unit * unit};
}

static int windows_meet(struct window a, struct window b)
{
    return a.first < b.end && b.first < a.end;
}

/* The end of a BAR among the first `count` functions (of the last, those before BAR `bars`) that meets
   w; 0: none does. */
static uint64_t window_conflict(const struct function *f, size_t count, uint32_t bars,
                                enum bar_kind kind, struct window w)
{
    for (size_t n = 0; n < count; n++)
        for (uint32_t i = 0; i < (n + 1 == count ? bars : FUNCTION_BARS); i++) {
            const struct bar *b = &f[n].bar[i];
            if (b->kind == kind && b->address != 0 && windows_meet(bar_extent(b), w))
                return bar_extent(b).end;
        }
    return 0;
}

static int bar_stands(const struct function *f, size_t n, uint32_t i, const struct layout *l)
{
    const struct bar *b = &f[n].bar[i];
    struct window w = bar_extent(b);
    if (b->address == 0 || window_conflict(f, n + 1, i, b->kind, w) != 0)
        return 0;
    return b->kind == BAR_PORTS ||
           (!windows_meet(w, l->taken) && l->usable(w.first, w.end - w.first));
}

static void bar_write(const struct config *c, struct function *f, uint32_t i)
{
    uint32_t command = get(c, f->place, CONFIG_COMMAND, 2);
    put(c, f->place, CONFIG_COMMAND, 2, command & ~(COMMAND_IO | COMMAND_MEMORY));
    put(c, f->place, CONFIG_BAR + 4 * i, 4, (uint32_t)f->bar[i].address);
    if (f->bar[i].wide)
        put(c, f->place, CONFIG_BAR + 4 * i + 4, 4, (uint32_t)(f->bar[i].address >> 32));
    put(c, f->place, CONFIG_COMMAND, 2, command);
}

/* A free place in the window for a BAR of function n; 0: none. Each try passes one BAR. */
static uint64_t place_find(const struct function *f, size_t count, const struct bar *b,
                           const struct layout *l)
{
    uint64_t step = b->bytes > PAGE_BYTES ? b->bytes : PAGE_BYTES;
    uint64_t at = l->window.first;
    uint64_t end = l->window.end;
    if (!b->wide && end > UINT32_MAX)
        end = (uint64_t)UINT32_MAX + 1;
    for (size_t tries = 0; tries <= FUNCTIONS_MAX * FUNCTION_BARS + 1; tries++) {
        at = (at + step - 1) / step * step;
        if (at < l->window.first || at >= end || step > end - at)
            return 0;
        struct window w = {at, at + step};
        uint64_t next = windows_meet(w, l->taken)
                            ? l->taken.end
                            : window_conflict(f, count, FUNCTION_BARS, BAR_MEMORY, w);
        if (next == 0)
            return l->usable(w.first, step) ? at : 0;
        at = next;
    }
    return 0;
}

/* Behind a bridge, and for ports, nothing is moved: the bridge would have to know, and ports are rare. */
void functions_place(const struct config *c, struct function *f, size_t count,
                     const struct layout *l)
{
    uint8_t moves[FUNCTIONS_MAX][FUNCTION_BARS] = {0};
    for (size_t n = 0; n < count; n++)
        for (uint32_t i = 0; i < FUNCTION_BARS; i++) {
            if (f[n].bar[i].kind == BAR_NONE || bar_stands(f, n, i, l))
                continue;
            f[n].bar[i].address = 0;
            moves[n][i] = f[n].bar[i].kind == BAR_MEMORY && PLACE_BUS(f[n].place) == 0;
        }
    for (size_t n = 0; n < count; n++)
        for (uint32_t i = 0; i < FUNCTION_BARS; i++)
            if (moves[n][i]) {
                f[n].bar[i].address = place_find(f, count, &f[n].bar[i], l);
                bar_write(c, &f[n], i);
            }
}

int function_page_is_table(const struct function *f, uint32_t b, uint64_t page)
{
    if (f->msix == 0 || f->msix_table.bar != b)
        return 0;
    uint64_t end = f->msix_table.offset + (uint64_t)f->msix_vectors * MSIX_ENTRY_BYTES;
    return page >= f->msix_table.offset / PAGE_BYTES && page * PAGE_BYTES < end;
}
