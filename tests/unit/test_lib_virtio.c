/* SPDX-License-Identifier: MIT */
/*
 * Virtio rings (lib/virtio_queue.h) against a device that plays by the rules and against ones that lie, and the
 * reader of virtio's PCI capabilities (lib/virtio_places.h).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lib/virtio_places.h"
#include "lib/virtio_queue.h"

static struct virtio_rings rings;
static struct virtio_queue queue;

/* ---- a device as the standard describes it ---- */
static struct {
    uint16_t taken; /* from the avail ring */
    uint16_t used;
    int events;
} device;

static void begin(uint32_t size, uint32_t stride, int events)
{
    memset(&rings, 0x5a, sizeof rings);
    memset(&device, 0, sizeof device);
    device.events = events;
    virtio_queue_begin(&queue, &rings, size, stride, events);
}

static uint16_t *used_event(void)
{
    return queue.size == 256 ? &rings.avail.used_event_at_256 : &rings.avail.ring[queue.size];
}

static void avail_event_set(uint16_t at)
{
    if (queue.size == 256)
        rings.used.avail_event_at_256 = at;
    else
        memcpy(&rings.used.ring[queue.size], &at, sizeof at);
}

/* The next descriptor the driver made available, -1: none. */
static int device_take(void)
{
    if (device.taken == rings.avail.index)
        return -1;
    int id = rings.avail.ring[device.taken % queue.size];
    device.taken++;
    avail_event_set(device.taken);
    return id;
}

/* Gives one back; 1: the driver wants an interrupt for it. */
static int device_give(uint32_t id, uint32_t bytes)
{
    uint16_t before = device.used;
    rings.used.ring[device.used % queue.size] = (struct virtio_used_entry){id, bytes};
    rings.used.index = ++device.used;
    if (!device.events)
        return (rings.avail.flags & 1) == 0;
    return (uint16_t)(device.used - *used_event() - 1) < (uint16_t)(device.used - before);
}

static void test_queue_every_slot_comes_back_once_in_any_order(void **state)
{
    (void)state;
    for (uint32_t stride = 1; stride <= 8; stride *= 2) {
        begin(64, stride, 1);
        for (uint32_t slot = 0; slot < queue.slots; slot++)
            virtio_queue_put(&queue, slot, 100);
        assert_int_equal(device_take(), -1); /* not shown yet */
        assert_int_equal(virtio_queue_publish(&queue), 1);
        assert_int_equal(virtio_queue_busy(&queue), queue.slots);
        int ids[64], count = 0, id;
        while ((id = device_take()) >= 0)
            ids[count++] = id;
        assert_int_equal(count, queue.slots);
        for (; count > 0; count--)
            device_give((uint32_t)ids[count - 1], (uint32_t)count - 1);
        for (uint32_t i = queue.slots; i > 0; i--) {
            uint32_t slot, bytes;
            assert_int_equal(virtio_queue_take(&queue, &slot, &bytes), 1);
            assert_int_equal(slot, i - 1);
            assert_int_equal(bytes, i - 1);
        }
        uint32_t slot, bytes;
        assert_int_equal(virtio_queue_take(&queue, &slot, &bytes), 0);
        assert_int_equal(virtio_queue_busy(&queue), 0);
    }
}

static void test_queue_indices_run_past_65536(void **state)
{
    (void)state;
    begin(256, 1, 1);
    for (uint32_t n = 0; n < 200000; n++) {
        uint32_t slot, bytes, put = n * 7 % 256;
        virtio_queue_put(&queue, put, 8);
        virtio_queue_publish(&queue);
        assert_int_equal(device_take(), put);
        device_give(put, 8);
        assert_int_equal(virtio_queue_take(&queue, &slot, &bytes), 1);
        assert_int_equal(slot, put);
        assert_int_equal(bytes, 8);
    }
    assert_null(queue.lie);
}

static void test_queue_request_never_answered_is_found(void **state)
{
    (void)state;
    uint32_t slot, bytes;
    begin(64, 1, 1);
    assert_int_equal(virtio_queue_watch(&queue), 0);
    virtio_queue_put(&queue, 7, 8);
    virtio_queue_put(&queue, 8, 8);
    virtio_queue_publish(&queue);
    assert_int_equal(virtio_queue_watch(&queue), 1);
    device_take();
    assert_int_equal(device_take(), 8);
    device_give(8, 8);
    assert_int_equal(virtio_queue_take(&queue, &slot, &bytes), 1);
    virtio_queue_put(&queue, 8, 8); /* the same slot again is another request */
    virtio_queue_publish(&queue);
    device_give(7, 8);
    assert_int_equal(virtio_queue_take(&queue, &slot, &bytes), 1);
    assert_int_equal(virtio_queue_watch(&queue), 1);
    assert_int_equal(virtio_queue_watch(&queue), -1);
    assert_string_equal(queue.lie, "it does not answer a request");
    assert_int_equal(virtio_queue_take(&queue, &slot, &bytes), -1);
}

