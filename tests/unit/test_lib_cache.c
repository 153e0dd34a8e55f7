/* SPDX-License-Identifier: MIT */
/* The cache of disk pages (lib/cache.h): against an array of bytes, with few pages, failing devices and short ends. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <errno.h>

#include <cmocka.h>

#include "lib/cache.h"
#include "tests/unit/disk.h"

#define SIZE (300u * CACHE_PAGE + 3u * BLOCK_SECTOR) /* the last page is a part of one */

static struct disk disk;
static struct cache cache;
static unsigned char model[SIZE];

static int setup(void **state)
{
    (void)state;
    for (size_t i = 0; i < SIZE; i++)
        model[i] = (unsigned char)(i * 7 + i / 251);
    disk_from(&disk, model, SIZE, CACHE_PAGES_MIN);
    return cache_open(&cache, &disk.device);
}

static int teardown(void **state)
{
    (void)state;
    cache_close(&cache);
    disk_free(&disk);
    return 0;
}

static void test_cache_random_reads_and_writes_match_and_sync_stores(void **state)
{
    static unsigned char buffer[5 * CACHE_PAGE];
    uint64_t seed = random_seed();
    (void)state;
    for (int i = 0; i < 20000; i++) {
        uint32_t bytes = 1 + (uint32_t)(random_next(&seed) % (sizeof buffer - 1));
        uint64_t offset = random_next(&seed) % (SIZE - bytes);
        if (i % 3 == 0) {
            memset(buffer, i, bytes);
            memset(model + offset, i, bytes);
            assert_int_equal(cache_write(&cache, offset, buffer, bytes), 0);
        } else if (i % 50 == 1) {
            memset(model + offset, 0, bytes);
            assert_int_equal(cache_zero(&cache, offset, bytes), 0);
        } else {
            assert_int_equal(cache_read(&cache, offset, buffer, bytes), 0);
            assert_memory_equal(buffer, model + offset, bytes);
        }
        if (i % 1000 == 999) {
            assert_int_equal(cache_sync(&cache), 0);
            assert_memory_equal(disk.bytes, model, SIZE);
        }
    }
}

static void test_cache_get_last_8_pages_stay_in_place(void **state)
{
    unsigned char *held[CACHE_HELD];
    (void)state;
    for (uint64_t i = 0; i < 20 * CACHE_PAGES_MIN; i++) {
        uint64_t page = i * 37 % cache.pages;
        assert_int_equal(
            cache_get(&cache, page, i % 2 ? CACHE_WRITE : CACHE_READ, &held[i % CACHE_HELD]), 0);
        for (uint64_t back = 0; back < CACHE_HELD && back <= i; back++) {
            uint64_t was = (i - back) * 37 % cache.pages;
            size_t bytes = was == cache.pages - 1 ? 3 * BLOCK_SECTOR : CACHE_PAGE;
            assert_memory_equal(held[(i - back) % CACHE_HELD], model + was * CACHE_PAGE, bytes);
        }
    }
}

static void test_cache_page_outside_the_device_is_eio(void **state)
{
    unsigned char *data;
    (void)state;
    assert_int_equal(cache_get(&cache, cache.pages, CACHE_READ, &data), EIO);
    assert_int_equal(cache_get(&cache, UINT64_MAX, CACHE_FRESH, &data), EIO);
    cache_prefetch(&cache, &cache.pages, 1);
    assert_int_equal(cache_get(&cache, cache.pages - 1, CACHE_READ, &data), 0);
    assert_memory_equal(data, model + (cache.pages - 1) * CACHE_PAGE, 3 * BLOCK_SECTOR);
    assert_int_equal(data[3 * BLOCK_SECTOR], 0);
}

static void test_cache_write_read_only_is_erofs(void **state)
{
    unsigned char *data;
    (void)state;
    disk.device.read_only = 1;
    assert_int_equal(cache_get(&cache, 1, CACHE_WRITE, &data), EROFS);
    assert_int_equal(cache_get(&cache, 1, CACHE_FRESH, &data), EROFS);
    assert_int_equal(cache_get(&cache, 1, CACHE_READ, &data), 0);
}

