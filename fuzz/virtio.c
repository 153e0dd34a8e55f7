/* SPDX-License-Identifier: MIT */
/*
 * libFuzzer target: a device that lies. The input is first a configuration space, whose capabilities are read, then
 * steps of a driver and of its device, which may write anything anywhere in the rings. What the queue gives back was
 * put, once, with no more bytes than the device might write; and after a lie it gives nothing.
 */
#include <stdlib.h>
#include <string.h>

#include "lib/virtio_places.h"
#include "lib/virtio_queue.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(int condition)
{
    if (!condition)
        abort();
}

struct input {
    const uint8_t *at;
    size_t left;
};

static uint8_t byte(struct input *in)
{
    if (in->left == 0)
        return 0;
    in->left--;
    return *in->at++;
}

static uint32_t word(struct input *in)
{
    uint32_t low = byte(in), high = byte(in);
    return low | high << 8;
}

static int64_t config_take(void *context, uint32_t offset, uint32_t bytes, void *to)
{
    check(offset + bytes <= 256 && (offset | bytes) % 4 == 0 && bytes <= VIRTIO_CAPABILITY_BYTES);
    memcpy(to, (uint8_t *)context + offset, bytes);
    return 0;
}

static void places_within(const struct virtio_place *p, const uint64_t *bars)
{
    check(p->bytes == 0 || (p->bar < VIRTIO_BARS && (uint64_t)p->offset + p->bytes <= bars[p->bar]));
}

static void places(struct input *in)
{
    const uint64_t bars[VIRTIO_BARS] = {0, 0x1000, 0, 4, 0x4000, UINT64_MAX};
    uint8_t config[256] = {0};
    struct virtio_places p;
    size_t bytes = in->left < sizeof config ? in->left : sizeof config;
    memcpy(config, in->at, bytes);
    in->at += bytes;
    in->left -= bytes;
    if (virtio_places_read(config_take, config, bars, &p) == NULL)
        check(p.common.bytes >= VIRTIO_COMMON_BYTES && p.notify.bytes >= 2 && p.isr.bytes >= 1);
    places_within(&p.common, bars);
    places_within(&p.notify, bars);
    places_within(&p.isr, bars);
    places_within(&p.device, bars);
}

struct scene {
    struct virtio_queue queue;
    struct virtio_rings *rings;
    int64_t given[VIRTIO_QUEUE_MAX]; /* slot: bytes the device may write; -1: not with it */
};

static void take(struct scene *s)
{
    uint32_t slot, bytes;
    int lied = s->queue.lie != NULL;
    int got = virtio_queue_take(&s->queue, &slot, &bytes);
    check(got <= 1 && (got == -1) == (s->queue.lie != NULL) && (!lied || got == -1));
    if (got != 1)
        return;
    check(slot < s->queue.slots && s->given[slot] >= 0 && bytes <= s->given[slot]);
    s->given[slot] = -1;
}

static void put(struct scene *s, uint32_t slot, uint32_t writable)
{
    slot %= s->queue.slots;
    if (s->given[slot] >= 0)
        return;
    *virtio_queue_table(&s->queue, slot) = (struct virtio_desc){slot, writable, 0, 0};
    virtio_queue_put(&s->queue, slot, writable);
    s->given[slot] = writable;
}

static void step(struct scene *s, struct input *in)
{
    uint8_t what = byte(in);
    uint32_t a = word(in), b = word(in);
    struct virtio_used *used = &s->rings->used;
    switch (what % 8) {
    case 0:
        put(s, a, b);
        break;
    case 1:
        (void)virtio_queue_publish(&s->queue);
        break;
    case 2:
        take(s);
        break;
    case 3:
        (void)virtio_queue_listen(&s->queue, a % VIRTIO_QUEUE_MAX + 1);
        break;
    case 4:
        virtio_queue_quiet(&s->queue);
        break;
    case 5: /* an honest answer, if a names one */
        used->ring[used->index % s->queue.size] =
            (struct virtio_used_entry){a % s->queue.slots * s->queue.stride, b};
        used->index++;
        break;
    case 6:
        used->index = (uint16_t)a;
        break;
    default:
        ((uint8_t *)s->rings)[(a | b << 16) % sizeof *s->rings] = what;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct input in = {data, size};
    struct scene s;
    places(&in);
    uint8_t shape = byte(&in);
    uint32_t size_log = shape % 9, stride_log = shape / 16 % (size_log + 1);
    s.rings = malloc(sizeof *s.rings);
    memset(s.given, -1, sizeof s.given);
    virtio_queue_begin(&s.queue, s.rings, 1u << size_log, 1u << stride_log, shape >> 7);
    while (in.left > 0)
        step(&s, &in);
    for (uint32_t i = 0; i <= VIRTIO_QUEUE_MAX; i++)
        take(&s);
    free(s.rings);
    return 0;
}
