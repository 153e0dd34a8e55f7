/* SPDX-License-Identifier: MIT */
/* The client's side of a network driver's rings (lib/frames.h), against a driver that is honest and ones that are not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lib/frames.h"

static struct frames_page driver_page, client_page;
static struct frames frames;
static struct {
    uint32_t receive_put, transmit_put, receive_taken, transmit_taken;
} driver;

static int setup(void **state)
{
    (void)state;
    memset(&driver_page, 0, sizeof driver_page);
    memset(&client_page, 0, sizeof client_page);
    memset(&frames, 0, sizeof frames);
    memset(&driver, 0, sizeof driver);
    frames.theirs = &driver_page;
    frames.ours = &client_page;
    frames.buffers = malloc(FRAMES_BUFFERS * FRAMES_BUFFER);
    memset(frames.owner, FRAMES_DRIVER, sizeof frames.owner);
    for (uint32_t b = FRAMES_RECEIVE; b < FRAMES_BUFFERS; b++)
        frames_ring_put(&driver_page.transmit, &driver.transmit_put, FRAMES_ENTRY(b, 0));
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    free(frames.buffers);
    return 0;
}

static void deliver(uint32_t buffer, uint32_t bytes)
{
    frames_ring_put(&driver_page.receive, &driver.receive_put, FRAMES_ENTRY(buffer, bytes));
}

static void test_frames_received_come_in_order_and_go_back(void **state)
{
    (void)state;
    unsigned char *data;
    uint32_t bytes, entry = 0;
    for (uint32_t n = 0; n < 100000; n++) {
        deliver(n % FRAMES_RECEIVE, 60 + n % 1000);
        assert_int_equal(frames_receive(&frames, &data, &bytes), n % FRAMES_RECEIVE);
        assert_int_equal(bytes, 60 + n % 1000);
        assert_ptr_equal(data, frames.buffers + n % FRAMES_RECEIVE * FRAMES_BUFFER + FRAMES_START);
        assert_int_equal(frames_receive(&frames, &data, &bytes), -1);
        frames_release(&frames, (int)(n % FRAMES_RECEIVE));
        frames_release(&frames, (int)(n % FRAMES_RECEIVE)); /* a second time does nothing */
        assert_int_equal(frames_ring_take(&client_page.receive, &driver.receive_taken, &entry), 1);
        assert_int_equal(entry, n % FRAMES_RECEIVE);
        assert_int_equal(frames_ring_take(&client_page.receive, &driver.receive_taken, &entry), 0);
    }
}

static void test_frames_every_transmit_buffer_is_had_once(void **state)
{
    (void)state;
    unsigned char *data, had[FRAMES_BUFFERS] = {0};
    uint32_t entry = 0;
    for (uint32_t i = 0; i < FRAMES_TRANSMIT; i++) {
        int b = frames_reserve(&frames, &data);
        assert_in_range(b, FRAMES_RECEIVE, FRAMES_BUFFERS - 1);
        assert_int_equal(had[b]++, 0);
        frames_send(&frames, b, 60);
    }
    assert_int_equal(frames_reserve(&frames, &data), -1);
    for (uint32_t i = 0; i < FRAMES_TRANSMIT; i++) {
        assert_int_equal(frames_ring_take(&client_page.transmit, &driver.transmit_taken, &entry), 1);
        assert_int_equal(FRAMES_ENTRY_BYTES(entry), 60);
        had[FRAMES_ENTRY_BUFFER(entry)]--;
    }
    for (uint32_t b = 0; b < FRAMES_BUFFERS; b++)
        assert_int_equal(had[b], 0);
}

static void test_frames_send_of_impossible_length_keeps_the_buffer(void **state)
{
    (void)state;
    unsigned char *data;
    const uint32_t lengths[] = {0, FRAMES_BYTES_MIN - 1, FRAMES_BYTES_MAX + 1, UINT32_MAX};
    for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
        frames_send(&frames, frames_reserve(&frames, &data), lengths[i]);
        assert_int_equal(client_page.transmit.put, 0);
    }
    for (uint32_t i = 0; i < FRAMES_TRANSMIT; i++)
        assert_true(frames_reserve(&frames, &data) >= 0);
}

