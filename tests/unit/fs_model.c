/* SPDX-License-Identifier: MIT */
/* The model of a file system, see fs_model.h. */
#include "tests/unit/fs_model.h"

#include <ctype.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/disk.h"

#define FILES_MOST 400u
#define WRITE_MOST 70000u
#define FILE_MOST 600000u
#define FOLDER_NAMES 600u

static uint32_t pick(struct model *m, uint32_t below)
{
    return (uint32_t)(random_next(&m->seed) % below);
}

/* ---- the tree ---- */

static struct model_node *node_new(struct model *m, struct model_node *parent, const char *name,
                                   int folder)
{
    struct model_node *n = calloc(1, sizeof *n);
    strcpy(n->name, name);
    n->folder = folder;
    n->parent = parent;
    n->touched = 1;
    if (parent != NULL) {
        n->sibling = parent->child;
        parent->child = n;
    }
    m->files++;
    return n;
}

static void node_detach(struct model_node *n)
{
    struct model_node **link = &n->parent->child;
    while (*link != n)
        link = &(*link)->sibling;
    *link = n->sibling;
}

static void node_free(struct model *m, struct model_node *n)
{
    while (n->child != NULL) {
        struct model_node *child = n->child;
        n->child = child->sibling;
        node_free(m, child);
    }
    m->files--;
    m->bytes -= n->size;
    free(n->data);
    free(n);
}

static struct model_node *node_named(struct model *m, struct model_node *folder, const char *name)
{
    struct model_node *n = folder->child;
    while (n != NULL && (m->any_case ? strcasecmp(n->name, name) : strcmp(n->name, name)) != 0)
        n = n->sibling;
    return n;
}

static uint32_t tree_list(struct model_node *n, struct model_node **list, uint32_t count)
{
    list[count++] = n;
    for (struct model_node *child = n->child; child != NULL; child = child->sibling)
        count = tree_list(child, list, count);
    return count;
}

/* A random node; kind 0: a file, 1: a folder, 2: any. NULL: none. */
static struct model_node *node_any(struct model *m, int kind)
{
    struct model_node *list[FILES_MOST + 64];
    uint32_t count = tree_list(m->root, list, 0);
    for (int i = 0; i < 20; i++) {
        struct model_node *n = list[pick(m, count)];
        if (kind == 2 || n->folder == kind)
            return n;
    }
    return kind == 1 ? m->root : NULL;
}

static int is_below(const struct model_node *n, const struct model_node *above)
{
    for (; n != NULL; n = n->parent)
        if (n == above)
            return 1;
    return 0;
}

static int is_touched(const struct model_node *n)
{
    for (; n != NULL; n = n->parent)
        if (n->touched && n->parent != NULL)
            return 1;
    return 0;
}

/* ---- the file system's side ---- */

int fs_walk(const struct fs_ops *ops, void *fs, const char *path, uint64_t *node)
{
    char part[FS_NAME_MAX + 1];
    int error = ops->root(fs, node);
    while (error == 0 && *path != 0) {
        uint64_t next = 0;
        size_t bytes = strcspn(path, "/");
        memcpy(part, path, bytes);
        part[bytes] = 0;
        path += bytes + (path[bytes] == '/');
        if (bytes == 0)
            continue;
        error = ops->lookup(fs, *node, part, &next);
        ops->forget(fs, *node);
        *node = next;
    }
    return error;
}

/* The node's number; its name in any case where that is the same. */
static uint64_t number_of(struct model *m, const struct model_node *n)
{
    uint64_t number = 0;
    char name[FS_NAME_MAX + 1];
    if (n->parent == NULL) {
        assert_int_equal(m->ops->root(m->fs, &number), 0);
        return number;
    }
    uint64_t above = number_of(m, n->parent);
    strcpy(name, n->name);
    for (char *c = name; m->any_case && *c != 0; c++)
        *c = (char)(pick(m, 2) ? toupper((unsigned char)*c) : tolower((unsigned char)*c));
    int error = m->ops->lookup(m->fs, above, name, &number);
    m->ops->forget(m->fs, above);
    if (error != 0)
        fail_msg("\"%s\" in \"%s\" is not found: %d", name, n->parent->name, error);
    return number;
}

