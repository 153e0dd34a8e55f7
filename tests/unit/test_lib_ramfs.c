/* SPDX-License-Identifier: MIT */
/*
 * The RAM file system (servers/ramfs), directly and through 9P: 10,000 random operations against a model, a full one,
 * files that were removed while open. Through 9P every operation is a message that the client (lib/ninep_remote.c) writes
 * and the server (lib/ninep_server.c) reads.
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

#include "lib/ninep_remote.h"
#include "lib/ninep_server.h"
#include "servers/ramfs/ramfs.h"
#include "tests/unit/disk.h"
#include "tests/unit/fs_model.h"

#define MIB 1048576u

static struct ramfs fs;

static uint64_t now(void)
{
    static uint64_t seconds = 1700000000;
    return seconds++;
}

/* All is given back when the last reference is: the heap's leak check sees the rest. */
static void end(void)
{
    ramfs_end(&fs);
    assert_int_equal(fs.used, 0);
    assert_int_equal(fs.files, 0);
}

static void model_run(const struct fs_ops *ops, void *context)
{
    struct model model;
    model_begin(&model, ops, context, random_seed());
    for (int i = 0; i < 10000; i++) {
        model_step(&model);
        if (i % 1000 == 999)
            model_verify(&model, 0);
    }
    model_end(&model);
}

static void test_ramfs_10000_operations_match_model(void **state)
{
    (void)state;
    assert_int_equal(ramfs_start(&fs, 64 * MIB, now), 0);
    model_run(&ramfs_ops, &fs);
    end();
}

/* ---- the same through messages ---- */

static struct ninep_server server;
static struct ninep_session session;
static unsigned char buffer[NINEP_MESSAGE_MAX];

static int exchange(struct ninep_client *c, uint32_t bytes, uint32_t *answer)
{
    unsigned char *head = malloc(bytes); /* as long as it is: reading behind it is seen */
    memcpy(head, c->buffer, bytes);
    struct ninep_message m = {head, bytes, head + NINEP_WRITE_HEAD, bytes};
    *answer = ninep_serve(&session, &m, c->buffer, NINEP_MESSAGE_MAX);
    free(head);
    assert_true(*answer >= NINEP_HEAD && *answer <= c->room);
    return 0;
}

static void through_messages(uint32_t msize)
{
    static struct ninep_remote remote;
    struct ninep_client client = {buffer, msize, 0, 0, exchange, NULL};
    assert_int_equal(ramfs_start(&fs, 64 * MIB, now), 0);
    memset(&server, 0, sizeof server);
    server.ops = &ramfs_ops;
    server.fs = &fs;
    ninep_session_start(&session, &server, NINEP_MESSAGE_MAX, 1024);
    assert_int_equal(ninep_remote_start(&remote, &client), 0);
    model_run(&ninep_remote_ops, &remote);
    assert_int_equal(session.fids, 1); /* the root's; every other was clunked */
    ninep_remote_end(&remote);
    ninep_session_end(&session);
    end();
}

static void test_ramfs_10000_operations_through_9p_match_model(void **state)
{
    (void)state;
    through_messages(NINEP_MESSAGE_MAX);
}

static void test_ramfs_10000_operations_through_small_messages_match_model(void **state)
{
    (void)state;
    through_messages(1024);
}

/* ---- limits ---- */

static uint64_t create(uint64_t dir, const char *name, uint32_t mode)
{
    uint64_t node = 0;
    assert_int_equal(ramfs_ops.create(&fs, dir, name, mode, &node), 0);
    return node;
}

static uint64_t root(void)
{
    uint64_t node = 0;
    assert_int_equal(ramfs_ops.root(&fs, &node), 0);
    return node;
}

