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

/* ---- single things ---- */

static uint64_t root_node(void)
{
    uint64_t node = 0;
    assert_int_equal(ext2_ops.root(&fs, &node), 0);
    return node;
}

static uint64_t file_make(const char *name)
{
    uint64_t node = 0, root = root_node();
    assert_int_equal(ext2_ops.create(&fs, root, name, S_IFREG | 0644, &node), 0);
    ext2_ops.forget(&fs, root);
    return node;
}

/* Bytes that differ from place to place. */
static void pattern(unsigned char *to, size_t bytes, uint64_t from)
{
    for (size_t i = 0; i < bytes; i++)
        to[i] = (unsigned char)((from + i) * 31 + (from + i) / 977);
}

static uint64_t free_blocks(void)
{
    struct fs_space space;
    assert_int_equal(ext2_ops.space(&fs, &space), 0);
    return space.free;
}

static void test_ext2_disk_full_is_enospc_and_all_comes_back(void **state)
{
    static const char *const command[] = {"mke2fs -q -F -t ext2 -b 1024 %s",
                                          "mke2fs -q -F -t ext2 -b 4096 %s"};
    static unsigned char data[30000], got[30000];
    (void)state;
    for (int i = 0; i < 2; i++) {
        make(4, command[i]);
        uint64_t before = free_blocks(), node = file_make("large"), at = 0, root = root_node(),
                 other = 0;
        uint32_t bytes = 0;
        int error;
        do {
            pattern(data, sizeof data, at);
            error = ext2_ops.write(&fs, node, at, data, sizeof data, &bytes);
            at += error == 0 ? bytes : 0;
        } while (error == 0);
        assert_int_equal(error, ENOSPC);
        assert_true(at > 3 * MIB);
        assert_int_equal(free_blocks(), 0);
        assert_int_equal(ext2_ops.create(&fs, root, "folder", S_IFDIR | 0755, &other), ENOSPC);
        assert_int_equal(ext2_ops.sync(&fs, 0), 0);
        disk_check(&disk, FSCK);
        for (uint64_t from = 0; from < at; from += bytes) {
            assert_int_equal(ext2_ops.read(&fs, node, from, got, sizeof got, &bytes), 0);
            pattern(data, bytes, from);
            assert_memory_equal(got, data, bytes);
        }
        assert_int_equal(ext2_ops.remove(&fs, root, "large", 0), 0);
        ext2_ops.forget(&fs, node);
        assert_int_equal(free_blocks(), before);
        ext2_ops.forget(&fs, file_make("again")); /* what was freed can be used at once */
        ext2_ops.forget(&fs, root);
        done();
    }
}

static void test_ext2_no_inode_left_is_enospc(void **state)
{
    char name[20];
    uint64_t root, node = 0;
    int error = 0, made = 0;
    (void)state;
    make(4, "mke2fs -q -F -t ext2 -N 64 %s");
    root = root_node();
    for (; error == 0; made++) {
        snprintf(name, sizeof name, "f%d", made);
        if ((error = ext2_ops.create(&fs, root, name, S_IFREG | 0644, &node)) == 0)
            ext2_ops.forget(&fs, node);
    }
    assert_int_equal(error, ENOSPC);
    assert_int_equal(ext2_ops.remove(&fs, root, "f3", 0), 0);
    assert_int_equal(ext2_ops.create(&fs, root, "g", S_IFREG | 0644, &node), 0);
    ext2_ops.forget(&fs, node);
    ext2_ops.forget(&fs, root);
    done();
}

