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

/* ---- single things ---- */

static uint64_t root_node(void)
{
    uint64_t node = 0;
    assert_int_equal(fat_ops.root(&fs, &node), 0);
    return node;
}

static int create(const char *name, uint32_t mode)
{
    uint64_t node = 0, root = root_node();
    int error = fat_ops.create(&fs, root, name, mode, &node);
    if (error == 0)
        fat_ops.forget(&fs, node);
    fat_ops.forget(&fs, root);
    return error;
}

static int is_there(const char *path)
{
    uint64_t node = 0;
    int error = fs_walk(&fat_ops, &fs, path, &node);
    if (error == 0)
        fat_ops.forget(&fs, node);
    return error == 0;
}

/* The root's names, each with a blank behind. */
static const char *names(void)
{
    static char all[4096];
    struct fs_entry entry = {.next = 0};
    uint64_t root = root_node();
    all[0] = 0;
    while (fat_ops.readdir(&fs, root, entry.next, &entry) == 0) {
        strcat(all, entry.name);
        strcat(all, " ");
    }
    fat_ops.forget(&fs, root);
    return all;
}

static uint64_t free_clusters(void)
{
    struct fs_space space;
    assert_int_equal(fat_ops.space(&fs, &space), 0);
    return space.free;
}

static void test_fat_names_keep_their_case_and_are_found_in_any(void **state)
{
    (void)state;
    make(4, "mkfs.fat -F 12 %s");
    assert_int_equal(create("Readme.Text", S_IFREG | 0644), 0);
    assert_int_equal(create("README.TEXT", S_IFREG | 0644), EEXIST);
    assert_int_equal(create("\xc3\x84pfel und \xce\xa9", S_IFREG | 0644), 0);
    assert_int_equal(create("PLAIN.TXT", S_IFREG | 0644), 0);
    assert_true(is_there("readme.TEXT"));
    assert_true(is_there("\xc3\xa4PFEL UND \xcf\x89"));
    assert_true(is_there("plain.txt"));
    assert_true(is_there("README~1.TEX")); /* its short name */
    assert_string_equal(names(), "Readme.Text \xc3\x84pfel und \xce\xa9 PLAIN.TXT ");
    uint64_t root = root_node();
    assert_int_equal(fat_ops.rename(&fs, root, "readme.text", root, "readMe.texT"), 0);
    assert_int_equal(fat_ops.rename(&fs, root, "plain.txt", root, "README.TEXT"),
                     0); /* replaces it */
    assert_string_equal(names(), "README.TEXT \xc3\x84pfel und \xce\xa9 ");
    fat_ops.forget(&fs, root);
    done();
}

static void test_fat_names_that_fat_forbids_are_refused(void **state)
{
    static const struct {
        const char *name;
        int error;
    } bad[] = {{"a:b", EINVAL},      {"what?", EINVAL},    {"a*", EINVAL},
               {"a\"b", EINVAL},     {"a\\b", EINVAL},     {"tab\t", EINVAL},
               {"end.", EINVAL},     {"end ", EINVAL},     {"...", EINVAL},
               {"\xff\xfe", EILSEQ}, {"\xc0\xaf", EILSEQ}, {"\xed\xa0\x80", EILSEQ}};
    (void)state;
    make(4, "mkfs.fat -F 12 %s");
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_int_equal(create(bad[i].name, S_IFREG | 0644), bad[i].error);
    assert_string_equal(names(), "");
    done();
}

static void test_fat_short_names_stay_unique(void **state)
{
    char name[40];
    (void)state;
    make(8, "mkfs.fat -F 12 -s 8 -r 2048 %s");
    for (int i = 0; i < 300; i++) {
        snprintf(name, sizeof name, "the same beginning %d.text", i);
        assert_int_equal(create(name, S_IFREG | 0644), 0);
    }
    assert_true(is_there("THESAM~9.TEX"));
    assert_true(is_there("THES~300.TEX"));
    assert_false(is_there("THES~301.TEX"));
    assert_int_equal(fat_ops.sync(&fs, 0), 0);
    disk_check(&disk, FSCK);
    disk_check(&disk, "mdir -b -i %s | wc -l | grep -x '300'"); /* another's eyes */
    done();
}

