/* SPDX-License-Identifier: MIT */
/*
 * The hosted machine's virtio transport: negotiation, rings of a driver by the rules, and each rule a driver can break, which
 * stops the device until it is reset. The model here takes every chain and answers when the test says so.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/virtio_guest.h"

#define QUEUES 2u
#define TAKEN_MAX 512u
#define FEATURE 3u
#define INDIRECT 28u
#define EVENT_INDEX 29u
#define STARTED 15u
#define NEEDS_RESET 64u
enum { STATUS = 20, GENERATION = 21, QUEUE_SELECT = 22, ENTRIES = 24, VECTOR = 26, ENABLE = 28 };
enum { FEATURES_SELECT = 0, FEATURES = 4, DRIVER_SELECT = 8, DRIVER_FEATURES = 12 };

static struct virtio_device device;
static struct virtio_chain taken[TAKEN_MAX];
static uint32_t count, resets, config_writes;
static bool greedy; /* the model takes what there is at once */

static void model_notify(struct virtio_device *d, uint32_t queue)
{
    while (greedy && count < TAKEN_MAX && virtio_take(d, queue, &taken[count])) {
        count++;
    }
}

static void model_reset(struct virtio_device *d)
{
    (void)d;
    resets++;
}

static void model_config(struct virtio_device *d, uint32_t offset, uint32_t width)
{
    (void)d;
    config_writes += offset + width;
}

static const struct virtio_class class = {.name = "virtio-test",
                                          .type = VIRTIO_CONSOLE,
                                          .pci_class = 0x078000,
                                          .queues = QUEUES,
                                          .queue_entries = 64,
                                          .features = 1u << FEATURE,
                                          .config_bytes = 12,
                                          .notify = model_notify,
                                          .reset = model_reset,
                                          .config_written = model_config};

static int setup(void **state)
{
    (void)state;
    guest_clear();
    memset(&device, 0, sizeof device);
    count = 0;
    config_writes = 0;
    greedy = true;
    assert_true(virtio_add(&device, &class, NULL));
    assert_true(guest_find());
    resets = 0;
    return 0;
}

static int start(void **state)
{
    setup(state);
    assert_int_equal(guest_start(0, QUEUES), STARTED);
    return 0;
}

static int start_with_all(void **state)
{
    setup(state);
    assert_int_equal(guest_start(1u << INDIRECT | 1u << EVENT_INDEX, QUEUES), STARTED);
    return 0;
}

/* The device is stopped, with one line about why, and the guest is told. */
static void broken(const char *why)
{
    uint32_t before = count;
    assert_int_equal(guest_common_read(STATUS, 1) & NEEDS_RESET, NEEDS_RESET);
    assert_int_equal(guest_seen.reports, 1);
    assert_non_null(strstr(guest_seen.why, why));
    guest_offer(1, 0, &(struct guest_piece){GUEST_DATA, 8, false}, 1);
    assert_int_equal(count, before);
    assert_int_equal(guest_seen.reports, 1);
}

/* ---- registers ---- */

static void test_registers_of_a_device_just_reset(void **state)
{
    (void)state;
    assert_int_equal(pci_memory_read(PCI_ECAM_BASE, 4), 0x10431af4);
    assert_int_equal(guest_common_read(18, 2), QUEUES);
    assert_int_equal(guest_common_read(STATUS, 1), 0);
    assert_int_equal(guest_common_read(ENTRIES, 2), 64);
    assert_int_equal(guest_common_read(VECTOR, 2), PCI_NO_VECTOR);
    guest_common_write(QUEUE_SELECT, 2, QUEUES);
    assert_int_equal(guest_common_read(ENTRIES, 2), 0); /* there is no such queue */
    guest_common_write(ENABLE, 2, 1);
    assert_int_equal(guest_common_read(ENABLE, 2), 0);
    assert_int_equal(guest_common_read(56, 2), 0);
}