static void test_queue_notifies_only_a_device_that_waits(void **state)
{
    (void)state;
    for (int events = 0; events <= 1; events++) {
        begin(16, 1, events);
        assert_int_equal(virtio_queue_publish(&queue), 0); /* nothing new */
        virtio_queue_put(&queue, 0, 1);
        assert_int_equal(virtio_queue_publish(&queue), 1);
        if (!events)
            rings.used.flags = 1;
        virtio_queue_put(&queue, 1, 1); /* the device has not taken the first: it is awake */
        assert_int_equal(virtio_queue_publish(&queue), 0);
        rings.used.flags = 0;
        while (device_take() >= 0)
            ;
        virtio_queue_put(&queue, 2, 1);
        virtio_queue_put(&queue, 3, 1);
        assert_int_equal(virtio_queue_publish(&queue), 1);
    }
}

static void test_queue_interrupt_comes_after_as_many_as_asked(void **state)
{
    (void)state;
    for (uint32_t more = 1; more <= 4; more++) {
        begin(16, 1, 1);
        for (uint32_t slot = 0; slot < 4; slot++)
            virtio_queue_put(&queue, slot, 1);
        virtio_queue_publish(&queue);
        assert_int_equal(virtio_queue_listen(&queue, more), 0);
        for (uint32_t done = 1; done <= 4; done++)
            assert_int_equal(device_give((uint32_t)device_take(), 0), done == more);
    }
}

static void test_queue_listen_sees_what_came_before_it(void **state)
{
    (void)state;
    for (int events = 0; events <= 1; events++) {
        begin(16, 1, events);
        virtio_queue_put(&queue, 5, 1);
        virtio_queue_publish(&queue);
        virtio_queue_quiet(&queue);
        int wants = device_give((uint32_t)device_take(), 1);
        assert_true(events || !wants);
        assert_int_equal(virtio_queue_listen(&queue, 1), 1);
    }
}

/* Three requests of which the device has two; then one lie. */
static void lie_scene(void)
{
    begin(64, 4, 1);
    for (uint32_t slot = 0; slot < 2; slot++)
        virtio_queue_put(&queue, slot, 10);
    virtio_queue_publish(&queue);
    virtio_queue_put(&queue, 2, 10);
}

static void expect_lie(void)
{
    uint32_t slot, bytes;
    assert_int_equal(virtio_queue_take(&queue, &slot, &bytes), -1);
    assert_non_null(queue.lie);
    assert_int_equal(virtio_queue_take(&queue, &slot, &bytes), -1);
}

static void test_queue_lies_are_found(void **state)
{
    (void)state;
    const struct virtio_used_entry lies[] = {
        {12, 0},                       /* never given */
        {1, 0},                        /* in the middle of a slot */
        {64, 0},                       /* outside the ring */
        {UINT32_MAX, 0}, {0x10000, 0}, /* slot 0 in its low half */
        {0, 11},                       /* more than was writable */
        {4, UINT32_MAX},
    };
    for (size_t i = 0; i < sizeof lies / sizeof lies[0]; i++) {
        lie_scene();
        device_give(lies[i].id, lies[i].bytes);
        expect_lie();
    }
}

static void test_queue_same_slot_twice_is_a_lie(void **state)
{
    (void)state;
    uint32_t slot, bytes;
    lie_scene();
    device_give(4, 3);
    device_give(4, 3);
    assert_int_equal(virtio_queue_take(&queue, &slot, &bytes), 1);
    expect_lie();
}

static void test_queue_index_ahead_of_what_was_shown_is_a_lie(void **state)
{
    (void)state;
    const uint16_t ahead[] = {3, 4, 64, 0x8000, 0xffff};
    for (size_t i = 0; i < sizeof ahead / sizeof ahead[0]; i++) {
        lie_scene();
        rings.used.index = ahead[i];
        expect_lie();
    }
}

static void test_queue_begin_after_a_lie_is_clean(void **state)
{
    uint32_t slot, bytes;
    lie_scene();
    rings.used.index = 77;
    expect_lie();
    test_queue_every_slot_comes_back_once_in_any_order(state);
    assert_int_equal(virtio_queue_take(&queue, &slot, &bytes), 0);
}

/* ---- capabilities ---- */
static uint8_t config[256];
static uint64_t bars[VIRTIO_BARS];
static int unreadable;

static int64_t config_take(void *context, uint32_t offset, uint32_t bytes, void *to)
{
    assert_ptr_equal(context, config);
    assert_true(offset + bytes <= sizeof config && offset % 4 == 0 && bytes % 4 == 0);
    assert_true(bytes <= VIRTIO_CAPABILITY_BYTES);
    if (unreadable)
        return -1;
    memcpy(to, config + offset, bytes);
    return 0;
}

static void capability(uint32_t at, uint32_t next, uint32_t kind, struct virtio_place place)
{
    config[at] = 9;
    config[at + 1] = (uint8_t)next;
    config[at + 2] = 20;
    config[at + 3] = (uint8_t)kind;
    config[at + 4] = (uint8_t)place.bar;
    memcpy(config + at + 8, &place.offset, 4);
    memcpy(config + at + 12, &place.bytes, 4);
}