static void file_verify(struct model *m, const struct model_node *n, uint64_t number)
{
    static unsigned char got[FILE_MOST];
    uint64_t at = 0;
    uint32_t done = 1;
    while (done > 0) {
        uint32_t ask = 1 + pick(m, 66000);
        assert_int_equal(m->ops->read(m->fs, number, at, got + at,
                                      ask < FILE_MOST - at ? ask : (uint32_t)(FILE_MOST - at), &done),
                         0);
        at += done;
        if (at == FILE_MOST)
            break;
    }
    assert_int_equal(at, n->size);
    for (uint64_t i = 0; i < n->size; i++)
        if (got[i] != n->data[i])
            fail_msg("\"%s\" differs at %llu of %llu", n->name, (unsigned long long)i,
                     (unsigned long long)n->size);
}

static void folder_verify(struct model *m, const struct model_node *n, uint64_t number)
{
    struct fs_entry entry = {.next = 0};
    uint32_t found = 0, have = 0;
    if (n->fixed) /* what was repaired may be in it */
        return;
    for (const struct model_node *c = n->child; c != NULL; c = c->sibling)
        have++;
    while (m->ops->readdir(m->fs, number, entry.next, &entry) == 0) {
        const struct model_node *c = n->child;
        while (c != NULL && strcmp(c->name, entry.name) != 0)
            c = c->sibling;
        if (c == NULL) {
            fail_msg("\"%s\" in \"%s\" should not be there", entry.name, n->name);
            return;
        }
        assert_int_equal(S_ISDIR(entry.mode), c->folder);
        found++;
    }
    assert_int_equal(found, have);
}

static void tree_verify(struct model *m, const struct model_node *n, uint64_t number,
                        int only_untouched)
{
    struct fs_attr attr;
    assert_int_equal(m->ops->getattr(m->fs, number, &attr), 0);
    assert_int_equal(S_ISDIR(attr.mode), n->folder);
    if (!n->folder) {
        if (!only_untouched)
            assert_int_equal(attr.size, n->size);
        file_verify(m, n, number);
        return;
    }
    if (!only_untouched)
        folder_verify(m, n, number);
    for (const struct model_node *c = n->child; c != NULL; c = c->sibling) {
        uint64_t child = 0;
        if (only_untouched && is_touched(c))
            continue;
        int error = m->ops->lookup(m->fs, number, c->name, &child);
        if (error != 0)
            fail_msg("\"%s\" in \"%s\" is not found: %d", c->name, n->name, error);
        tree_verify(m, c, child, only_untouched);
        m->ops->forget(m->fs, child);
    }
}

void model_verify(struct model *m, int only_untouched)
{
    uint64_t root = 0;
    assert_int_equal(m->ops->root(m->fs, &root), 0);
    tree_verify(m, m->root, root, only_untouched);
    m->ops->forget(m->fs, root);
}

/* ---- operations ---- */

static void name_make(struct model *m, char *name)
{
    static const char *const form[] = {"f%u",
                                       "F%u.txt",
                                       "A long name with blanks %u.text",
                                       "%u",
                                       "x.y.z.%u",
                                       "UPPER%u",
                                       "%ulongerthaneight.c",
                                       "+,;=[]%u",
                                       "\xc3\xa4\xc3\xb6\xe2\x82\xac%u"};
    uint32_t number = pick(m, FOLDER_NAMES);
    uint32_t which = pick(m, sizeof form / sizeof form[0]);
    int bytes = sprintf(name, form[which], number); /* NOLINT: the tests' own texts */
    if (pick(m, 20) == 0) {                         /* long, and different early and late */
        uint32_t more = pick(m, 200);
        memset(name + bytes, 'l', more);
        name[bytes + (int)more] = 0;
    }
}

static void do_create(struct model *m)
{
    char name[FS_NAME_MAX + 1];
    int folder = pick(m, 4) == 0;
    struct model_node *parent = node_any(m, 1);
    name_make(m, name);
    struct model_node *there = node_named(m, parent, name);
    if (m->files >= FILES_MOST)
        return;
    uint64_t above = number_of(m, parent), number = 0;
    int error =
        m->ops->create(m->fs, above, name, folder ? S_IFDIR | 0755 : S_IFREG | 0644, &number);
    assert_int_equal(error, there == NULL ? 0 : EEXIST);
    m->ops->forget(m->fs, above);
    if (error != 0)
        return;
    m->ops->forget(m->fs, number);
    node_new(m, parent, name, folder);
}

static void size_set(struct model *m, struct model_node *n, uint64_t size)
{
    n->data = realloc(n->data, size + 1);
    if (size > n->size)
        memset(n->data + n->size, 0, size - n->size);
    m->bytes = m->bytes - n->size + size;
    n->size = size;
    n->touched = 1;
}