static void test_features_without_version_1_are_refused(void **state)
{
    (void)state;
    guest_common_write(STATUS, 1, 3);
    guest_common_write(DRIVER_FEATURES, 4, 1u << FEATURE);
    guest_common_write(STATUS, 1, 11);
    assert_int_equal(guest_common_read(STATUS, 1), 3);
}

static void test_features_not_offered_are_refused(void **state)
{
    (void)state;
    guest_common_write(FEATURES_SELECT, 4, 1);
    assert_int_equal(guest_common_read(FEATURES, 4), 1);
    guest_common_write(FEATURES_SELECT, 4, 2);
    assert_int_equal(guest_common_read(FEATURES, 4), 0);
    assert_int_equal(guest_start(1u << 5, QUEUES) & 8, 0);
    assert_false(virtio_has_feature(&device, 5));
}

static void test_features_are_fixed_once_agreed(void **state)
{
    (void)state;
    assert_int_equal(guest_start(1u << FEATURE, QUEUES), STARTED);
    assert_true(virtio_has_feature(&device, FEATURE));
    guest_common_write(DRIVER_SELECT, 4, 0);
    guest_common_write(DRIVER_FEATURES, 4, 0);
    guest_common_write(STATUS, 1, STARTED);
    assert_true(virtio_has_feature(&device, FEATURE));
    guest_common_write(STATUS, 1, 0);
    assert_false(virtio_has_feature(&device, FEATURE));
    assert_int_equal(resets, 1);
}

static void test_config_reads_writes_and_changes(void **state)
{
    (void)state;
    memcpy(device.config, "abcdefghijkl", 12);
    guest_start(0, QUEUES);
    assert_int_equal(guest_config_read(0, 4), 0x64636261);
    assert_int_equal(guest_config_read(8, 8), 0); /* not wholly within */
    virtio_config_changed(&device);
    assert_int_equal(guest_common_read(GENERATION, 1), 1);
    assert_int_equal(guest_seen.messages, 0); /* no vector was chosen */
    guest_common_write(16, 2, 2);
    virtio_config_changed(&device);
    assert_int_equal(guest_seen.messages, 1);
    guest_common_write(16, 2, 99);
    assert_int_equal(guest_common_read(16, 2), PCI_NO_VECTOR);
}

static void test_window_is_reached_through_config_space(void **state)
{
    (void)state;
    uint64_t cap = PCI_ECAM_BASE + device.access_cap;
    pci_memory_write(cap + 4, 1, 4);
    pci_memory_write(cap + 8, 4, 18);
    pci_memory_write(cap + 12, 4, 2);
    assert_int_equal(pci_memory_read(cap + 16, 2), QUEUES);
    pci_memory_write(cap + 8, 4, STATUS);
    pci_memory_write(cap + 12, 4, 1);
    pci_memory_write(cap + 16, 1, 3);
    assert_int_equal(guest_common_read(STATUS, 1), 3);
    pci_memory_write(cap + 12, 4, 3);
    pci_memory_write(cap + 16, 1, 0);
    pci_memory_write(cap + 12, 4, 4);
    pci_memory_write(cap + 8, 4, 0xfffffffc);
    assert_int_equal(guest_common_read(STATUS, 1), 3);
}

/* ---- rings by the rules ---- */

