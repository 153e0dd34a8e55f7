/* SPDX-License-Identifier: MIT */
/*
 * Virtio's PCI capabilities (virtio 1.2, 4.1.4). Of several for the same registers the first usable
 * one counts; unusable and unknown ones are passed over, as the standard says.
 */
#include "lib/virtio_places.h"
#include <stddef.h>

#define STATUS 0x06u
#define STATUS_CAPABILITIES 0x10u
#define FIRST_CAPABILITY 0x34u
#define CONFIG_HEADER 0x40u
#define CAPABILITIES_MAX 48u /* as many as fit: a longer list is a loop */
#define CAPABILITY_VENDOR 0x09u

enum { KIND_COMMON = 1, KIND_NOTIFY, KIND_ISR, KIND_DEVICE };

struct reader {
    virtio_config_reader *read;
    void *context;
    int failed; /* 1: a read failed */
};

static uint32_t take(struct reader *r, uint32_t offset, uint32_t width)
{
    uint64_t value = 0;
    if (r->read(r->context, offset, width, &value) != 0)
        r->failed = 1;
    return (uint32_t)value;
}

static int usable(const struct virtio_place *p, const uint64_t bar_bytes[VIRTIO_BARS],
                  uint32_t least, uint32_t align)
{
    return p->bar < VIRTIO_BARS && p->bytes >= least && p->offset % align == 0 &&
           p->offset <= bar_bytes[p->bar] && p->bytes <= bar_bytes[p->bar] - p->offset;
}

static void capability_take(struct reader *r, uint32_t at, const uint64_t bar_bytes[VIRTIO_BARS],
                            struct virtio_places *places)
{
    static const uint32_t least[] = {0, VIRTIO_COMMON_BYTES, 2, 1, 1};
    static const uint32_t align[] = {1, 4, 2, 1, 4};
    struct virtio_place *const target[] = {NULL, &places->common, &places->notify, &places->isr,
                                           &places->device};
    uint32_t kind = take(r, at + 3, 1);
    struct virtio_place place = {take(r, at + 4, 1), take(r, at + 8, 4), take(r, at + 12, 4)};
    if (kind < KIND_COMMON || kind > KIND_DEVICE || target[kind]->bytes != 0)
        return;
    if (r->failed || !usable(&place, bar_bytes, least[kind], align[kind]))
        return;
    *target[kind] = place;
    if (kind == KIND_NOTIFY)
        places->notify_step = take(r, at + 16, 4);
}

const char *virtio_places_read(virtio_config_reader *read, void *context,
                               const uint64_t bar_bytes[VIRTIO_BARS], struct virtio_places *places)
{
    struct reader r = {read, context, 0};
    uint32_t seen = 0;
    *places = (struct virtio_places){0};
    if ((take(&r, STATUS, 2) & STATUS_CAPABILITIES) == 0)
        return r.failed ? "its configuration space cannot be read" : "it has no capabilities";
    for (uint32_t at = take(&r, FIRST_CAPABILITY, 1) & ~3u; at >= CONFIG_HEADER;
         at = take(&r, at + 1, 1) & ~3u) {
        if (seen++ == CAPABILITIES_MAX)
            return "its list of capabilities has no end";
        if (take(&r, at, 1) == CAPABILITY_VENDOR && at + 20 <= 256)
            capability_take(&r, at, bar_bytes, places);
    }
    if (r.failed)
        return "its configuration space cannot be read";
    if (places->common.bytes == 0)
        return "it has no virtio 1.x registers";
    if (places->notify.bytes == 0)
        return "it has no doorbells";
    return places->isr.bytes == 0 ? "it has no interrupt status" : NULL;
}
