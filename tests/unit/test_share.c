/* SPDX-License-Identifier: MIT */
/* A folder of the host as a file system: what programs do to it arrives, and nothing leads out of it. */
#include <setjmp.h>
#include <stdarg.h>
#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#undef S_IFMT
#undef S_IFDIR
#undef S_IFREG
#undef S_IFLNK
#undef S_ISDIR
#undef S_ISREG

#include <cmocka.h>

#include "arch/hosted/share.h"
#include "lib/fs.h"

static char top[64], path[128];
static struct share *share;
static uint64_t root;

static const char *at(const char *name)
{
    snprintf(path, sizeof path, "%s/%s", top, name);
    return path;
}

static void file_put(const char *name, const char *text)
{
    FILE *f = fopen(at(name), "w");
    assert_non_null(f);
    fputs(text, f);
    fclose(f);
}

static int setup(void **state)
{
    (void)state;
    strcpy(top, "/tmp/atmos-share-XXXXXX");
    assert_non_null(mkdtemp(top));
    file_put("secret", "outside");
    assert_int_equal(mkdir(at("shared"), 0755), 0);
    assert_int_equal(mkdir(at("shared/folder"), 0755), 0);
    file_put("shared/file", "0123456789");
    file_put("shared/folder/deep", "deep");
    share = share_open(at("shared"), false);
    assert_non_null(share);
    assert_int_equal(share_ops.root(share, &root), 0);
    return 0;
}

static int teardown(void **state)
{
    char command[128];
    (void)state;
    share_close(share);
    snprintf(command, sizeof command, "rm -rf %s", top);
    return system(command);
}

static uint64_t find(uint64_t folder, const char *name)
{
    uint64_t node = 0;
    assert_int_equal(share_ops.lookup(share, folder, name, &node), 0);
    return node;
}

static int missing(uint64_t folder, const char *name)
{
    uint64_t node;
    return share_ops.lookup(share, folder, name, &node);
}

static uint64_t ino(uint64_t node)
{
    struct fs_attr attr;
    assert_int_equal(share_ops.getattr(share, node, &attr), 0);
    return attr.ino;
}

static void test_lookup_and_read(void **state)
{
    (void)state;
    uint64_t deep = find(find(root, "folder"), "deep"), file = find(root, "file");
    char text[16];
    uint32_t done;
    struct fs_attr attr;
    assert_int_equal(share_ops.read(share, deep, 0, text, 16, &done), 0);
    assert_int_equal(done, 4);
    assert_memory_equal(text, "deep", 4);
    assert_int_equal(share_ops.read(share, file, 8, text, 16, &done), 0);
    assert_int_equal(done, 2);
    assert_int_equal(share_ops.read(share, file, UINT64_MAX, text, 16, &done), 0);
    assert_int_equal(done, 0);
    assert_int_equal(share_ops.getattr(share, file, &attr), 0);
    assert_int_equal(attr.size, 10);
    assert_int_equal(attr.mode & S_IFMT, S_IFREG);
    assert_int_equal(missing(root, "none"), ENOENT);
    assert_int_equal(missing(file, "x"), ENOTDIR);
    assert_int_equal(share_ops.read(share, root, 0, text, 1, &done), EISDIR);
}

static void test_nothing_leads_out(void **state)
{
    (void)state;
    uint64_t folder = find(root, "folder"), link;
    char text[64];
    uint32_t done = 0;
    assert_int_equal(ino(find(root, "..")), ino(root));
    assert_int_equal(ino(find(folder, "..")), ino(root));
    assert_int_equal(missing(root, "../secret"), EINVAL);
    assert_int_equal(missing(root, "/etc/passwd"), EINVAL);
    assert_int_equal(missing(root, "folder/deep"), EINVAL);
    assert_int_equal(missing(root, ""), EINVAL);
    assert_int_equal(missing(root, "."), EINVAL);
    assert_int_equal(symlink("../secret", at("shared/out")), 0);
    assert_int_equal(symlink("..", at("shared/up")), 0);
    link = find(root, "out");
    assert_int_equal(share_ops.read(share, link, 0, text, 64, &done), EACCES);
    assert_int_equal(share_ops.write(share, link, 0, "x", 1, &done), EACCES);
    assert_int_equal(share_ops.setattr(share, link, FS_SET_SIZE, &(struct fs_attr){.size = 0}),
                     EACCES);
    assert_int_equal(share_ops.setattr(share, link, FS_SET_MODE, &(struct fs_attr){.mode = 0}),
                     EACCES);
    assert_int_equal(missing(find(root, "up"), "secret"), ENOTDIR);
    assert_int_equal(share_ops.readlink(share, link, text, 64, &done), 0);
    assert_memory_equal(text, "../secret", 9);
    assert_int_equal(share_ops.remove(share, root, "../secret", 0), EINVAL);
    assert_int_equal(share_ops.rename(share, root, "file", root, "../taken"), EINVAL);
    assert_int_equal(share_ops.rename(share, root, "..", root, "taken"), EINVAL);
    assert_int_equal(share_ops.create(share, root, "../new", S_IFREG | 0644, &link), EINVAL);
    assert_int_equal(share_ops.create(share, root, "out", S_IFREG | 0644, &link), EEXIST);
    assert_int_equal(access(at("secret"), F_OK), 0);
    assert_int_equal(access(at("new"), F_OK), -1);
}