static void do_write(struct model *m)
{
    static unsigned char data[WRITE_MOST];
    struct model_node *n = node_any(m, 0);
    if (n == NULL)
        return;
    uint32_t bytes = pick(m, 3) == 0 ? pick(m, WRITE_MOST) : pick(m, 5000), at = 0;
    uint64_t offset = pick(m, 3) == 0 ? n->size : pick(m, (uint32_t)n->size + 20000);
    if (offset + bytes > FILE_MOST || m->bytes + 20000 + bytes > m->bytes_most)
        return;
    for (uint32_t i = 0; i < bytes; i += 8) {
        uint64_t r = random_next(&m->seed);
        memcpy(data + i, &r, bytes - i < 8 ? bytes - i : 8);
    }
    uint64_t number = number_of(m, n);
    while (at < bytes) {
        uint32_t done = 0;
        assert_int_equal(m->ops->write(m->fs, number, offset + at, data + at, bytes - at, &done), 0);
        assert_true(done > 0 && done <= bytes - at);
        at += done;
    }
    m->ops->forget(m->fs, number);
    if (bytes == 0)
        return;
    if (offset + bytes > n->size)
        size_set(m, n, offset + bytes);
    memcpy(n->data + offset, data, bytes);
    n->touched = 1;
}

static void do_truncate(struct model *m)
{
    struct model_node *n = node_any(m, 0);
    if (n == NULL)
        return;
    uint64_t size = pick(m, 3) == 0 ? 0 : pick(m, (uint32_t)n->size + 10000);
    if (size > FILE_MOST || (size > n->size && m->bytes + size - n->size > m->bytes_most))
        return;
    uint64_t number = number_of(m, n);
    struct fs_attr attr = {.size = size};
    assert_int_equal(m->ops->setattr(m->fs, number, FS_SET_SIZE, &attr), 0);
    m->ops->forget(m->fs, number);
    size_set(m, n, size);
}

static void do_read(struct model *m)
{
    struct model_node *n = node_any(m, 2);
    uint64_t number = number_of(m, n);
    if (n->folder)
        folder_verify(m, n, number);
    else
        file_verify(m, n, number);
    m->ops->forget(m->fs, number);
}

/* Removes; sometimes while it is open, and then it must still read as before. */
static void do_remove(struct model *m)
{
    struct model_node *n = node_any(m, 2);
    int as_folder = pick(m, 10) == 0 ? !n->folder : n->folder, want = 0;
    if (n->parent == NULL || n->fixed)
        return;
    if (n->folder)
        want = !as_folder ? EISDIR : n->child != NULL ? ENOTEMPTY : 0;
    else
        want = as_folder ? ENOTDIR : 0;
    uint64_t above = number_of(m, n->parent), number = number_of(m, n);
    int error = m->ops->remove(m->fs, above, n->name, as_folder);
    assert_int_equal(error, want);
    if (!n->folder && pick(m, 2))
        file_verify(m, n, number);
    m->ops->forget(m->fs, number);
    m->ops->forget(m->fs, above);
    if (error != 0)
        return;
    node_detach(n);
    node_free(m, n);
}

/* What renaming should give. */
static int rename_want(struct model *m, struct model_node *n, struct model_node *to,
                       struct model_node *old)
{
    (void)m;
    if (old == n)
        return 0;
    if (n->folder && is_below(to, n))
        return EINVAL;
    if (old == NULL)
        return 0;
    if (n->folder != old->folder)
        return n->folder ? ENOTDIR : EISDIR;
    return old->child != NULL ? ENOTEMPTY : 0;
}

static void do_rename(struct model *m)
{
    char name[FS_NAME_MAX + 1];
    struct model_node *n = node_any(m, 2), *to = node_any(m, 1), *old;
    if (n->parent == NULL || n->fixed)
        return;
    name_make(m, name);
    if (pick(m, 3) == 0 && to->child != NULL)
        strcpy(name, to->child->name);
    old = node_named(m, to, name);
    if (old != NULL && old->fixed)
        return;
    int want = rename_want(m, n, to, old);
    uint64_t from_number = number_of(m, n->parent), to_number = number_of(m, to);
    int error = m->ops->rename(m->fs, from_number, n->name, to_number, name);
    if (want == ENOTEMPTY && is_below(n, old) && error == EINVAL)
        want = EINVAL;
    assert_int_equal(error, want);
    m->ops->forget(m->fs, from_number);
    m->ops->forget(m->fs, to_number);
    if (error != 0)
        return;
    if (old != NULL && old != n) {
        node_detach(old);
        node_free(m, old);
    }
    if (old == n && !m->any_case)
        return;
    node_detach(n);
    strcpy(n->name, name);
    n->parent = to;
    n->sibling = to->child;
    to->child = n;
    n->touched = 1;
}

