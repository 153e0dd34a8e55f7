/* SPDX-License-Identifier: MIT */
/*
 * FAT (servers/fat) on images of mkfs.fat: 10,000 random operations against a model, then fsck.fat finds nothing; crashes
 * at random writes, after which fsck.fat repairs and all that was synced is there; full disks; what must be refused.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <errno.h>

#include <cmocka.h>

#include "servers/fat/fat.h"
#include "tests/unit/disk.h"
#include "tests/unit/fs_model.h"

#define MIB 1048576u
#define FSCK "fsck.fat -n %s"
/* What it repairs may show the next thing to it. */
#define REPAIR "i=0; until fsck.fat -a %s || [ $i = 8 ]; do i=$((i + 1)); done; [ $i -lt 8 ]"

static struct disk disk;
static struct fat fs;
static char said[4096];

static uint32_t now(void)
{
    static uint32_t seconds = 1700000000;
    return seconds++;
}

static void say(const char *text)
{
    size_t have = strlen(said);
    snprintf(said + have, sizeof said - have, "%s\n", text);
}

static int mount_again(void)
{
    said[0] = 0;
    return fat_mount(&fs, &disk.device, now, say);
}

static void make(uint64_t mib, const char *command)
{
    disk_make(&disk, mib * MIB, command);
    assert_int_equal(mount_again(), 0);
    assert_string_equal(said, "");
}

static void done(void)
{
    assert_int_equal(fat_unmount(&fs), 0);
    disk_check(&disk, FSCK);
    disk_free(&disk);
}

/* ---- random operations ---- */

static void model_run(uint64_t mib, uint32_t bits, const char *command)
{
    struct model model;
    make(mib, command);
    assert_int_equal(fs.bits, bits);
    model_begin(&model, &fat_ops, &fs, random_seed());
    model.any_case = 1;
    model.bytes_most = mib * MIB / 3;
    for (int i = 0; i < 10000; i++) {
        model_step(&model);
        if (i % 2500 == 2499) {
            model_verify(&model, 0);
            assert_int_equal(fat_ops.sync(&fs, 0), 0);
            disk_check(&disk, FSCK);
            assert_int_equal(fat_unmount(&fs), 0);
            assert_int_equal(mount_again(), 0);
            model_verify(&model, 0);
        }
    }
    assert_string_equal(said, "");
    model_end(&model);
    done();
}

static void test_fat_10000_operations_fat12_match_model(void **state)
{
    (void)state;
    model_run(8, 12, "mkfs.fat -F 12 -s 8 -r 4096 %s");
}

static void test_fat_10000_operations_fat16_match_model(void **state)
{
    (void)state;
    model_run(24, 16, "mkfs.fat -F 16 -s 2 -r 4096 %s");
}

static void test_fat_10000_operations_fat32_match_model(void **state)
{
    (void)state;
    model_run(40, 32, "mkfs.fat -F 32 -s 1 %s");
}

static void test_fat_10000_operations_one_table_large_sectors_match_model(void **state)
{
    (void)state;
    model_run(32, 16, "mkfs.fat -F 16 -S 4096 -s 1 -f 1 -r 4096 %s");
}

/* ---- crashes ---- */

static void crash_image(uint64_t *seed)
{
    static const char *const command[] = {"mkfs.fat -F 12 -s 8 -r 4096 %s",
                                          "mkfs.fat -F 16 -s 2 -r 4096 %s",
                                          "mkfs.fat -F 32 -s 1 %s"};
    uint64_t which = random_next(seed) % 3;
    make(which == 2 ? 40 : 10, command[which]);
}

static void crash_once(uint64_t *seed)
{
    struct model model;
    crash_image(seed);
    model_begin(&model, &fat_ops, &fs, random_next(seed) | 1);
    model.any_case = 1;
    model.bytes_most = 3 * MIB;
    model.alive = &disk.keep;
    uint32_t before = (uint32_t)(random_next(seed) % 400);
    for (uint32_t i = 0; i < before; i++)
        model_step(&model);
    disk.keep = random_next(seed) % 300;
    for (uint32_t i = 0; i < 400 && disk.keep > 0; i++)
        model_step(&model);
    fat_abandon(&fs);
    disk.keep = UINT64_MAX;
    assert_int_equal(disk_command(&disk, REPAIR, 1), 0);
    disk_check(&disk, FSCK);
    assert_int_equal(mount_again(), 0);
    model.fs = &fs;
    model_verify(&model, 1);
    model_end(&model);
    done();
}

static void test_fat_crash_at_any_write_keeps_what_was_synced(void **state)
{
    (void)state;
    uint64_t seed = random_seed();
    for (int i = 0; i < 60; i++)
        crash_once(&seed);
}

/* Crashes one after the other without fsck.fat between them, as when the program is killed and started again. */
static void crash_again_and_again(uint64_t *seed)
{
    struct model model;
    crash_image(seed);
    model_begin(&model, &fat_ops, &fs, random_next(seed) | 1);
    model.any_case = 1;
    model.bytes_most = 2 * MIB;
    model.alive = &disk.keep;
    for (int crash = 0; crash < 8; crash++) {
        disk.keep = random_next(seed) % 600;
        for (uint32_t i = 0; i < 500 && disk.keep > 0; i++)
            model_step(&model);
        fat_abandon(&fs);
        disk.keep = UINT64_MAX;
        assert_int_equal(mount_again(), 0);
        assert_false(fs.read_only);
        model_verify(&model, 1);
        model_adopt(&model);
        assert_int_equal(fat_ops.sync(&fs, 0), 0);
        disk_check(&disk, FSCK);
    }
    model_verify(&model, 0);
    model_end(&model);
    done();
}

static void test_fat_crashes_without_repair_keep_what_was_synced(void **state)
{
    (void)state;
    uint64_t seed = random_seed();
    for (int i = 0; i < 10; i++)
        crash_again_and_again(&seed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fat_10000_operations_fat12_match_model),
        cmocka_unit_test(test_fat_10000_operations_fat16_match_model),
        cmocka_unit_test(test_fat_10000_operations_fat32_match_model),
        cmocka_unit_test(test_fat_10000_operations_one_table_large_sectors_match_model),
        cmocka_unit_test(test_fat_crash_at_any_write_keeps_what_was_synced),
        cmocka_unit_test(test_fat_crashes_without_repair_keep_what_was_synced),
    };
    return cmocka_run_group_tests_name("lib_fat", tests, NULL, NULL);
}