static void test_a_pipe_of_the_host_does_not_block(void **state)
{
    (void)state;
    char text[4];
    uint32_t done;
    assert_int_equal(mkfifo(at("shared/pipe"), 0600), 0);
    assert_int_equal(share_ops.read(share, find(root, "pipe"), 0, text, 4, &done), EACCES);
    assert_int_equal(share_ops.write(share, find(root, "pipe"), 0, text, 4, &done), EACCES);
    assert_int_equal(share_ops.sync(share, find(root, "pipe")), EACCES);
}

static void test_write_create_and_sync(void **state)
{
    (void)state;
    uint64_t file, folder;
    uint32_t done;
    struct stat status;
    struct fs_attr attr = {.size = 3, .mode = 0600, .mtime = 1234567890};
    assert_int_equal(share_ops.create(share, root, "made", S_IFDIR | 0755, &folder), 0);
    assert_int_equal(share_ops.create(share, folder, "new", S_IFREG | 0644, &file), 0);
    assert_int_equal(share_ops.write(share, file, 5, "hello", 5, &done), 0);
    assert_int_equal(done, 5);
    assert_int_equal(share_ops.sync(share, file), 0);
    assert_int_equal(share_ops.sync(share, 0), 0);
    assert_int_equal(stat(at("shared/made/new"), &status), 0);
    assert_int_equal(status.st_size, 10);
    assert_int_equal(
        share_ops.setattr(share, file, FS_SET_SIZE | FS_SET_MODE | FS_SET_MTIME, &attr), 0);
    assert_int_equal(stat(at("shared/made/new"), &status), 0);
    assert_int_equal(status.st_size, 3);
    assert_int_equal(status.st_mode & 07777, 0600);
    assert_int_equal(status.st_mtime, 1234567890);
    attr.mode = 07777;
    assert_int_equal(share_ops.setattr(share, file, FS_SET_MODE, &attr), 0);
    assert_int_equal(stat(at("shared/made/new"), &status), 0);
    assert_int_equal(status.st_mode & 07777, 0777);
    assert_int_equal(share_ops.write(share, file, UINT64_MAX, "x", 1, &done), EFBIG);
}

static void test_remove_and_rename(void **state)
{
    (void)state;
    uint64_t folder = find(root, "folder"), other, deep = find(folder, "deep");
    char text[8];
    uint32_t done;
    assert_int_equal(share_ops.remove(share, root, "folder", 0), EISDIR);
    assert_int_equal(share_ops.remove(share, root, "folder", 1), ENOTEMPTY);
    assert_int_equal(share_ops.remove(share, root, "file", 1), ENOTDIR);
    assert_int_equal(share_ops.remove(share, folder, "deep", 0), 0);
    assert_int_equal(share_ops.read(share, deep, 0, text, 8, &done), 0); /* it lives on */
    assert_int_equal(done, 4);
    assert_int_equal(share_ops.create(share, root, "other", S_IFDIR | 0755, &other), 0);
    assert_int_equal(share_ops.rename(share, root, "folder", other, "moved"), 0);
    assert_int_equal(ino(find(folder, "..")), ino(other));
    assert_int_equal(share_ops.rename(share, root, "other", folder, "loop"), EINVAL);
    assert_int_equal(share_ops.rename(share, root, "file", other, "file"), 0);
    assert_int_equal(access(at("shared/other/file"), F_OK), 0);
}