/* ---- after a crash ---- */

static void touched_remove(struct model *m, struct model_node *n)
{
    for (struct model_node *c = n->child, *next; c != NULL; c = next) {
        next = c->sibling;
        if (c->touched && !c->fixed) {
            node_detach(c);
            node_free(m, c);
        } else {
            touched_remove(m, c);
        }
    }
}

#define INOS 2000u
static uint64_t ino_seen[INOS];
static uint32_t inos_seen;

static int ino_is_new(uint64_t ino)
{
    for (uint32_t i = 0; i < inos_seen; i++)
        if (ino_seen[i] == ino)
            return 0;
    assert_true(inos_seen < INOS);
    ino_seen[inos_seen++] = ino;
    return 1;
}

static void file_adopt(struct model *m, struct model_node *n, uint64_t number, uint64_t size)
{
    uint64_t at = 0;
    uint32_t done = 1;
    assert_true(size <= FILE_MOST);
    size_set(m, n, size);
    for (; at < size && done > 0; at += done)
        assert_int_equal(
            m->ops->read(m->fs, number, at, n->data + at, (uint32_t)(size - at), &done), 0);
    assert_int_equal(at, size);
}

/* What the model has not in this folder. A second name of a file (half a rename) goes. */
static void folder_adopt(struct model *m, struct model_node *n, uint64_t folder)
{
    struct fs_entry entry = {.next = 0};
    struct fs_attr attr;
    uint64_t number;
    int error;
    while ((error = m->ops->readdir(m->fs, folder, entry.next, &entry)) == 0) {
        struct model_node *c = node_named(m, n, entry.name);
        error = m->ops->lookup(m->fs, folder, entry.name, &number);
        if (error != 0)
            fail_msg("\"%s\" in \"%s\" cannot be used: %d", entry.name, n->name, error);
        assert_int_equal(m->ops->getattr(m->fs, number, &attr), 0);
        if (!ino_is_new(attr.ino)) {
            assert_null(c);
            assert_int_equal(m->ops->remove(m->fs, folder, entry.name, 0), 0);
        } else if (c == NULL) {
            c = node_new(m, n, entry.name, S_ISDIR(attr.mode));
            if (!c->folder)
                file_adopt(m, c, number, attr.size);
        }
        if (S_ISDIR(attr.mode))
            folder_adopt(m, c, number);
        m->ops->forget(m->fs, number);
    }
    assert_int_equal(error, ENOENT);
}

void model_adopt(struct model *m)
{
    uint64_t root = 0;
    touched_remove(m, m->root);
    inos_seen = 0;
    assert_int_equal(m->ops->root(m->fs, &root), 0);
    folder_adopt(m, m->root, root);
    m->ops->forget(m->fs, root);
}

static void untouch(struct model_node *n)
{
    n->touched = 0;
    for (struct model_node *c = n->child; c != NULL; c = c->sibling)
        untouch(c);
}

static void do_sync(struct model *m)
{
    assert_int_equal(m->ops->sync(m->fs, 0), 0);
    if (m->alive == NULL || *m->alive > 0)
        untouch(m->root);
}

void model_step(struct model *m)
{
    uint32_t what = pick(m, 100);
    if (what < 22)
        do_create(m);
    else if (what < 52)
        do_write(m);
    else if (what < 60)
        do_truncate(m);
    else if (what < 74)
        do_read(m);
    else if (what < 86)
        do_remove(m);
    else if (what < 98)
        do_rename(m);
    else
        do_sync(m);
}

void model_begin(struct model *m, const struct fs_ops *ops, void *fs, uint64_t seed)
{
    *m = (struct model){.ops = ops, .fs = fs, .seed = seed, .bytes_most = 8000000};
    m->root = node_new(m, NULL, "", 1);
}

void model_fixed(struct model *m, const char *name)
{
    struct model_node *root = m->root;
    root->touched = 0;
    node_new(m, root, name, 1)->fixed = 1;
}

void model_end(struct model *m) { node_free(m, m->root); }
