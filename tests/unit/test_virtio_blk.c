/* SPDX-License-Identifier: MIT */
/* The virtio-blk model on a file: each request, each wrong request, and requests answered late. */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "arch/hosted/virtio_blk.h"
#include "tests/unit/virtio_guest.h"

#define SECTORS 64u
#define STARTED 15u
enum { READ = 0, WRITE = 1, FLUSH = 4, GET_ID = 8, DISCARD = 11, ZEROES = 13 };
enum { OK, ERROR, UNSUPPORTED };
#define HEADER GUEST_DATA
#define BUFFER (GUEST_DATA + 0x1000)
#define STATUS_AT (GUEST_DATA + 0x800)

static struct virtio_device *device;
static int file;

static void disk_begin(bool read_only, bool delayed)
{
    uint8_t sector[DISK_SECTOR];

    guest_clear();
    file = memfd_create("disk", 0);
    assert_true(file >= 0);
    for (uint32_t i = 0; i < SECTORS; i++) {
        memset(sector, (int)i, sizeof sector);
        assert_int_equal(write(file, sector, sizeof sector), sizeof sector);
    }
    device = disk_add(dup(file), SECTORS, read_only, "a-name-longer-than-twenty", delayed);
    assert_non_null(device);
    assert_true(guest_find());
    assert_int_equal(guest_start(0, 1), STARTED);
}

static int setup(void **state)
{
    (void)state;
    disk_begin(false, false);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    disk_remove(device);
    close(file);
    return 0;
}

static void header_put(uint64_t at, uint32_t type, uint64_t sector)
{
    memset(guest_ram + at, 0, 16);
    memcpy(guest_ram + at, &type, 4);
    memcpy(guest_ram + at + 8, &sector, 8);
}

/* A request with its data in two pieces; its status, 255 if none came. */
static uint8_t request(uint32_t type, uint64_t sector, uint32_t bytes)
{
    bool out = type == WRITE || type == DISCARD || type == ZEROES;
    uint32_t half = bytes / 2, head, length;
    const struct guest_piece piece[] = {{HEADER, 16, false},
                                        {BUFFER, half, !out},
                                        {BUFFER + half, bytes - half, !out},
                                        {STATUS_AT, 1, true}};

    header_put(HEADER, type, sector);
    guest_ram[STATUS_AT] = 255;
    if (bytes == 0) {
        const struct guest_piece plain[] = {piece[0], piece[3]};
        guest_offer(0, 0, plain, 2);
    } else {
        guest_offer(0, 0, piece, 4);
    }
    assert_true(guest_used(0, &head, &length));
    assert_int_equal(length, out ? 1 : bytes + 1);
    return guest_ram[STATUS_AT];
}

static uint8_t file_byte(uint64_t offset)
{
    uint8_t byte = 0xee;
    assert_int_equal(pread(file, &byte, 1, (off_t)offset), 1);
    return byte;
}

static void test_config_tells_size_and_limits(void **state)
{
    (void)state;
    assert_int_equal(guest_config_read(0, 8), SECTORS);
    assert_in_range(guest_config_read(12, 4), 1, VIRTIO_PIECES_MAX - 2);
    assert_int_equal(guest_config_read(20, 4), 512);
}

static void test_read_gives_the_sectors(void **state)
{
    (void)state;
    assert_int_equal(request(READ, 5, 1024), OK);
    assert_int_equal(guest_ram[BUFFER], 5);
    assert_int_equal(guest_ram[BUFFER + 511], 5);
    assert_int_equal(guest_ram[BUFFER + 512], 6);
    assert_int_equal(guest_ram[BUFFER + 1023], 6);
    assert_int_equal(guest_ram[BUFFER + 1024], 0);
}