/* Every name once, whatever is removed between two calls. */
static void test_readdir_lists_all_while_it_empties(void **state)
{
    (void)state;
    enum { FILES = 300 };
    uint64_t folder = find(root, "folder"), cookie = 0;
    struct fs_entry entry;
    uint32_t seen = 0;
    char name[32];
    for (uint32_t i = 1; i < FILES; i++) {
        snprintf(name, sizeof name, "shared/folder/n%u", i);
        file_put(name, "");
    }
    while (share_ops.readdir(share, folder, cookie, &entry) == 0) {
        assert_int_equal(entry.mode & S_IFMT, S_IFREG);
        assert_int_not_equal(entry.next, 0);
        assert_int_equal(share_ops.remove(share, folder, entry.name, 0), 0);
        cookie = entry.next;
        seen++;
    }
    assert_int_equal(seen, FILES);
    assert_int_equal(share_ops.readdir(share, folder, 0, &entry), ENOENT);
    assert_int_equal(share_ops.readdir(share, find(root, "file"), 0, &entry), ENOTDIR);
    for (uint64_t wild = 1; wild != 0; wild <<= 1) {
        (void)share_ops.readdir(share, root, wild, &entry);
        (void)share_ops.readdir(share, root, 0 - wild, &entry);
    }
}

static void test_read_only_share_changes_nothing(void **state)
{
    (void)state;
    uint64_t file, node;
    uint32_t done;
    char text[4];
    share_close(share);
    share = share_open(at("shared"), true);
    assert_int_equal(share_ops.root(share, &root), 0);
    file = find(root, "file");
    assert_int_equal(share_ops.read(share, file, 0, text, 4, &done), 0);
    assert_int_equal(share_ops.write(share, file, 0, "x", 1, &done), EROFS);
    assert_int_equal(share_ops.setattr(share, file, FS_SET_SIZE, &(struct fs_attr){0}), EROFS);
    assert_int_equal(share_ops.create(share, root, "n", S_IFREG, &node), EROFS);
    assert_int_equal(share_ops.remove(share, root, "file", 0), EROFS);
    assert_int_equal(share_ops.rename(share, root, "file", root, "g"), EROFS);
}

static uint32_t files_open(void)
{
    uint32_t count = 0;
    for (int fd = 0; fd < 8192; fd++) {
        count += fcntl(fd, F_GETFD) >= 0;
    }
    return count;
}

static void test_forget_closes_what_it_opened(void **state)
{
    (void)state;
    uint32_t before = files_open(), done;
    char text[4];
    for (uint32_t i = 0; i < 10; i++) {
        struct fs_entry entry;
        uint64_t folder = find(root, "folder"), deep = find(folder, "deep"),
                 again = find(folder, "deep");
        assert_int_equal(deep, again);
        share_ops.forget(share, folder); /* deep still holds it */
        assert_int_equal(share_ops.read(share, deep, 0, text, 4, &done), 0);
        assert_int_equal(share_ops.write(share, deep, 0, text, 4, &done), 0);
        assert_int_equal(share_ops.readdir(share, find(deep, ".."), 0, &entry), 0);
        share_ops.forget(share, folder);
        share_ops.forget(share, deep);
        assert_true(files_open() > before);
        share_ops.forget(share, again);
        assert_int_equal(files_open(), before);
    }
}

static void test_nodes_are_bounded(void **state)
{
    (void)state;
    char name[32];
    uint64_t node;
    int error = 0;
    uint32_t made = 0;
    while (error == 0 && made < 5000) {
        snprintf(name, sizeof name, "f%u", made++);
        error = share_ops.create(share, root, name, S_IFREG | 0600, &node);
    }
    assert_true(error == ENFILE || error == EMFILE);
    assert_int_equal(missing(root, "folder"), error);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_lookup_and_read),
        TEST(test_nothing_leads_out),
        TEST(test_a_pipe_of_the_host_does_not_block),
        TEST(test_write_create_and_sync),
        TEST(test_remove_and_rename),
        TEST(test_readdir_lists_all_while_it_empties),
        TEST(test_read_only_share_changes_nothing),
        TEST(test_forget_closes_what_it_opened),
        TEST(test_nodes_are_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