static void test_chain_is_taken_in_its_pieces_and_finished(void **state)
{
    (void)state;
    const struct guest_piece pieces[] = {
        {GUEST_DATA, 16, false}, {GUEST_DATA + 64, 4, false}, {GUEST_DATA + 128, 100, true}};
    char text[32];
    uint32_t head, bytes;
    struct iovec piece[VIRTIO_PIECES_MAX];
    memcpy(guest_ram + GUEST_DATA, "0123456789abcdef", 16);
    memcpy(guest_ram + GUEST_DATA + 64, "wxyz", 4);
    guest_offer(0, 5, pieces, 3);
    assert_int_equal(count, 1);
    assert_int_equal(taken[0].readable, 2);
    assert_int_equal(taken[0].readable_bytes, 20);
    assert_int_equal(taken[0].writable, 1);
    assert_int_equal(taken[0].writable_bytes, 100);
    assert_int_equal(virtio_chain_read(&taken[0], 14, text, 32), 6);
    assert_memory_equal(text, "efwxyz", 6);
    assert_int_equal(virtio_chain_read(&taken[0], 20, text, 1), 0);
    assert_int_equal(virtio_chain_write(&taken[0], 98, "pqrs", 4), 2);
    assert_memory_equal(guest_ram + GUEST_DATA + 226, "pq", 3); /* and the 0 behind is kept */
    assert_int_equal(virtio_chain_readable(&taken[0], 15, 3, piece), 2);
    assert_int_equal(piece[0].iov_len, 1);
    assert_int_equal(piece[1].iov_len, 2);
    assert_false(guest_used(0, &head, &bytes));
    virtio_finish(&device, &taken[0], 1000);
    assert_true(guest_used(0, &head, &bytes));
    assert_int_equal(head, 5);
    assert_int_equal(bytes, 100);
    assert_int_equal(guest_seen.messages, 1);
    assert_int_equal(guest_seen.vectors, 1);
}

static void test_chains_finish_in_any_order_round_the_ring(void **state)
{
    (void)state;
    const struct guest_piece piece = {GUEST_DATA, 8, true};
    uint32_t head, bytes;
    for (uint32_t n = 0; n < 70000; n += 4) { /* past 65,536 */
        for (uint16_t i = 0; i < 4; i++) {
            guest_offer(1, (uint16_t)(4 * (n / 4 % 4) + i), &piece, 1);
        }
        assert_int_equal(count, 4);
        while (count > 0) {
            count--;
            virtio_finish(&device, &taken[count], count);
            assert_true(guest_used(1, &head, &bytes));
            assert_int_equal(head, taken[count].head);
            assert_int_equal(bytes, count);
        }
    }
    assert_int_equal(guest_seen.reports, 0);
}

static void test_indirect_table_after_direct_pieces(void **state)
{
    (void)state;
    uint64_t table = GUEST_DATA + 0x1000;
    guest_descriptor(0, 0, GUEST_DATA, 8, GUEST_NEXT, 1);
    guest_descriptor(0, 1, table, 48, GUEST_INDIRECT, 0);
    guest_descriptor(table, 0, GUEST_DATA + 8, 8, GUEST_NEXT, 2);
    guest_descriptor(table, 2, GUEST_DATA + 16, 8, GUEST_NEXT | GUEST_WRITE, 1);
    guest_descriptor(table, 1, GUEST_DATA + 24, 8, GUEST_WRITE, 0);
    guest_available(0, 0);
    guest_notify(0);
    assert_int_equal(count, 1);
    assert_int_equal(taken[0].readable, 2);
    assert_int_equal(taken[0].writable, 2);
    assert_ptr_equal(taken[0].iov[3].iov_base, guest_ram + GUEST_DATA + 24);
}

static void test_interrupt_not_wanted_is_not_sent(void **state)
{
    (void)state;
    const struct guest_piece piece = {GUEST_DATA, 8, true};
    guest_ram[GUEST_AVAILABLE] = 1; /* no interrupt */
    guest_offer(0, 0, &piece, 1);
    virtio_finish(&device, &taken[0], 0);
    assert_int_equal(guest_seen.messages, 0);
    guest_ram[GUEST_AVAILABLE] = 0;
    guest_offer(0, 1, &piece, 1);
    virtio_finish(&device, &taken[1], 0);
    assert_int_equal(guest_seen.messages, 1);
}

static uint8_t *event_of(uint32_t ring, uint32_t entry_bytes)
{
    return guest_ram + ring + 4 + entry_bytes * GUEST_QUEUE_ENTRIES;
}