static void test_ramfs_full_says_so_and_can_be_emptied(void **state)
{
    static unsigned char data[60000], back[60000];
    uint32_t done = 0;
    uint64_t at = 0;
    struct fs_space space;
    (void)state;
    assert_int_equal(ramfs_start(&fs, MIB, now), 0);
    uint64_t dir = root(), file = create(dir, "big", S_IFREG | 0644);
    memset(data, 0x5a, sizeof data);
    int error = 0;
    while ((error = ramfs_ops.write(&fs, file, at, data, sizeof data, &done)) == 0)
        at += done;
    assert_int_equal(error, ENOSPC);
    assert_true(at > MIB * 9 / 10 && fs.used <= fs.limit);
    assert_int_equal(ramfs_ops.space(&fs, &space), 0);
    assert_true(space.free <= 1 && space.blocks == MIB / 4096);
    struct fs_attr attr;
    assert_int_equal(ramfs_ops.getattr(&fs, file, &attr), 0);
    assert_int_equal(attr.size, at); /* what did not fit is not there in part */
    assert_int_equal(ramfs_ops.read(&fs, file, at - 60000, back, sizeof back, &done), 0);
    assert_memory_equal(data, back, sizeof data);
    assert_int_equal(ramfs_ops.remove(&fs, dir, "big", 0), 0);
    ramfs_ops.forget(&fs, file);
    file = create(dir, "again", S_IFREG | 0644);
    assert_int_equal(ramfs_ops.write(&fs, file, 0, data, sizeof data, &done), 0);
    assert_int_equal(done, sizeof data);
    ramfs_ops.forget(&fs, file);
    ramfs_ops.forget(&fs, dir);
    end();
}

static void test_ramfs_full_of_names_says_so(void **state)
{
    uint64_t node = 0;
    char name[32];
    unsigned made = 0;
    int error = 0;
    (void)state;
    assert_int_equal(ramfs_start(&fs, 200000, now), 0);
    uint64_t dir = root();
    for (; error == 0; made += error == 0) {
        snprintf(name, sizeof name, "name %u", made);
        error = ramfs_ops.create(&fs, dir, name, S_IFREG | 0644, &node);
        if (error == 0)
            ramfs_ops.forget(&fs, node);
    }
    assert_int_equal(error, ENOSPC);
    assert_true(made > 300);
    assert_int_equal(ramfs_ops.lookup(&fs, dir, name, &node), ENOENT);
    assert_int_equal(ramfs_ops.remove(&fs, dir, "name 0", 0), 0);
    node = create(dir, "name 0", S_IFREG | 0600);
    ramfs_ops.forget(&fs, node);
    ramfs_ops.forget(&fs, dir);
    end();
}

static void test_ramfs_holes_and_far_offsets(void **state)
{
    uint32_t done = 0;
    char back[8];
    struct fs_attr attr = {0};
    (void)state;
    assert_int_equal(ramfs_start(&fs, MIB, now), 0);
    uint64_t dir = root(), file = create(dir, "holes", S_IFREG | 0644);
    assert_int_equal(ramfs_ops.write(&fs, file, (1ul << 48) - 4, "end", 4, &done), 0);
    assert_int_equal(ramfs_ops.write(&fs, file, (1ul << 48) - 3, "end", 4, &done), EFBIG);
    assert_int_equal(ramfs_ops.write(&fs, file, UINT64_MAX, "end", 4, &done), EFBIG);
    assert_int_equal(ramfs_ops.write(&fs, file, 4096, "mid", 4, &done), 0);
    assert_int_equal(ramfs_ops.read(&fs, file, (1ul << 48) - 8, back, 8, &done), 0);
    assert_memory_equal(back, "\0\0\0\0end\0", 8);
    assert_int_equal(ramfs_ops.read(&fs, file, 1ul << 40, back, 8, &done), 0);
    assert_memory_equal(back, "\0\0\0\0\0\0\0\0", 8);
    assert_int_equal(ramfs_ops.read(&fs, file, UINT64_MAX, back, 8, &done), 0);
    assert_int_equal(done, 0);
    attr.size = 4097;
    assert_int_equal(ramfs_ops.setattr(&fs, file, FS_SET_SIZE, &attr), 0);
    attr.size = 8192;
    assert_int_equal(ramfs_ops.setattr(&fs, file, FS_SET_SIZE, &attr), 0);
    assert_int_equal(ramfs_ops.read(&fs, file, 4096, back, 8, &done), 0);
    assert_memory_equal(back, "m\0\0\0\0\0\0\0", 8);
    assert_int_equal(ramfs_ops.getattr(&fs, file, &attr), 0);
    assert_int_equal(attr.blocks, 8);
    attr.size = UINT64_MAX;
    assert_int_equal(ramfs_ops.setattr(&fs, file, FS_SET_SIZE, &attr), EFBIG);
    ramfs_ops.forget(&fs, file);
    ramfs_ops.forget(&fs, dir);
    end();
}