static void test_fat_others_names_and_contents_are_read(void **state)
{
    uint64_t node = 0;
    char got[16];
    uint32_t bytes;
    (void)state;
    make(8, "mkfs.fat -F 12 -s 8 %1$s; mkdir -p \"%1$s.d/A Folder/below\"; echo hello >\"%1$s.d/A "
            "Folder/below/Some file.html\"; "
            ": >%1$s.d/lower.txt; mcopy -s -i %1$s %1$s.d/* ::; rm -r %1$s.d");
    assert_int_equal(fs_walk(&fat_ops, &fs, "a folder/BELOW/../below/some FILE.html", &node), 0);
    assert_int_equal(fat_ops.read(&fs, node, 0, got, sizeof got, &bytes), 0);
    assert_int_equal(bytes, 6);
    assert_memory_equal(got, "hello\n", 6);
    fat_ops.forget(&fs, node);
    assert_string_equal(names(), "A Folder lower.txt ");
    done();
}

static void test_fat_others_read_what_is_written(void **state)
{
    uint64_t node = 0, root;
    uint32_t bytes;
    (void)state;
    make(40, "mkfs.fat -F 32 -s 1 %s");
    root = root_node();
    assert_int_equal(
        fat_ops.create(&fs, root, "A long name, for mtools.text", S_IFREG | 0644, &node), 0);
    assert_int_equal(fat_ops.write(&fs, node, 100000, "end", 3, &bytes), 0);
    fat_ops.forget(&fs, node);
    fat_ops.forget(&fs, root);
    assert_int_equal(fat_ops.sync(&fs, 0), 0);
    disk_check(&disk, "mtype -i %s '::/a long name, for mtools.text' | tail -c 5 | od -An -c | "
                      "grep '\\\\0  \\\\0   e   n   d'");
    done();
}

static void test_fat_disk_full_is_enospc_and_all_comes_back(void **state)
{
    static unsigned char data[30000];
    uint64_t node = 0, root, at = 0, before;
    uint32_t bytes = 0;
    int error;
    (void)state;
    make(4, "mkfs.fat -F 12 -s 4 %s");
    before = free_clusters();
    root = root_node();
    assert_int_equal(fat_ops.create(&fs, root, "large", S_IFREG | 0644, &node), 0);
    do {
        error = fat_ops.write(&fs, node, at, data, sizeof data, &bytes);
        at += error == 0 ? bytes : 0;
    } while (error == 0);
    assert_int_equal(error, ENOSPC);
    assert_int_equal(at, before * fs.cluster_bytes);
    assert_int_equal(create("folder", S_IFDIR | 0755), ENOSPC);
    assert_int_equal(fat_ops.sync(&fs, 0), 0);
    disk_check(&disk, FSCK);
    assert_int_equal(fat_ops.remove(&fs, root, "large", 0), 0);
    fat_ops.forget(&fs, node);
    assert_int_equal(free_clusters(), before);
    assert_int_equal(create("folder", S_IFDIR | 0755), 0); /* what was freed can be used at once */
    assert_int_equal(fat_ops.create(&fs, root, "gap", S_IFREG | 0644, &node), 0);
    assert_int_equal(fat_ops.write(&fs, node, 100 * MIB, "x", 1, &bytes), ENOSPC);
    assert_int_equal(fat_ops.write(&fs, node, 1ull << 32, "x", 1, &bytes), EFBIG);
    struct fs_attr attr = {.size = 1ull << 33};
    assert_int_equal(fat_ops.setattr(&fs, node, FS_SET_SIZE, &attr), EFBIG);
    assert_int_equal(free_clusters(), before - 1);
    fat_ops.forget(&fs, node);
    fat_ops.forget(&fs, root);
    done();
}