static void test_event_indices_hold_back_both_sides(void **state)
{
    (void)state;
    const struct guest_piece piece = {GUEST_DATA, 8, true};
    *event_of(GUEST_AVAILABLE, 2) = 2; /* after the third only */
    for (uint16_t i = 0; i < 4; i++) {
        guest_offer(0, i, &piece, 1);
    }
    assert_int_equal(*event_of(GUEST_USED, 8), 4); /* notify of the fifth */
    for (uint32_t i = 0; i < 4; i++) {
        virtio_finish(&device, &taken[i], 0);
        assert_int_equal(guest_seen.messages, i >= 2 ? 1 : 0);
    }
}

static void test_pin_is_used_without_msix(void **state)
{
    (void)state;
    const struct guest_piece piece = {GUEST_DATA, 8, true};
    uint64_t control = PCI_ECAM_BASE + device.pci.msix_offset + 2;
    uint64_t isr = (pci_memory_read(PCI_ECAM_BASE + 0x20, 4) & ~15ull) + 0x1000 +
                   (pci_memory_read(PCI_ECAM_BASE + 0x24, 4) << 32);
    pci_memory_write(control, 2, 0);
    guest_offer(0, 0, &piece, 1);
    virtio_finish(&device, &taken[0], 0);
    assert_int_equal(guest_seen.messages, 0);
    assert_true(guest_seen.lines[PCI_INTX_FIRST]);
    assert_int_equal(pci_memory_read(isr, 1), 1);
    assert_false(guest_seen.lines[PCI_INTX_FIRST]);
    virtio_config_changed(&device);
    assert_int_equal(pci_memory_read(isr, 1), 2);
    assert_int_equal(pci_memory_read(isr, 1), 0);
}

static void test_reset_makes_chains_stale(void **state)
{
    (void)state;
    const struct guest_piece piece = {GUEST_DATA, 8, true};
    uint32_t head, bytes;
    guest_offer(0, 0, &piece, 1);
    assert_false(virtio_chain_stale(&device, &taken[0]));
    guest_common_write(STATUS, 1, 0);
    assert_true(virtio_chain_stale(&device, &taken[0]));
    virtio_finish(&device, &taken[0], 8);
    assert_false(guest_used(0, &head, &bytes));
    assert_int_equal(guest_start(0, QUEUES), STARTED);
    assert_true(virtio_chain_stale(&device, &taken[0]));
}

static void test_without_bus_mastering_nothing_moves(void **state)
{
    (void)state;
    const struct guest_piece piece = {GUEST_DATA, 8, true};
    uint32_t head, bytes;
    guest_offer(0, 0, &piece, 1);
    pci_memory_write(PCI_ECAM_BASE + 4, 2, 2);
    guest_offer(0, 1, &piece, 1);
    virtio_finish(&device, &taken[0], 0);
    assert_int_equal(count, 1);
    assert_false(guest_used(0, &head, &bytes));
    assert_int_equal(guest_seen.messages, 0);
    assert_int_equal(guest_seen.reports, 0);
}

static void test_chains_offered_before_the_start_are_taken_at_it(void **state)
{
    (void)state;
    guest_start(0, QUEUES);
    guest_common_write(STATUS, 1, 11);
    guest_offer(0, 0, &(struct guest_piece){GUEST_DATA, 8, true}, 1);
    assert_int_equal(count, 0);
    guest_common_write(STATUS, 1, STARTED);
    assert_int_equal(count, 1);
}

/* ---- rules broken ---- */

static void queue_place(uint64_t descriptors, uint64_t available, uint64_t used)
{
    guest_common_write(QUEUE_SELECT, 2, 0);
    guest_common_write(32, 8, descriptors);
    guest_common_write(40, 8, available);
    guest_common_write(48, 8, used);
    guest_common_write(ENABLE, 2, 1);
}