static void test_cache_sync_failed_write_is_eio_and_kept(void **state)
{
    (void)state;
    disk.fail_sector = 10 * CACHE_PAGE_SECTORS;
    disk.fail_writes_only = 1;
    for (uint64_t page = 5; page < 15; page++)
        assert_int_equal(cache_write(&cache, page * CACHE_PAGE + 1, "new", 3), 0);
    assert_int_equal(cache_sync(&cache), EIO);
    assert_int_equal(cache.dirty, 1);
    assert_memory_equal(disk.bytes + 9 * CACHE_PAGE + 1, "new", 3); /* the others arrived */
    assert_int_equal(cache_sync(&cache), EIO);
    disk.fail_sector = UINT64_MAX;
    assert_int_equal(cache_sync(&cache), 0);
    assert_int_equal(cache.dirty, 0);
    assert_memory_equal(disk.bytes + 10 * CACHE_PAGE + 1, "new", 3);
}

static void test_cache_failed_write_survives_use_of_all_pages(void **state)
{
    unsigned char *data;
    (void)state;
    disk.fail_sector = 10 * CACHE_PAGE_SECTORS;
    assert_int_equal(cache_get(&cache, 10, CACHE_READ, &data), EIO);
    disk.fail_writes_only = 1;
    assert_int_equal(cache_write(&cache, 10 * CACHE_PAGE, "new", 3), 0);
    for (uint64_t page = 20; page < 300; page++)
        assert_int_equal(cache_get(&cache, page, CACHE_READ, &data), 0);
    disk.fail_sector = UINT64_MAX;
    assert_int_equal(cache_sync(&cache), 0);
    assert_memory_equal(disk.bytes + 10 * CACHE_PAGE, "new", 3);
}

static void test_cache_get_all_dirty_and_failing_is_eio(void **state)
{
    unsigned char *data;
    int error = 0;
    (void)state;
    for (uint64_t page = 0; page < CACHE_PAGES_MIN; page++)
        assert_int_equal(cache_get(&cache, page, CACHE_WRITE, &data), 0);
    disk.fail_all = 1;
    for (uint64_t page = 100; page < 110; page++)
        error |= cache_get(&cache, page, CACHE_READ, &data);
    assert_int_equal(error, EIO);
    assert_int_equal(cache.dirty, CACHE_PAGES_MIN);
    disk.fail_all = 0;
    assert_int_equal(cache_sync(&cache), 0);
    assert_int_equal(cache_get(&cache, 100, CACHE_READ, &data), 0);
}

static void test_cache_sync_flushes_only_what_was_written(void **state)
{
    unsigned char *data;
    (void)state;
    assert_int_equal(cache_sync(&cache), 0);
    assert_int_equal(disk.flushes, 0);
    assert_int_equal(cache_get(&cache, 3, CACHE_WRITE, &data), 0);
    assert_int_equal(cache_sync(&cache), 0);
    assert_int_equal(disk.flushes, 1);
    assert_int_equal(disk.writes, 1);
    assert_int_equal(cache_sync(&cache), 0);
    assert_int_equal(disk.flushes, 1);
    disk.fail_flush = 1;
    assert_int_equal(cache_get(&cache, 3, CACHE_WRITE, &data), 0);
    assert_int_equal(cache_sync(&cache), EIO);
    disk.fail_flush = 0;
    assert_int_equal(cache_sync(&cache), 0); /* still owed */
    assert_int_equal(disk.flushes, 3);
}

static void test_cache_write_back_is_sorted_batches(void **state)
{
    unsigned char *data;
    (void)state;
    for (uint64_t i = 0; i < 40; i++)
        assert_int_equal(cache_get(&cache, i * 71 % 299, CACHE_WRITE, &data), 0);
    disk.transfers = 0;
    disk.unsorted = 0;
    assert_int_equal(cache_sync(&cache), 0);
    assert_int_equal(disk.transfers, 2);
    assert_int_equal(disk.unsorted, 0);
}

static void test_cache_prefetch_reads_once_in_one_transfer(void **state)
{
    uint64_t page[CACHE_BATCH];
    unsigned char *data;
    (void)state;
    for (uint64_t i = 0; i < CACHE_BATCH; i++)
        page[i] = i + 50;
    disk.transfers = 0;
    cache_prefetch(&cache, page, CACHE_BATCH);
    cache_prefetch(&cache, page, CACHE_BATCH);
    assert_int_equal(disk.transfers, 1);
    for (uint64_t i = 0; i < CACHE_BATCH; i++) {
        assert_int_equal(cache_get(&cache, page[i], CACHE_READ, &data), 0);
        assert_memory_equal(data, model + page[i] * CACHE_PAGE, CACHE_PAGE);
    }
    assert_int_equal(disk.reads, CACHE_BATCH);
}

