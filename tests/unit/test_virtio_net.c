/* SPDX-License-Identifier: MIT */
/* The virtio-net model on the real transport: frames both ways, buffers that are missing, and drivers that are wrong. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "arch/hosted/virtio_net.h"
#include "arch/hosted/wire.h"
#include "tests/unit/virtio_guest.h"

enum { RECEIVE, TRANSMIT };
#define HEADER 12u
#define STATUS 20u
#define STATUS_RUNS 15u /* acknowledge, driver, driver ok, features ok */
#define STATUS_NEEDS_RESET 64u
#define FEATURE_MAC (1u << 5)

static uint8_t sent[8][WIRE_BYTES_MAX];
static uint32_t sent_bytes[8], sent_count, rooms;

void network_transmit(const uint8_t *frame, uint32_t bytes)
{
    assert_true(bytes <= WIRE_BYTES_MAX);
    memcpy(sent[sent_count % 8], frame, bytes);
    sent_bytes[sent_count++ % 8] = bytes;
}

void network_room(void) { rooms++; }

static int start(void **state)
{
    (void)state;
    guest_clear();
    sent_count = rooms = 0;
    assert_true(virtio_net_add());
    assert_true(guest_find());
    assert_int_equal(guest_start(FEATURE_MAC, 2), STATUS_RUNS);
    rooms = 0; /* starting notifies */
    return 0;
}

static void fill(uint8_t *to, uint32_t bytes, uint32_t seed)
{
    for (uint32_t i = 0; i < bytes; i++) {
        to[i] = (uint8_t)(i * 7 + seed);
    }
}

static void broken_check(void)
{
    assert_int_not_equal(guest_common_read(STATUS, 1) & STATUS_NEEDS_RESET, 0);
    assert_int_equal(guest_seen.reports, 1);
}

static void test_config_has_an_address_and_a_link(void **state)
{
    static const uint8_t address[6] = {0x52, 0x54, 0x00, 0x12, 0x34, 0x56};

    (void)state;
    for (uint32_t i = 0; i < sizeof address; i++) {
        assert_int_equal(guest_config_read(i, 1), address[i]);
    }
    assert_int_equal(guest_config_read(6, 2), 1);
}

static void test_transmit_pieces_make_one_frame(void **state)
{
    const struct guest_piece pieces[] = {{GUEST_DATA, 5, false},
                                         {GUEST_DATA + 100, 20, false},
                                         {GUEST_DATA + 200, HEADER + WIRE_BYTES_MAX - 25, false}};
    uint8_t whole[HEADER + WIRE_BYTES_MAX] = {0};
    uint32_t first, bytes;

    (void)state;
    fill(whole + HEADER, WIRE_BYTES_MAX, 3);
    memcpy(guest_ram + GUEST_DATA, whole, 5);
    memcpy(guest_ram + GUEST_DATA + 100, whole + 5, 20);
    memcpy(guest_ram + GUEST_DATA + 200, whole + 25, sizeof whole - 25);
    guest_offer(TRANSMIT, 4, pieces, 3);
    assert_int_equal(sent_count, 1);
    assert_int_equal(sent_bytes[0], WIRE_BYTES_MAX);
    assert_memory_equal(sent[0], whole + HEADER, WIRE_BYTES_MAX);
    assert_true(guest_used(TRANSMIT, &first, &bytes));
    assert_int_equal(first, 4);
    assert_int_equal(bytes, 0);
    assert_int_equal(guest_seen.vectors, 1u << TRANSMIT);
}

static void test_transmit_what_is_no_frame_is_dropped_and_given_back(void **state)
{
    static const uint32_t lengths[] = {HEADER, HEADER + 13, HEADER + WIRE_BYTES_MAX + 1, 60000};
    uint32_t first, bytes;

    (void)state;
    for (uint32_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
        const struct guest_piece piece = {GUEST_DATA, lengths[i], false};

        guest_offer(TRANSMIT, 0, &piece, 1);
        assert_true(guest_used(TRANSMIT, &first, &bytes));
    }
    assert_int_equal(sent_count, 0);
    assert_int_equal(guest_common_read(STATUS, 1), STATUS_RUNS);
}

static void test_transmit_shorter_than_its_header_breaks(void **state)
{
    const struct guest_piece piece = {GUEST_DATA, HEADER - 1, false};

    (void)state;
    guest_offer(TRANSMIT, 0, &piece, 1);
    broken_check();
}

