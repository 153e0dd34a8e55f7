/* SPDX-License-Identifier: MIT */
/*
 * Virtio's PCI capabilities (virtio 1.2, 4.1.4). Of several for the same registers the first usable
 * one counts; unusable and unknown ones are passed over, as the standard says.
 */
#include "lib/virtio_places.h"
#include <stddef.h>

#define COMMAND_STATUS 0x04u
#define STATUS_CAPABILITIES 0x100000u /* of that word */
#define FIRST_CAPABILITY 0x34u
#define CONFIG_HEADER 0x40u
#define CONFIG_BYTES 256u
#define CAPABILITIES_MAX 48u /* as many as fit: a longer list is a loop */
#define CAPABILITY_VENDOR 0x09u

enum { KIND_COMMON = 1, KIND_NOTIFY, KIND_ISR, KIND_DEVICE };

struct reader {
    virtio_config_reader *read;
    void *context;
    int failed; /* 1: a read failed */
};

struct capability {
    uint8_t id, next, length, kind, bar, unused[3];
    uint32_t offset, bytes, notify_step;
};
_Static_assert(sizeof(struct capability) == VIRTIO_CAPABILITY_BYTES, "as the standard has it");

static void take(struct reader *r, uint32_t offset, void *to, uint32_t bytes)
{
    if (r->read(r->context, offset, bytes, to) != 0)
        r->failed = 1;
}

static uint32_t take_word(struct reader *r, uint32_t offset)
{
    uint32_t word = 0;
    take(r, offset, &word, sizeof word);
    return word;
}

static int usable(const struct virtio_place *p, const uint64_t bar_bytes[VIRTIO_BARS],
                  uint32_t least, uint32_t align)
{
    return p->bar < VIRTIO_BARS && p->bytes >= least && p->offset % align == 0 &&
           p->offset <= bar_bytes[p->bar] && p->bytes <= bar_bytes[p->bar] - p->offset;
}

static void capability_take(const struct capability *c, const uint64_t bar_bytes[VIRTIO_BARS],
                            struct virtio_places *places)
{
    static const uint32_t least[] = {0, VIRTIO_COMMON_BYTES, 2, 1, 1};
    static const uint32_t align[] = {1, 4, 2, 1, 4};
    struct virtio_place *const target[] = {NULL, &places->common, &places->notify, &places->isr,
                                           &places->device};
    struct virtio_place place = {c->bar, c->offset, c->bytes};
    if (c->kind < KIND_COMMON || c->kind > KIND_DEVICE || target[c->kind]->bytes != 0)
        return;
    if (!usable(&place, bar_bytes, least[c->kind], align[c->kind]))
        return;
    *target[c->kind] = place;
    if (c->kind == KIND_NOTIFY)
        places->notify_step = c->notify_step;
}

const char *virtio_places_read(virtio_config_reader *read, void *context,
                               const uint64_t bar_bytes[VIRTIO_BARS], struct virtio_places *places)
{
    struct reader r = {read, context, 0};
    struct capability c = {0};
    uint32_t seen = 0;
    *places = (struct virtio_places){0};
    if ((take_word(&r, COMMAND_STATUS) & STATUS_CAPABILITIES) == 0)
        return r.failed ? "its configuration space cannot be read" : "it has no capabilities";
    for (uint32_t at = take_word(&r, FIRST_CAPABILITY) & 0xfcu; at >= CONFIG_HEADER;
         at = c.next & 0xfcu) {
        int whole = at + sizeof c <= CONFIG_BYTES;
        if (seen++ == CAPABILITIES_MAX)
            return "its list of capabilities has no end";
        take(&r, at, &c, whole ? sizeof c : 4);
        if (r.failed)
            break;
        if (c.id == CAPABILITY_VENDOR && whole)
            capability_take(&c, bar_bytes, places);
    }
    if (r.failed)
        return "its configuration space cannot be read";
    if (places->common.bytes == 0)
        return "it has no virtio 1.x registers";
    if (places->notify.bytes == 0)
        return "it has no doorbells";
    return places->isr.bytes == 0 ? "it has no interrupt status" : NULL;
}