static void test_ext2_holes_up_to_triple_indirect_read_as_zeros(void **state)
{
    static const uint64_t place[] = {
        0, 11 * 1024, 13 * 1024, 300 * 1024, 70000 * 1024ull, 3000000000ull, 16000000000ull};
    unsigned char got[4096], zero[4096] = {0};
    uint32_t bytes;
    (void)state;
    make(4, "mke2fs -q -F -t ext2 -b 1024 -O ^large_file %s");
    uint64_t before = free_blocks(), node = file_make("sparse");
    for (size_t i = 0; i < sizeof place / sizeof place[0]; i++)
        assert_int_equal(ext2_ops.write(&fs, node, place[i], "here", 4, &bytes), 0);
    assert_int_equal(ext2_ops.sync(&fs, 0), 0);
    disk_check(&disk, FSCK);
    for (size_t i = 0; i < sizeof place / sizeof place[0]; i++) {
        assert_int_equal(ext2_ops.read(&fs, node, place[i], got, 4, &bytes), 0);
        assert_memory_equal(got, "here", 4);
        assert_int_equal(ext2_ops.read(&fs, node, place[i] + 4, got, 900, &bytes), 0);
        assert_memory_equal(got, zero, bytes);
    }
    assert_int_equal(ext2_ops.read(&fs, node, 9000000000ull, got, sizeof got, &bytes), 0);
    assert_int_equal(bytes, sizeof got);
    assert_memory_equal(got, zero, sizeof got);
    assert_int_equal(ext2_ops.write(&fs, node, 1ull << 50, "x", 1, &bytes), EFBIG);
    struct fs_attr attr = {.size = 5};
    assert_int_equal(ext2_ops.setattr(&fs, node, FS_SET_SIZE, &attr), 0);
    assert_int_equal(free_blocks(), before - 1);
    ext2_ops.forget(&fs, node);
    done();
}

static void test_ext2_indexed_folder_is_read_and_loses_its_index_when_changed(void **state)
{
    uint64_t folder = 0, node = 0;
    char name[80];
    (void)state;
    make(8, "mkdir -p %1$s.d/many && for i in $(seq 1 900); do : >\"%1$s.d/many/a name that is "
            "rather long, $i\"; done; "
            "mke2fs -q -F -t ext2 -b 1024 -N 1200 -d %1$s.d %1$s && rm -r %1$s.d && (e2fsck -fyD "
            "%1$s; [ $? -le 1 ])");
    assert_int_equal(fs_walk(&ext2_ops, &fs, "many", &folder), 0);
    assert_true(node_find(&fs, folder)->flags & FLAG_INDEX);
    for (int i = 1; i <= 900; i++) {
        snprintf(name, sizeof name, "a name that is rather long, %d", i);
        assert_int_equal(ext2_ops.lookup(&fs, folder, name, &node), 0);
        ext2_ops.forget(&fs, node);
        if (i == 450)
            assert_int_equal(ext2_ops.create(&fs, folder, "new", S_IFREG | 0644, &node), 0);
        if (i == 450)
            ext2_ops.forget(&fs, node);
    }
    assert_false(node_find(&fs, folder)->flags & FLAG_INDEX);
    assert_int_equal(ext2_ops.remove(&fs, folder, "a name that is rather long, 7", 0), 0);
    ext2_ops.forget(&fs, folder);
    done();
}