static void test_fat_root_full_is_enospc(void **state)
{
    char name[20];
    int made = 0, error = 0;
    (void)state;
    make(4, "mkfs.fat -F 12 -r 64 %s");
    for (; error == 0; made += error == 0) {
        snprintf(name, sizeof name, "F%d", made);
        error = create(name, S_IFREG | 0644);
    }
    assert_int_equal(error, ENOSPC);
    assert_int_equal(made, 64);
    uint64_t root = root_node();
    assert_int_equal(fat_ops.rename(&fs, root, "F5", root, "a name that needs more slots"), ENOSPC);
    assert_true(is_there("F5"));
    fat_ops.forget(&fs, root);
    done();
}

static void test_fat_dirty_mark_goes_with_the_first_change_and_comes_with_sync(void **state)
{
    (void)state;
    make(40, "mkfs.fat -F 32 -s 1 %s");
    assert_int_equal(disk.bytes[B_STATE_32] & STATE_DIRTY, 0);
    assert_int_equal(create("file", S_IFREG | 0644), 0);
    assert_int_equal(disk.bytes[B_STATE_32] & STATE_DIRTY, STATE_DIRTY);
    assert_int_equal(fat_ops.sync(&fs, 0), 0);
    assert_int_equal(disk.bytes[B_STATE_32] & STATE_DIRTY, 0);
    uint64_t left = free_clusters();
    assert_int_equal(create("folder", S_IFDIR | 0755), 0);
    fat_abandon(&fs);
    assert_int_equal(mount_again(), 0);
    assert_non_null(strstr(said, "not cleanly unmounted, and was repaired"));
    assert_int_equal(free_clusters(), left);
    done();
}

static void test_fat_failed_write_is_told_by_sync_and_kept(void **state)
{
    (void)state;
    make(4, "mkfs.fat -F 12 %s");
    assert_int_equal(create("file", S_IFREG | 0644), 0);
    disk.fail_all = 1;
    assert_int_equal(fat_ops.sync(&fs, 0), EIO);
    disk.fail_all = 0;
    assert_int_equal(fat_ops.sync(&fs, 0), 0);
    assert_int_equal(fat_unmount(&fs), 0);
    assert_int_equal(mount_again(), 0);
    assert_true(is_there("FILE"));
    done();
}

static void test_fat_read_only_device_is_erofs(void **state)
{
    (void)state;
    disk_make(&disk, 4 * MIB, "mkfs.fat -F 12 %s");
    disk.device.read_only = 1;
    assert_int_equal(mount_again(), 0);
    assert_int_equal(create("file", S_IFREG | 0644), EROFS);
    assert_int_equal(fat_unmount(&fs), 0);
    assert_int_equal(disk.writes, 0);
    disk_free(&disk);
}

/* Puts a byte into the boot sector. */
static void refuse_case(size_t at, unsigned char byte, const char *words)
{
    disk_make(&disk, 40 * MIB, "mkfs.fat -F 32 -s 1 %s");
    disk.bytes[at] = byte;
    assert_int_not_equal(mount_again(), 0);
    if (strstr(said, words) == NULL)
        fail_msg("byte %zu is %u: says \"%s\", not \"%s\"", at, byte, said, words);
    assert_int_equal(disk.writes, 0);
    disk_free(&disk);
}

static void test_fat_what_it_cannot_handle_is_refused_in_words(void **state)
{
    (void)state;
    refuse_case(B_SIGNATURE, 0, "signature");
    refuse_case(B_SECTOR_BYTES, 1, "sectors have an impossible size");
    refuse_case(B_SECTOR_BYTES + 1, 0x20, "sectors have an impossible size");
    refuse_case(B_CLUSTER_SECTORS, 3, "clusters have an impossible size");
    refuse_case(B_CLUSTER_SECTORS, 0, "clusters have an impossible size");
    refuse_case(B_TABLES, 0, "tables");
    refuse_case(B_SECTORS + 3, 1, "larger than the device");
    refuse_case(B_TABLE_SECTORS_32 + 2, 1, "room for files");
    refuse_case(B_ROOT_32 + 3, 1, "root folder is outside");
    refuse_case(B_VERSION_32, 1, "version");
    refuse_case(B_ROOT_ENTRIES + 1, 1, "root folder has an impossible size");
}

