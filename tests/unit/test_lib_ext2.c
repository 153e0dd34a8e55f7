/* SPDX-License-Identifier: MIT */
/*
 * ext2 (servers/ext2) on images of mke2fs: 10,000 random operations against a model, then e2fsck finds nothing; crashes
 * at random writes, after which e2fsck repairs and all that was synced is there; full disks; what must be refused.
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

#include "servers/ext2/ext2.h"
#include "tests/unit/disk.h"
#include "tests/unit/fs_model.h"

#define MIB 1048576u
#define FSCK "e2fsck -fn %s"
#define REPAIR "e2fsck -fy %s; [ $? -lt 4 ]"

static struct disk disk;
static struct ext2 fs;
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
    return ext2_mount(&fs, &disk.device, now, say);
}

static void make(uint64_t mib, const char *command)
{
    disk_make(&disk, mib * MIB, command);
    assert_int_equal(mount_again(), 0);
    assert_string_equal(said, "");
}

static void done(void)
{
    assert_int_equal(ext2_unmount(&fs), 0);
    disk_check(&disk, FSCK);
    disk_free(&disk);
}

/* ---- random operations ---- */

static void model_run(const char *command)
{
    struct model model;
    make(24, command);
    model_begin(&model, &ext2_ops, &fs, random_seed());
    model_fixed(&model, "lost+found");
    for (int i = 0; i < 10000; i++) {
        model_step(&model);
        if (i % 2500 == 2499) {
            model_verify(&model, 0);
            assert_int_equal(ext2_ops.sync(&fs, 0), 0);
            disk_check(&disk, FSCK);
            assert_int_equal(ext2_unmount(&fs), 0);
            assert_int_equal(mount_again(), 0);
            model_verify(&model, 0);
        }
    }
    assert_string_equal(said, "");
    model_end(&model);
    done();
}

static void test_ext2_10000_operations_blocks_1k_match_model(void **state)
{
    (void)state;
    model_run("mke2fs -q -F -t ext2 -b 1024 %s");
}

static void test_ext2_10000_operations_blocks_2k_match_model(void **state)
{
    (void)state;
    model_run("mke2fs -q -F -t ext2 -b 2048 -I 128 -g 2048 %s");
}

static void test_ext2_10000_operations_blocks_4k_match_model(void **state)
{
    (void)state;
    model_run("mke2fs -q -F -t ext2 -b 4096 %s");
}

static void test_ext2_10000_operations_revision_0_match_model(void **state)
{
    (void)state;
    model_run("mke2fs -q -F -t ext2 -b 1024 -r 0 -O none %s");
}

/* ---- crashes ---- */

static const char *crash_image(uint64_t *seed)
{
    static const char *const command[] = {"mke2fs -q -F -t ext2 -b 1024 %s",
                                          "mke2fs -q -F -t ext2 -b 2048 %s",
                                          "mke2fs -q -F -t ext2 -b 4096 %s"};
    return command[random_next(seed) % 3];
}

static void crash_once(uint64_t *seed)
{
    struct model model;
    make(8, crash_image(seed));
    model_begin(&model, &ext2_ops, &fs, random_next(seed) | 1);
    model_fixed(&model, "lost+found");
    model.bytes_most = 3 * MIB;
    model.alive = &disk.keep;
    uint32_t before = (uint32_t)(random_next(seed) % 400);
    for (uint32_t i = 0; i < before; i++)
        model_step(&model);
    disk.keep = random_next(seed) % 300;
    for (uint32_t i = 0; i < 400 && disk.keep > 0; i++)
        model_step(&model);
    ext2_abandon(&fs);
    disk.keep = UINT64_MAX;
    assert_int_equal(disk_command(&disk, REPAIR, 1), 0);
    disk_check(&disk, FSCK);
    assert_int_equal(mount_again(), 0);
    model.fs = &fs;
    model_verify(&model, 1);
    model_end(&model);
    done();
}

static void test_ext2_crash_at_any_write_keeps_what_was_synced(void **state)
{
    (void)state;
    uint64_t seed = random_seed();
    for (int i = 0; i < 60; i++)
        crash_once(&seed);
}

/* Crashes one after the other without e2fsck between them, as when the program is killed and started again. */
static void crash_again_and_again(uint64_t *seed)
{
    struct model model;
    make(8, crash_image(seed));
    model_begin(&model, &ext2_ops, &fs, random_next(seed) | 1);
    model_fixed(&model, "lost+found");
    model.bytes_most = 2 * MIB;
    model.alive = &disk.keep;
    for (int crash = 0; crash < 8; crash++) {
        disk.keep = random_next(seed) % 600;
        for (uint32_t i = 0; i < 500 && disk.keep > 0; i++)
            model_step(&model);
        ext2_abandon(&fs);
        disk.keep = UINT64_MAX;
        assert_int_equal(mount_again(), 0);
        assert_false(fs.read_only);
        model_verify(&model, 1);
        model_adopt(&model);
    }
    assert_int_equal(ext2_unmount(&fs), 0);
    assert_int_equal(disk_command(&disk, REPAIR, 1), 0);
    assert_int_equal(mount_again(), 0);
    model_verify(&model, 0);
    model_end(&model);
    done();
}

static void test_ext2_crashes_without_repair_keep_what_was_synced(void **state)
{
    (void)state;
    uint64_t seed = random_seed();
    for (int i = 0; i < 10; i++)
        crash_again_and_again(&seed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ext2_10000_operations_blocks_1k_match_model),
        cmocka_unit_test(test_ext2_10000_operations_blocks_2k_match_model),
        cmocka_unit_test(test_ext2_10000_operations_blocks_4k_match_model),
        cmocka_unit_test(test_ext2_10000_operations_revision_0_match_model),
        cmocka_unit_test(test_ext2_crash_at_any_write_keeps_what_was_synced),
        cmocka_unit_test(test_ext2_crashes_without_repair_keep_what_was_synced),
    };
    return cmocka_run_group_tests_name("lib_ext2", tests, NULL, NULL);
}