static void test_ext2_links_are_made_and_read(void **state)
{
    static const char *const target[] = {
        "short", "a target of more than sixty bytes lies in a block of its own, as here and now"};
    char got[100];
    uint64_t node = 0, other = 0, root;
    struct fs_attr attr;
    uint32_t bytes;
    (void)state;
    make(4, "mke2fs -q -F -t ext2 %s");
    root = root_node();
    for (int i = 0; i < 2; i++) {
        assert_int_equal(ext2_ops.symlink(&fs, root, target[i], target[i], &node), 0);
        assert_int_equal(ext2_ops.readlink(&fs, node, got, sizeof got, &bytes), 0);
        assert_int_equal(bytes, strlen(target[i]));
        assert_memory_equal(got, target[i], bytes);
        ext2_ops.forget(&fs, node);
    }
    node = file_make("file");
    assert_int_equal(ext2_ops.write(&fs, node, 0, "text", 4, &bytes), 0);
    assert_int_equal(ext2_ops.link(&fs, root, "second", node), 0);
    assert_int_equal(ext2_ops.link(&fs, root, "second", node), EEXIST);
    assert_int_equal(ext2_ops.link(&fs, root, "folder", root), EPERM);
    assert_int_equal(ext2_ops.remove(&fs, root, "file", 0), 0);
    ext2_ops.forget(&fs, node);
    assert_int_equal(ext2_ops.lookup(&fs, root, "second", &other), 0);
    assert_int_equal(ext2_ops.getattr(&fs, other, &attr), 0);
    assert_int_equal(attr.nlink, 1);
    assert_int_equal(attr.size, 4);
    ext2_ops.forget(&fs, other);
    assert_int_equal(ext2_ops.sync(&fs, 0), 0);
    disk_check(&disk, FSCK);
    for (int i = 0; i < 2; i++)
        assert_int_equal(ext2_ops.remove(&fs, root, target[i], 0), 0);
    ext2_ops.forget(&fs, root);
    done();
}

static void test_ext2_state_and_mount_count_as_linux_keeps_them(void **state)
{
    const unsigned char *super;
    (void)state;
    make(4, "mke2fs -q -F -t ext2 %s");
    super = disk.bytes + SUPER_OFFSET;
    assert_int_equal(super[S_STATE], STATE_CLEAN);
    uint64_t node = file_make("file");
    assert_int_equal(super[S_STATE], 0); /* at once */
    assert_int_equal(ext2_ops.sync(&fs, node), 0);
    assert_int_equal(super[S_STATE], 0);
    assert_int_equal(ext2_ops.sync(&fs, 0), 0);
    assert_int_equal(super[S_STATE], STATE_CLEAN);
    assert_int_equal(super[S_MOUNTS], 1);
    uint64_t root = root_node();
    assert_int_equal(ext2_ops.remove(&fs, root, "file", 0), 0);
    assert_int_equal(ext2_ops.sync(&fs, 0), 0);
    assert_int_equal(super[S_STATE], 0); /* it is open still */
    ext2_ops.forget(&fs, node);
    ext2_ops.forget(&fs, root);
    ext2_abandon(&fs);
    assert_int_equal(mount_again(), 0);
    assert_non_null(strstr(said, "not cleanly unmounted"));
    assert_int_equal(ext2_unmount(&fs), 0);
    assert_int_equal(super[S_STATE], 0); /* e2fsck has not looked yet */
    assert_int_equal(super[S_MOUNTS], 2);
    disk_free(&disk);
}

static void test_ext2_failed_write_is_told_by_sync_and_kept(void **state)
{
    static unsigned char data[50000], got[50000];
    uint32_t bytes;
    (void)state;
    make(4, "mke2fs -q -F -t ext2 -b 4096 %s");
    uint64_t node = file_make("file");
    pattern(data, sizeof data, 0);
    assert_int_equal(ext2_ops.write(&fs, node, 0, data, sizeof data, &bytes), 0);
    disk.fail_all = 1;
    assert_int_equal(ext2_ops.sync(&fs, node), EIO);
    disk.fail_all = 0;
    assert_int_equal(ext2_ops.sync(&fs, node), 0);
    ext2_ops.forget(&fs, node);
    assert_int_equal(ext2_unmount(&fs), 0);
    assert_int_equal(mount_again(), 0);
    assert_int_equal(fs_walk(&ext2_ops, &fs, "file", &node), 0);
    assert_int_equal(ext2_ops.read(&fs, node, 0, got, sizeof got, &bytes), 0);
    assert_memory_equal(got, data, sizeof data);
    ext2_ops.forget(&fs, node);
    done();
}