static void test_frames_driver_is_told_once_of_what_it_waits_for(void **state)
{
    (void)state;
    unsigned char *data;
    uint32_t bytes;
    assert_int_equal(frames_to_tell(&frames), 0);
    frames_wait_set(&driver_page, FRAMES_WAITS_TRANSMIT);
    deliver(0, 60);
    frames_release(&frames, frames_receive(&frames, &data, &bytes));
    assert_int_equal(frames_to_tell(&frames), 0);
    frames_send(&frames, frames_reserve(&frames, &data), 60);
    assert_int_equal(frames_to_tell(&frames), 1);
    assert_int_equal(frames_to_tell(&frames), 0);
    frames_wait_set(&driver_page, FRAMES_WAITS_RECEIVE);
    frames_send(&frames, frames_reserve(&frames, &data), 60);
    assert_int_equal(frames_to_tell(&frames), 0);
    deliver(1, 60);
    frames_release(&frames, frames_receive(&frames, &data, &bytes));
    assert_int_equal(frames_to_tell(&frames), 1);
    frames_wait_set(&driver_page, 0);
    deliver(2, 60);
    frames_release(&frames, frames_receive(&frames, &data, &bytes));
    frames_send(&frames, frames_reserve(&frames, &data), 60);
    assert_int_equal(frames_to_tell(&frames), 0);
}

static void test_frames_sleep_sees_what_came_before_it(void **state)
{
    (void)state;
    unsigned char *data;
    uint32_t bytes;
    assert_int_equal(frames_sleep(&frames),
                     0); /* there was no buffer to transmit, and there are some */
    assert_int_equal(frames_sleep(&frames), 1); /* which is told once */
    assert_int_equal(client_page.waits, FRAMES_WAITS_RECEIVE);
    frames_awake(&frames);
    assert_int_equal(client_page.waits, 0);
    deliver(3, 60);
    assert_int_equal(frames_sleep(&frames), 0);
    assert_int_equal(client_page.waits, 0);
    assert_int_equal(frames_receive(&frames, &data, &bytes), 3);
}

static void test_frames_broken_driver_is_found(void **state)
{
    unsigned char *data;
    uint32_t bytes;
    const uint32_t entries[] = {FRAMES_ENTRY(FRAMES_RECEIVE, 60), FRAMES_ENTRY(0xffff, 60),
                                FRAMES_ENTRY(0, FRAMES_BYTES_MIN - 1),
                                FRAMES_ENTRY(0, FRAMES_BYTES_MAX + 1), FRAMES_ENTRY(0, 0xffff)};
    for (size_t i = 0; i < sizeof entries / sizeof entries[0]; i++) {
        frames_ring_put(&driver_page.receive, &driver.receive_put, entries[i]);
        assert_int_equal(frames_receive(&frames, &data, &bytes), -2);
        teardown(state);
        setup(state);
    }
    deliver(1, 60);
    deliver(1, 60);
    assert_int_equal(frames_receive(&frames, &data, &bytes), 1);
    assert_int_equal(frames_receive(&frames, &data, &bytes), -2); /* the client has it */
    deliver(2, 60);
    assert_int_equal(frames_receive(&frames, &data, &bytes), -2); /* until it is opened anew */
    assert_int_equal(frames_reserve(&frames, &data), -2);
    assert_int_equal(frames_sleep(&frames), 0);
    assert_int_equal(frames.broken, 1);
    teardown(state);
    setup(state);
    driver_page.receive.put = FRAMES_RING + 1;
    assert_int_equal(frames_receive(&frames, &data, &bytes), -2);
}

static void test_frames_wrong_done_entries_are_found(void **state)
{
    unsigned char *data;
    const uint32_t entries[] = {0, FRAMES_RECEIVE - 1, FRAMES_BUFFERS, 0xffff, FRAMES_RECEIVE};
    for (size_t i = 0; i < sizeof entries / sizeof entries[0]; i++) {
        while (frames_reserve(&frames, &data) >= 0)
            ;
        frames_ring_put(&driver_page.transmit, &driver.transmit_put, entries[i]);
        assert_int_equal(frames_reserve(&frames, &data), -2);
        teardown(state);
        setup(state);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_frames_received_come_in_order_and_go_back, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_frames_every_transmit_buffer_is_had_once, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_frames_send_of_impossible_length_keeps_the_buffer,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(test_frames_driver_is_told_once_of_what_it_waits_for, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_frames_sleep_sees_what_came_before_it, setup, teardown),
        cmocka_unit_test_setup_teardown(test_frames_broken_driver_is_found, setup, teardown),
        cmocka_unit_test_setup_teardown(test_frames_wrong_done_entries_are_found, setup, teardown),
    };
    return cmocka_run_group_tests_name("lib_frames", tests, NULL, NULL);
}