static void test_ramfs_removed_folder_takes_nothing(void **state)
{
    uint64_t node = 0;
    (void)state;
    assert_int_equal(ramfs_start(&fs, MIB, now), 0);
    uint64_t dir = root(), folder = create(dir, "d", S_IFDIR | 0755);
    assert_int_equal(ramfs_ops.remove(&fs, dir, "d", 1), 0);
    assert_int_equal(ramfs_ops.create(&fs, folder, "x", S_IFREG | 0644, &node), ENOENT);
    assert_int_equal(ramfs_ops.lookup(&fs, folder, "..", &node), ENOENT);
    uint64_t file = create(dir, "f", S_IFREG | 0644);
    assert_int_equal(ramfs_ops.rename(&fs, dir, "f", folder, "x"), ENOENT);
    assert_int_equal(ramfs_ops.lookup(&fs, file, "x", &node), ENOTDIR);
    ramfs_ops.forget(&fs, file);
    ramfs_ops.forget(&fs, folder);
    ramfs_ops.forget(&fs, dir);
    end();
}

/* Entries that stay come once each, whatever is made and removed between two calls. */
static void test_ramfs_readdir_while_it_changes(void **state)
{
    char name[32];
    struct fs_entry entry = {.next = 0};
    unsigned seen[200] = {0}, number;
    (void)state;
    assert_int_equal(ramfs_start(&fs, MIB, now), 0);
    uint64_t dir = root();
    for (unsigned i = 0; i < 200; i++) {
        snprintf(name, sizeof name, "%u", i);
        ramfs_ops.forget(&fs, create(dir, name, S_IFREG | 0644));
    }
    while (ramfs_ops.readdir(&fs, dir, entry.next, &entry) == 0) {
        if (sscanf(entry.name, "%u", &number) != 1 || number >= 200)
            continue; /* one that was made meanwhile */
        seen[number]++;
        snprintf(name, sizeof name, "%u", number ^ 1);
        if (number % 2 == 0)
            assert_int_equal(ramfs_ops.remove(&fs, dir, name, 0), 0);
        if (number % 4 == 0)
            assert_int_equal(ramfs_ops.remove(&fs, dir, entry.name, 0), 0);
        snprintf(name, sizeof name, "new %u", number);
        ramfs_ops.forget(&fs, create(dir, name, S_IFREG | 0644));
    }
    for (unsigned i = 0; i < 200; i++)
        assert_int_equal(seen[i], i % 2 == 0);
    ramfs_ops.forget(&fs, dir);
    end();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ramfs_10000_operations_match_model),
        cmocka_unit_test(test_ramfs_10000_operations_through_9p_match_model),
        cmocka_unit_test(test_ramfs_10000_operations_through_small_messages_match_model),
        cmocka_unit_test(test_ramfs_full_says_so_and_can_be_emptied),
        cmocka_unit_test(test_ramfs_full_of_names_says_so),
        cmocka_unit_test(test_ramfs_holes_and_far_offsets),
        cmocka_unit_test(test_ramfs_removed_folder_takes_nothing),
        cmocka_unit_test(test_ramfs_readdir_while_it_changes),
    };
    return cmocka_run_group_tests_name("lib_ramfs", tests, NULL, NULL);
}