static void test_fat_chain_in_a_circle_is_euclean(void **state)
{
    static unsigned char data[40000];
    uint64_t node = 0, root;
    uint32_t bytes, first;
    (void)state;
    make(8, "mkfs.fat -F 16 -s 1 %s");
    root = root_node();
    assert_int_equal(fat_ops.create(&fs, root, "file", S_IFREG | 0644, &node), 0);
    assert_int_equal(fat_ops.write(&fs, node, 0, data, sizeof data, &bytes), 0);
    first = node_find(&fs, node)->cluster;
    assert_int_equal(table_set(&fs, first + 3, first), 0);
    chain_forget(node_find(&fs, node), 0);
    node_find(&fs, node)->size = UINT32_MAX;
    assert_int_equal(fat_ops.read(&fs, node, UINT32_MAX - 5u, data, 1, &bytes), EUCLEAN);
    assert_int_equal(fat_ops.remove(&fs, root, "file", 0), 0);
    fat_ops.forget(&fs, node); /* gives the chain back, once around */
    assert_non_null(strstr(said, "damaged"));
    fat_ops.forget(&fs, root);
    assert_int_equal(fat_unmount(&fs), 0);
    disk_free(&disk);
}

static void slot_is(uint32_t seconds, uint32_t date, uint32_t time)
{
    uint32_t d, t;
    time_to_slot(seconds, &d, &t);
    assert_int_equal(d, date);
    assert_int_equal(t, time);
    assert_int_equal(time_from_slot(d, t), seconds);
}

static void test_fat_times_as_by_hand(void **state)
{
    (void)state;
    uint32_t date, time;
    slot_is(315532800, 0 << 9 | 1 << 5 | 1, 0);                         /* 1980-01-01 */
    slot_is(951868798, 20 << 9 | 2 << 5 | 29, 23 << 11 | 59 << 5 | 29); /* 2000-02-29 23:59:58 */
    slot_is(2147483648, 58 << 9 | 1 << 5 | 19, 3 << 11 | 14 << 5 | 4);  /* 2038-01-19 03:14:08 */
    slot_is(4107542400, 120 << 9 | 3 << 5 | 1, 0);                      /* 2100-03-01 */
    time_to_slot(0, &date, &time); /* before 1980: its first day */
    assert_int_equal(date, 1 << 5 | 1);
    assert_int_equal(time, 0);
    assert_int_equal(time_from_slot(127 << 9 | 12 << 5 | 31, 0),
                     UINT32_MAX);              /* 2107: not its remainder */
    for (uint32_t d = 0; d <= UINT16_MAX; d++) /* any bits are some time */
        assert_true(time_from_slot(d, UINT16_MAX) >= 315532800);
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
        cmocka_unit_test(test_fat_names_keep_their_case_and_are_found_in_any),
        cmocka_unit_test(test_fat_names_that_fat_forbids_are_refused),
        cmocka_unit_test(test_fat_short_names_stay_unique),
        cmocka_unit_test(test_fat_others_names_and_contents_are_read),
        cmocka_unit_test(test_fat_others_read_what_is_written),
        cmocka_unit_test(test_fat_disk_full_is_enospc_and_all_comes_back),
        cmocka_unit_test(test_fat_root_full_is_enospc),
        cmocka_unit_test(test_fat_dirty_mark_goes_with_the_first_change_and_comes_with_sync),
        cmocka_unit_test(test_fat_failed_write_is_told_by_sync_and_kept),
        cmocka_unit_test(test_fat_read_only_device_is_erofs),
        cmocka_unit_test(test_fat_what_it_cannot_handle_is_refused_in_words),
        cmocka_unit_test(test_fat_chain_in_a_circle_is_euclean),
        cmocka_unit_test(test_fat_times_as_by_hand),
    };
    return cmocka_run_group_tests_name("lib_fat", tests, NULL, NULL);
}