static void test_write_changes_these_sectors_alone(void **state)
{
    (void)state;
    memset(guest_ram + BUFFER, 0xaa, 1024);
    assert_int_equal(request(WRITE, SECTORS - 2, 1024), OK);
    assert_int_equal(file_byte((SECTORS - 2) * 512 - 1), SECTORS - 3);
    assert_int_equal(file_byte((SECTORS - 2) * 512), 0xaa);
    assert_int_equal(file_byte(SECTORS * 512 - 1), 0xaa);
    assert_int_equal(request(FLUSH, 0, 0), OK);
}

static void test_range_beyond_the_end_is_an_error(void **state)
{
    (void)state;
    struct stat status;
    assert_int_equal(request(READ, SECTORS, 512), ERROR);
    assert_int_equal(request(READ, SECTORS - 1, 1024), ERROR);
    assert_int_equal(request(WRITE, SECTORS - 1, 1024), ERROR);
    assert_int_equal(request(WRITE, UINT64_MAX, 512), ERROR);
    assert_int_equal(request(READ, UINT64_MAX / 512, 512), ERROR);
    assert_int_equal(request(READ, 0, 513), ERROR);
    assert_int_equal(request(READ, SECTORS, 0), OK); /* nothing of it */
    assert_int_equal(fstat(file, &status), 0);
    assert_int_equal(status.st_size, SECTORS * 512);
}

static void test_file_that_became_shorter_is_an_error(void **state)
{
    (void)state;
    assert_int_equal(ftruncate(file, 512), 0);
    assert_int_equal(request(READ, 0, 1024), ERROR);
    assert_int_equal(request(READ, 0, 512), OK);
}

static void test_unknown_request_is_unsupported(void **state)
{
    (void)state;
    assert_int_equal(request(2, 0, 512), UNSUPPORTED);
    assert_int_equal(request(UINT32_MAX, 0, 0), UNSUPPORTED);
}

static void test_get_id_is_cut(void **state)
{
    (void)state;
    assert_int_equal(request(GET_ID, 0, 20), OK);
    assert_memory_equal(guest_ram + BUFFER, "a-name-longer-than-t", 20);
    assert_int_equal(request(GET_ID, 0, 6), OK);
    assert_int_equal(request(GET_ID, 0, 0), ERROR);
}

static void range_put(uint32_t at, uint64_t sector, uint32_t sectors, uint32_t flags)
{
    memcpy(guest_ram + BUFFER + 16 * at, &sector, 8);
    memcpy(guest_ram + BUFFER + 16 * at + 8, &sectors, 4);
    memcpy(guest_ram + BUFFER + 16 * at + 12, &flags, 4);
}

static void test_discard_and_zeroes_clear_their_ranges(void **state)
{
    (void)state;
    range_put(0, 8, 8, 0);
    range_put(1, 20, 1, 0);
    assert_int_equal(request(DISCARD, 0, 32), OK);
    assert_int_equal(file_byte(8 * 512 - 1), 7);
    assert_int_equal(file_byte(8 * 512), 0);
    assert_int_equal(file_byte(16 * 512 - 1), 0);
    assert_int_equal(file_byte(16 * 512), 16);
    assert_int_equal(file_byte(20 * 512), 0);
    range_put(0, 30, 2, 1);
    assert_int_equal(request(ZEROES, 0, 16), OK);
    assert_int_equal(file_byte(31 * 512), 0);
    assert_int_equal(file_byte(32 * 512), 32);
}

static void test_discard_wrong_ranges_are_errors(void **state)
{
    (void)state;
    range_put(0, SECTORS - 1, 2, 0);
    assert_int_equal(request(DISCARD, 0, 16), ERROR);
    range_put(0, UINT64_MAX, 1, 0);
    assert_int_equal(request(ZEROES, 0, 16), ERROR);
    range_put(0, 0, 1, 1);
    assert_int_equal(request(DISCARD, 0, 16), UNSUPPORTED);
    assert_int_equal(request(DISCARD, 0, 17), ERROR);
    assert_int_equal(request(DISCARD, 0, 0), ERROR);
    assert_int_equal(request(DISCARD, 0, 16 * 17), ERROR);
    assert_int_equal(file_byte(0), 0);
    assert_int_equal(file_byte(SECTORS * 512 - 1), SECTORS - 1);
}