static void test_cache_drop_does_not_write(void **state)
{
    (void)state;
    assert_int_equal(cache_write(&cache, 7 * CACHE_PAGE, "gone", 4), 0);
    cache_drop(&cache, 7);
    cache_drop(&cache, 8);
    assert_int_equal(cache_sync(&cache), 0);
    assert_int_equal(disk.writes, 0);
}

static void test_cache_open_few_pages_is_einval(void **state)
{
    struct cache other;
    struct block_device device = disk.device;
    (void)state;
    device.pages = CACHE_PAGES_MIN - 1;
    assert_int_equal(cache_open(&other, &device), EINVAL);
    device.pages = CACHE_PAGES_MIN;
    device.sectors = UINT64_MAX;
    assert_int_equal(cache_open(&other, &device), EINVAL);
}

static int grown, grow_error;

/* The buffer has the room from the start. */
static int grow(struct block_device *device, uint32_t pages)
{
    grown++;
    if (grow_error == 0)
        device->pages = pages;
    return grow_error;
}

/* A cache of the least size whose buffer may grow to SLOTS_MOST pages. */
#define SLOTS_MOST (CACHE_PAGES_MIN + 40u)
static void growing_begin(int error)
{
    cache_close(&cache);
    disk_free(&disk);
    disk_from(&disk, model, SIZE, SLOTS_MOST);
    disk.device.pages = CACHE_PAGES_MIN;
    disk.device.pages_most = SLOTS_MOST;
    disk.device.grow = grow;
    grown = 0;
    grow_error = error;
    assert_int_equal(cache_open(&cache, &disk.device), 0);
}

static void pages_read(uint64_t from, uint64_t to)
{
    unsigned char *data;
    for (uint64_t page = from; page < to; page++) {
        assert_int_equal(cache_get(&cache, page, CACHE_READ, &data), 0);
        assert_memory_equal(data, model + page * CACHE_PAGE, CACHE_PAGE);
    }
}

static void test_cache_grows_until_all_of_the_buffer_is_used(void **state)
{
    (void)state;
    growing_begin(0);
    pages_read(0, CACHE_PAGES_MIN);
    assert_int_equal(grown, 0);
    pages_read(CACHE_PAGES_MIN, SLOTS_MOST);
    assert_int_equal(grown, 2);
    pages_read(0, SLOTS_MOST);
    assert_int_equal(disk.reads, SLOTS_MOST); /* all are still there */
    pages_read(SLOTS_MOST, SLOTS_MOST + 20);
    assert_int_equal(grown, 2);
}

static void test_cache_without_memory_stays_as_it_is(void **state)
{
    (void)state;
    growing_begin(ENOMEM);
    pages_read(0, SLOTS_MOST);
    pages_read(0, SLOTS_MOST);
    assert_int_equal(grown, 1);
    growing_begin(EIO); /* a driver that is just being restarted */
    pages_read(0, CACHE_PAGES_MIN + 1);
    grow_error = 0;
    pages_read(0, CACHE_PAGES_MIN + 1);
    assert_int_equal(grown, 2);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_cache_random_reads_and_writes_match_and_sync_stores),
        TEST(test_cache_get_last_8_pages_stay_in_place),
        TEST(test_cache_page_outside_the_device_is_eio),
        TEST(test_cache_write_read_only_is_erofs),
        TEST(test_cache_sync_failed_write_is_eio_and_kept),
        TEST(test_cache_failed_write_survives_use_of_all_pages),
        TEST(test_cache_get_all_dirty_and_failing_is_eio),
        TEST(test_cache_sync_flushes_only_what_was_written),
        TEST(test_cache_write_back_is_sorted_batches),
        TEST(test_cache_prefetch_reads_once_in_one_transfer),
        TEST(test_cache_grows_until_all_of_the_buffer_is_used),
        TEST(test_cache_without_memory_stays_as_it_is),
        TEST(test_cache_drop_does_not_write),
        TEST(test_cache_open_few_pages_is_einval),
    };
    return cmocka_run_group_tests_name("lib_cache", tests, NULL, NULL);
}