static void test_transmit_without_a_readable_part_breaks(void **state)
{
    const struct guest_piece piece = {GUEST_DATA, 100, true};

    (void)state;
    guest_offer(TRANSMIT, 0, &piece, 1);
    broken_check();
}

static void test_transmit_asking_for_an_offload_breaks(void **state)
{
    const struct guest_piece piece = {GUEST_DATA, 100, false};

    for (uint32_t byte = 0; byte < 2; byte++) { /* checksum, segmentation */
        start(state);
        guest_ram[GUEST_DATA + byte] = 1;
        guest_offer(TRANSMIT, 0, &piece, 1);
        broken_check();
        assert_int_equal(sent_count, 0);
    }
}

static void test_receive_fills_the_header_and_the_frame(void **state)
{
    const struct guest_piece pieces[] = {{GUEST_DATA, 4, true}, {GUEST_DATA + 100, 2000, true}};
    uint8_t frame[100];
    uint32_t first, bytes;

    (void)state;
    fill(frame, sizeof frame, 9);
    memset(guest_ram + GUEST_DATA, 0xff, 200);
    guest_offer(RECEIVE, 7, pieces, 2);
    assert_int_equal(rooms, 1);
    assert_true(virtio_net_receive(frame, sizeof frame));
    assert_true(guest_used(RECEIVE, &first, &bytes));
    assert_int_equal(first, 7);
    assert_int_equal(bytes, HEADER + sizeof frame);
    assert_memory_equal(guest_ram + GUEST_DATA, "\0\0\0\0", 4);
    assert_memory_equal(guest_ram + GUEST_DATA + 100, "\0\0\0\0\0\0\1\0", 8);
    assert_memory_equal(guest_ram + GUEST_DATA + 108, frame, sizeof frame);
    assert_int_equal(guest_seen.vectors, 1u << RECEIVE);
}

static void test_receive_without_a_buffer_waits(void **state)
{
    const struct guest_piece piece = {GUEST_DATA, 2000, true};
    uint8_t frame[60] = {1};

    (void)state;
    assert_false(virtio_net_receive(frame, sizeof frame));
    guest_offer(RECEIVE, 0, &piece, 1);
    assert_true(virtio_net_receive(frame, sizeof frame));
    assert_false(virtio_net_receive(frame, sizeof frame));
    assert_int_equal(guest_common_read(STATUS, 1), STATUS_RUNS);
}

static void test_receive_into_a_short_buffer_breaks(void **state)
{
    const struct guest_piece piece = {GUEST_DATA, HEADER + 59, true};
    uint8_t frame[60] = {1};

    (void)state;
    guest_offer(RECEIVE, 0, &piece, 1);
    assert_true(virtio_net_receive(frame, sizeof frame));
    broken_check();
    assert_true(virtio_net_receive(frame, sizeof frame)); /* gone */
}

static void test_receive_before_the_driver_starts_is_lost(void **state)
{
    uint8_t frame[60] = {1};

    (void)state;
    guest_common_write(STATUS, 1, 0);
    assert_true(virtio_net_receive(frame, sizeof frame));
    assert_int_equal(guest_start(FEATURE_MAC, 0), STATUS_RUNS); /* no queue is enabled */
    assert_true(virtio_net_receive(frame, sizeof frame));
    assert_int_equal(guest_seen.messages, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_config_has_an_address_and_a_link, start),
        cmocka_unit_test_setup(test_transmit_pieces_make_one_frame, start),
        cmocka_unit_test_setup(test_transmit_what_is_no_frame_is_dropped_and_given_back, start),
        cmocka_unit_test_setup(test_transmit_shorter_than_its_header_breaks, start),
        cmocka_unit_test_setup(test_transmit_without_a_readable_part_breaks, start),
        cmocka_unit_test_setup(test_transmit_asking_for_an_offload_breaks, start),
        cmocka_unit_test_setup(test_receive_fills_the_header_and_the_frame, start),
        cmocka_unit_test_setup(test_receive_without_a_buffer_waits, start),
        cmocka_unit_test_setup(test_receive_into_a_short_buffer_breaks, start),
        cmocka_unit_test_setup(test_receive_before_the_driver_starts_is_lost, start),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