/* Mounts an image that the command makes; nothing may be written to it. */
static void read_only_case(const char *command, int read_only_device, const char *words)
{
    uint64_t node = 0;
    disk_make(&disk, 8 * MIB, command);
    disk.device.read_only = (uint32_t)read_only_device;
    assert_int_equal(mount_again(), 0);
    assert_non_null(strstr(said, words));
    uint64_t root = root_node();
    assert_int_equal(ext2_ops.create(&fs, root, "x", S_IFREG | 0644, &node), EROFS);
    assert_int_equal(ext2_ops.remove(&fs, root, "lost+found", 1), EROFS);
    assert_int_equal(ext2_ops.lookup(&fs, root, "lost+found", &node), 0);
    ext2_ops.forget(&fs, node);
    ext2_ops.forget(&fs, root);
    assert_int_equal(ext2_unmount(&fs), 0);
    assert_int_equal(disk.writes, 0);
    disk_free(&disk);
}

static void test_ext2_unknown_ro_compat_or_device_is_read_only(void **state)
{
    (void)state;
    read_only_case("mke2fs -q -F -t ext2 -O huge_file %s", 0, "allow reading only");
    read_only_case("mke2fs -q -F -t ext2 -I 256 -O extra_isize,dir_nlink %s", 0,
                   "allow reading only");
    read_only_case("mke2fs -q -F -t ext2 %s", 1, "");
}

static void refuse_case(const char *command, const char *words)
{
    disk_make(&disk, 8 * MIB, command);
    assert_int_not_equal(mount_again(), 0);
    if (strstr(said, words) == NULL)
        fail_msg("%s: says \"%s\", not \"%s\"", command, said, words);
    assert_int_equal(disk.writes, 0);
    disk_free(&disk);
}

static void test_ext2_what_it_cannot_handle_is_refused_in_words(void **state)
{
    (void)state;
    refuse_case("true %s", "magic number");
    refuse_case("mke2fs -q -F -t ext4 %s", "ext4");
    refuse_case("mke2fs -q -F -t ext2 -O meta_bg,^resize_inode %s", "meta_bg");
    refuse_case("mke2fs -q -F -t ext3 %1$s && debugfs -w -R 'feature needs_recovery' %1$s",
                "run e2fsck");
    refuse_case("mke2fs -q -F -t ext2 %1$s && debugfs -w -R 'ssv blocks_count 9999999' %1$s",
                "larger than the device");
    refuse_case("mke2fs -q -F -t ext2 %1$s && debugfs -w -R 'ssv inodes_per_group 7' %1$s",
                "impossible size");
    refuse_case("mke2fs -q -F -t ext2 %1$s && debugfs -w -R 'ssv inodes_count 7' %1$s", "inodes");
    refuse_case("mke2fs -q -F -t ext2 %1$s && debugfs -w -R 'ssv rev_level 2' %1$s", "revision");
    refuse_case("mke2fs -q -F -t ext2 -b 1024 %1$s && dd if=/dev/zero of=%1$s bs=1024 seek=2 "
                "count=1 conv=notrunc",
                "group");
}

static void test_ext2_clean_journal_is_left_alone(void **state)
{
    (void)state;
    make(8, "mke2fs -q -F -t ext3 %s");
    ext2_ops.forget(&fs, file_make("file"));
    done();
}

static void test_ext2_file_with_impossible_block_is_euclean_and_no_more(void **state)
{
    unsigned char byte;
    uint64_t node = 0;
    uint32_t bytes;
    (void)state;
    disk_make(&disk, 4 * MIB,
              "mke2fs -q -F -t ext2 -d /etc/default %1$s; echo hello >%1$s.f; debugfs -w -R "
              "\"write %1$s.f bad\" %1$s; "
              "rm %1$s.f; debugfs -w -R 'sif bad block[0] 99999999' %1$s");
    assert_int_equal(mount_again(), 0);
    assert_int_equal(fs_walk(&ext2_ops, &fs, "bad", &node), 0);
    assert_int_equal(ext2_ops.read(&fs, node, 0, &byte, 1, &bytes), EUCLEAN);
    assert_non_null(strstr(said, "damaged"));
    ext2_ops.forget(&fs, node);
    ext2_ops.forget(&fs, file_make("another"));
    assert_int_equal(ext2_unmount(&fs), 0);
    disk_free(&disk);
}