static void test_read_only_disk_refuses_changes(void **state)
{
    (void)state;
    disk_remove(device);
    close(file);
    disk_begin(true, false);
    memset(guest_ram + BUFFER, 0, 512);
    assert_int_equal(request(WRITE, 3, 512), ERROR);
    range_put(0, 3, 1, 0);
    assert_int_equal(request(DISCARD, 0, 16), ERROR);
    assert_int_equal(request(ZEROES, 0, 16), ERROR);
    assert_int_equal(request(READ, 3, 512), OK);
    assert_int_equal(file_byte(3 * 512), 3);
    assert_int_equal(guest_common_read(4, 4) >> 5 & 1, 1); /* and says so */
}

static void test_request_without_status_breaks_the_device(void **state)
{
    (void)state;
    header_put(HEADER, WRITE, 0);
    guest_offer(0, 0, &(struct guest_piece){HEADER, 16, false}, 1);
    assert_int_equal(guest_seen.reports, 1);
    assert_int_equal(guest_common_read(20, 1) & 64, 64);
}

static void test_header_too_short_is_an_error(void **state)
{
    (void)state;
    const struct guest_piece piece[] = {{HEADER, 15, false}, {STATUS_AT, 1, true}};
    guest_ram[STATUS_AT] = 255;
    guest_offer(0, 0, piece, 2);
    assert_int_equal(guest_ram[STATUS_AT], ERROR);
}

/* Offers reads of sector n into the n-th page, in one descriptor pair each. */
static void reads_offer(uint32_t reads)
{
    for (uint32_t i = 0; i < reads; i++) {
        const struct guest_piece piece[] = {{HEADER + 16 * i, 16, false},
                                            {BUFFER + 1024 * i, 513, true}};
        header_put(HEADER + 16 * i, READ, i);
        guest_offer(0, (uint16_t)(2 * i), piece, 2);
    }
}

static void test_delayed_requests_come_back_one_by_one_in_any_order(void **state)
{
    (void)state;
    uint32_t head, bytes, got = 0;
    disk_remove(device);
    close(file);
    disk_begin(false, true);
    reads_offer(8);
    assert_false(guest_used(0, &head, &bytes));
    for (uint32_t i = 0; i < 8; i++) {
        assert_true(disks_poll(5 * i));
        assert_true(guest_used(0, &head, &bytes));
        got |= 1u << head / 2;
        assert_int_equal(guest_ram[BUFFER + 1024 * (head / 2) + 511], head / 2);
        assert_false(guest_used(0, &head, &bytes));
    }
    assert_int_equal(got, 0xff);
    assert_false(disks_poll(0));
}

static void test_delayed_requests_are_forgotten_by_a_reset(void **state)
{
    (void)state;
    disk_remove(device);
    close(file);
    disk_begin(false, true);
    reads_offer(3);
    guest_common_write(20, 1, 0);
    memset(guest_ram + BUFFER, 0x77, 512);
    assert_false(disks_poll(0));
    assert_int_equal(guest_ram[BUFFER], 0x77);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_config_tells_size_and_limits),
        TEST(test_read_gives_the_sectors),
        TEST(test_write_changes_these_sectors_alone),
        TEST(test_range_beyond_the_end_is_an_error),
        TEST(test_file_that_became_shorter_is_an_error),
        TEST(test_unknown_request_is_unsupported),
        TEST(test_get_id_is_cut),
        TEST(test_discard_and_zeroes_clear_their_ranges),
        TEST(test_discard_wrong_ranges_are_errors),
        TEST(test_read_only_disk_refuses_changes),
        TEST(test_request_without_status_breaks_the_device),
        TEST(test_header_too_short_is_an_error),
        TEST(test_delayed_requests_come_back_one_by_one_in_any_order),
        TEST(test_delayed_requests_are_forgotten_by_a_reset),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