static void test_ring_outside_memory_breaks(void **state)
{
    static const uint64_t place[][3] = {{GUEST_BYTES - 16, 0, 0},
                                        {0, GUEST_BYTES - 4, 0},
                                        {0, 0, GUEST_BYTES - 8},
                                        {8, 0, 0},
                                        {0, 1, 0},
                                        {0, 0, 2},
                                        {UINT64_MAX - 15, 0, 0},
                                        {0, UINT64_MAX - 1, 0}};
    for (uint32_t i = 0; i < sizeof place / sizeof place[0]; i++) {
        setup(state);
        queue_place(place[i][0], place[i][1], place[i][2]);
        assert_int_equal(guest_common_read(ENABLE, 2), 0);
        broken("put a ring where");
    }
}

static void test_ring_size_impossible_breaks(void **state)
{
    static const uint32_t size[] = {0, 3, 65, 128, 32768};
    for (uint32_t i = 0; i < sizeof size / sizeof size[0]; i++) {
        setup(state);
        guest_common_write(ENTRIES, 2, size[i]);
        broken("ring size");
    }
}

static void test_ring_enabled_cannot_move(void **state)
{
    (void)state;
    guest_common_write(QUEUE_SELECT, 2, 0);
    guest_common_write(32, 8, GUEST_DATA);
    guest_common_write(ENTRIES, 2, 4);
    guest_common_write(ENABLE, 2, 0);
    assert_int_equal(guest_common_read(32, 8), 0);
    assert_int_equal(guest_common_read(ENTRIES, 2), GUEST_QUEUE_ENTRIES);
    assert_int_equal(guest_common_read(ENABLE, 2), 1);
}

static void offer_raw(uint64_t address, uint32_t bytes, uint32_t flags, uint32_t next)
{
    guest_descriptor(0, 0, address, bytes, flags, next);
    guest_available(0, 0);
    guest_notify(0);
}

static void test_descriptors_outside_memory_break(void **state)
{
    static const struct {
        uint64_t address;
        uint32_t bytes;
    } piece[] = {{GUEST_BYTES, 1},         {GUEST_BYTES - 1, 2},
                 {UINT64_MAX, 1},          {UINT64_MAX - 0xfff, 0x2000},
                 {GUEST_DATA, UINT32_MAX}, {1ull << 40, 8}};
    for (uint32_t i = 0; i < sizeof piece / sizeof piece[0]; i++) {
        start(state);
        offer_raw(piece[i].address, piece[i].bytes, i % 2 == 0 ? 0 : GUEST_WRITE, 0);
        broken("memory is no memory");
    }
}

static void test_chain_that_loops_breaks(void **state)
{
    (void)state;
    offer_raw(GUEST_DATA, 8, GUEST_NEXT, 0);
    broken("too long, or a loop");
}

static void test_chain_with_too_many_bytes_breaks(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < 15; i++) {
        guest_descriptor(0, i, 0, GUEST_BYTES, GUEST_NEXT, i + 1);
    }
    guest_descriptor(0, 15, 0, GUEST_BYTES, GUEST_NEXT, 0);
    guest_available(0, 0);
    guest_notify(0);
    broken("too many bytes");
}

static void test_chain_errors_break(void **state)
{
    start(state);
    offer_raw(GUEST_DATA, 0, 0, 0);
    broken("has no bytes");
    start(state);
    offer_raw(GUEST_DATA, 8, GUEST_NEXT, GUEST_QUEUE_ENTRIES);
    broken("beyond its table");
    start(state);
    guest_descriptor(0, 1, GUEST_DATA, 8, 0, 0);
    offer_raw(GUEST_DATA, 8, GUEST_NEXT | GUEST_WRITE, 1);
    broken("readable descriptor follows");
    start(state);
    guest_available(0, GUEST_QUEUE_ENTRIES);
    guest_notify(0);
    broken("beyond the descriptor table");
    start(state);
    offer_raw(GUEST_DATA, 8, 0, 0);
    offer_raw(GUEST_DATA, 8, 0, 0);
    broken("offered again");
    start(state);
    guest_ram[GUEST_AVAILABLE + 2] = GUEST_QUEUE_ENTRIES + 1;
    guest_notify(0);
    broken("further ahead");
}