static void test_ext2_shared_attributes_go_with_the_last_file(void **state)
{
    uint64_t root, before;
    (void)state;
    /* Two files with one block of attributes. */
    make(4, "mke2fs -q -F -t ext2 -I 128 %1$s; for f in a b; do echo hi >%1$s.f; debugfs -w -R "
            "\"write %1$s.f $f\" %1$s; done; rm %1$s.f; "
            "debugfs -w -R 'ea_set a user.name value' %1$s; B=$(debugfs -R 'stat a' %1$s | sed -n "
            "'s/.*File ACL: \\([0-9]*\\).*/\\1/p'); "
            "debugfs -w -R \"sif b file_acl $B\" %1$s; debugfs -w -R 'sif b blocks 4' %1$s; e2fsck "
            "-fy %1$s; [ $? -le 1 ]");
    root = root_node();
    before = free_blocks();
    assert_int_equal(ext2_ops.remove(&fs, root, "a", 0), 0);
    assert_int_equal(free_blocks(), before + 1);
    assert_int_equal(ext2_ops.sync(&fs, 0), 0);
    disk_check(&disk, FSCK);
    assert_int_equal(ext2_ops.remove(&fs, root, "b", 0), 0);
    assert_int_equal(free_blocks(), before + 3);
    ext2_ops.forget(&fs, root);
    done();
}

static void test_ext2_sequential_reads_come_in_batches(void **state)
{
    static unsigned char data[400 * 1024];
    uint32_t bytes;
    (void)state;
    make(4, "mke2fs -q -F -t ext2 -b 4096 %s");
    uint64_t node = file_make("file");
    pattern(data, sizeof data, 0);
    assert_int_equal(ext2_ops.write(&fs, node, 0, data, sizeof data, &bytes), 0);
    ext2_ops.forget(&fs, node);
    assert_int_equal(ext2_unmount(&fs), 0);
    assert_int_equal(mount_again(), 0);
    assert_int_equal(fs_walk(&ext2_ops, &fs, "file", &node), 0);
    disk.transfers = 0;
    for (uint64_t at = 0; at < sizeof data; at += 4096)
        assert_int_equal(ext2_ops.read(&fs, node, at, data + at, 4096, &bytes), 0);
    assert_in_range(disk.transfers, 1, 10);
    ext2_ops.forget(&fs, node);
    done();
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
        cmocka_unit_test(test_ext2_disk_full_is_enospc_and_all_comes_back),
        cmocka_unit_test(test_ext2_no_inode_left_is_enospc),
        cmocka_unit_test(test_ext2_holes_up_to_triple_indirect_read_as_zeros),
        cmocka_unit_test(test_ext2_indexed_folder_is_read_and_loses_its_index_when_changed),
        cmocka_unit_test(test_ext2_links_are_made_and_read),
        cmocka_unit_test(test_ext2_state_and_mount_count_as_linux_keeps_them),
        cmocka_unit_test(test_ext2_failed_write_is_told_by_sync_and_kept),
        cmocka_unit_test(test_ext2_unknown_ro_compat_or_device_is_read_only),
        cmocka_unit_test(test_ext2_what_it_cannot_handle_is_refused_in_words),
        cmocka_unit_test(test_ext2_clean_journal_is_left_alone),
        cmocka_unit_test(test_ext2_file_with_impossible_block_is_euclean_and_no_more),
        cmocka_unit_test(test_ext2_shared_attributes_go_with_the_last_file),
        cmocka_unit_test(test_ext2_sequential_reads_come_in_batches),
    };
    return cmocka_run_group_tests_name("lib_ext2", tests, NULL, NULL);
}