/* As QEMU lays it out. */
static int places_setup(void **state)
{
    (void)state;
    const uint32_t step = 4;
    memset(config, 0, sizeof config);
    memset(bars, 0, sizeof bars);
    unreadable = 0;
    bars[4] = 0x4000;
    config[6] = 0x10;
    config[0x34] = 0x98;
    config[0x98] = 0x11; /* MSI-X */
    config[0x99] = 0x84;
    capability(0x84, 0x70, 5, (struct virtio_place){0, 0, 0});
    capability(0x70, 0x60, 2, (struct virtio_place){4, 0x3000, 0x1000});
    memcpy(config + 0x80, &step, 4);
    capability(0x60, 0x50, 4, (struct virtio_place){4, 0x2000, 0x1000});
    capability(0x50, 0x40, 3, (struct virtio_place){4, 0x1000, 0x1000});
    capability(0x40, 0, 1, (struct virtio_place){4, 0, 0x1000});
    return 0;
}

static const char *places(struct virtio_places *p)
{
    return virtio_places_read(config_take, config, bars, p);
}

static void test_places_of_an_honest_device(void **state)
{
    (void)state;
    struct virtio_places p;
    assert_null(places(&p));
    assert_int_equal(p.common.bar, 4);
    assert_int_equal(p.common.bytes, 0x1000);
    assert_int_equal(p.isr.offset, 0x1000);
    assert_int_equal(p.device.offset, 0x2000);
    assert_int_equal(p.notify.offset, 0x3000);
    assert_int_equal(p.notify_step, 4);
}

static void test_places_outside_a_bar_are_refused(void **state)
{
    (void)state;
    const struct virtio_place bad[] = {
        {4, 0x3fd0, 0x1000}, {4, 0x4000, 56},        {4, 0xffffffc0, 0x40}, {4, 0, 0xffffffff},
        {5, 0, 0x1000},      {6, 0, 0x1000},         {255, 0, 0x1000},      {4, 0, 55},
        {4, 2, 0x1000},      {4, 0xfffffffc, 0x1000}};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct virtio_places p;
        places_setup(NULL);
        capability(0x40, 0, 1, bad[i]);
        assert_string_equal(places(&p), "it has no virtio 1.x registers");
    }
}

static void test_places_first_usable_capability_counts(void **state)
{
    (void)state;
    struct virtio_places p;
    capability(0x40, 0xb0, 1, (struct virtio_place){9, 0, 0x1000});
    capability(0xb0, 0xc8, 1, (struct virtio_place){4, 0x800, 0x100});
    capability(0xc8, 0, 1, (struct virtio_place){4, 0x900, 0x100});
    assert_null(places(&p));
    assert_int_equal(p.common.offset, 0x800);
}

static void test_places_missing_parts_are_named(void **state)
{
    struct virtio_places p;
    config[6] = 0;
    assert_string_equal(places(&p), "it has no capabilities");
    places_setup(state);
    config[0x70] = 1;
    assert_string_equal(places(&p), "it has no doorbells");
    places_setup(state);
    config[0x50] = 1;
    assert_string_equal(places(&p), "it has no interrupt status");
    places_setup(state);
    config[0x60] = 1; /* not every device has registers of its own */
    assert_null(places(&p));
    assert_int_equal(p.device.bytes, 0);
    unreadable = 1;
    assert_string_equal(places(&p), "its configuration space cannot be read");
}

static void test_places_endless_list_ends(void **state)
{
    (void)state;
    struct virtio_places p;
    config[0x41] = 0x98;
    assert_string_equal(places(&p), "its list of capabilities has no end");
    config[0x41] = 0x40;
    assert_string_equal(places(&p), "its list of capabilities has no end");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_queue_every_slot_comes_back_once_in_any_order),
        cmocka_unit_test(test_queue_indices_run_past_65536),
        cmocka_unit_test(test_queue_request_never_answered_is_found),
        cmocka_unit_test(test_queue_notifies_only_a_device_that_waits),
        cmocka_unit_test(test_queue_interrupt_comes_after_as_many_as_asked),
        cmocka_unit_test(test_queue_listen_sees_what_came_before_it),
        cmocka_unit_test(test_queue_lies_are_found),
        cmocka_unit_test(test_queue_same_slot_twice_is_a_lie),
        cmocka_unit_test(test_queue_index_ahead_of_what_was_shown_is_a_lie),
        cmocka_unit_test(test_queue_begin_after_a_lie_is_clean),
        cmocka_unit_test_setup(test_places_of_an_honest_device, places_setup),
        cmocka_unit_test_setup(test_places_outside_a_bar_are_refused, places_setup),
        cmocka_unit_test_setup(test_places_first_usable_capability_counts, places_setup),
        cmocka_unit_test_setup(test_places_missing_parts_are_named, places_setup),
        cmocka_unit_test_setup(test_places_endless_list_ends, places_setup),
    };
    return cmocka_run_group_tests_name("lib_virtio", tests, NULL, NULL);
}