static void test_indirect_errors_break(void **state)
{
    start(state);
    offer_raw(GUEST_DATA, 16, GUEST_INDIRECT, 0);
    broken("none was agreed on");
    start_with_all(state);
    offer_raw(GUEST_DATA, 16, GUEST_INDIRECT | GUEST_NEXT, 1);
    broken("has a next one");
    start_with_all(state);
    offer_raw(GUEST_DATA, 17, GUEST_INDIRECT, 0);
    broken("impossible length");
    start_with_all(state);
    offer_raw(GUEST_BYTES - 16, 32, GUEST_INDIRECT, 0);
    broken("indirect table is no memory");
    start_with_all(state);
    guest_descriptor(GUEST_DATA, 0, GUEST_DATA, 16, GUEST_INDIRECT, 0);
    offer_raw(GUEST_DATA, 16, GUEST_INDIRECT, 0);
    broken("none was agreed on"); /* one in another */
    start_with_all(state);
    guest_descriptor(GUEST_DATA, 0, GUEST_DATA, 16, GUEST_NEXT, 1);
    offer_raw(GUEST_DATA, 16, GUEST_INDIRECT, 0);
    broken("beyond its table");
}

/* Answers that land in the available ring make it go on for ever. */
static void test_ring_that_refills_itself_breaks(void **state)
{
    (void)state;
    uint32_t rounds = 0;
    device.notifying = true;
    device.queue[0].budget = GUEST_QUEUE_ENTRIES;
    guest_descriptor(0, 0, GUEST_DATA, 8, GUEST_WRITE, 0);
    greedy = false;
    for (;; rounds++) { /* as a model's loop would */
        guest_available(0, 0);
        if (!virtio_take(&device, 0, &taken[0])) {
            break;
        }
        virtio_finish(&device, &taken[0], 0);
    }
    assert_int_equal(rounds, GUEST_QUEUE_ENTRIES);
    assert_non_null(strstr(guest_seen.why, "overwritten"));
}

static void test_break_is_reported_a_few_times_only(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < 100; i++) {
        guest_common_write(STATUS, 1, 0);
        guest_common_write(ENTRIES, 2, 0);
    }
    assert_int_equal(guest_seen.reports, 8);
}

int main(void)
{
#define TEST(name, begin) cmocka_unit_test_setup(name, begin)
    const struct CMUnitTest tests[] = {
        TEST(test_registers_of_a_device_just_reset, setup),
        TEST(test_features_without_version_1_are_refused, setup),
        TEST(test_features_not_offered_are_refused, setup),
        TEST(test_features_are_fixed_once_agreed, setup),
        TEST(test_config_reads_writes_and_changes, setup),
        TEST(test_window_is_reached_through_config_space, setup),
        TEST(test_chain_is_taken_in_its_pieces_and_finished, start),
        TEST(test_chains_finish_in_any_order_round_the_ring, start),
        TEST(test_indirect_table_after_direct_pieces, start_with_all),
        TEST(test_interrupt_not_wanted_is_not_sent, start),
        TEST(test_event_indices_hold_back_both_sides, start_with_all),
        TEST(test_pin_is_used_without_msix, start),
        TEST(test_reset_makes_chains_stale, start),
        TEST(test_without_bus_mastering_nothing_moves, start),
        TEST(test_chains_offered_before_the_start_are_taken_at_it, setup),
        TEST(test_ring_outside_memory_breaks, setup),
        TEST(test_ring_size_impossible_breaks, setup),
        TEST(test_ring_enabled_cannot_move, start),
        TEST(test_descriptors_outside_memory_break, setup),
        TEST(test_chain_that_loops_breaks, start),
        TEST(test_chain_with_too_many_bytes_breaks, start),
        TEST(test_chain_errors_break, setup),
        TEST(test_indirect_errors_break, setup),
        TEST(test_ring_that_refills_itself_breaks, start),
        TEST(test_break_is_reported_a_few_times_only, setup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
