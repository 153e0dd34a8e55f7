/* SPDX-License-Identifier: MIT */
/*
 * A file system in memory that is surely right, and random operations that are done to it and to a struct fs_ops at the
 * same time; results, contents and folders have to agree.
 */
#ifndef TESTS_FS_MODEL_H
#define TESTS_FS_MODEL_H

#include <stdint.h>

#include "lib/fs.h"

struct model_node {
    struct model_node *parent, *child, *sibling;
    char name[FS_NAME_MAX + 1];
    int folder;
    int fixed;   /* was there from the start, and stays */
    int touched; /* since the last sync of everything: a crash may leave anything of it */
    unsigned char *data;
    uint64_t size;
};

struct model {
    const struct fs_ops *ops;
    void *fs;
    uint64_t seed;
    struct model_node *root;
    uint32_t files;        /* files and folders now */
    uint64_t bytes;        /* in all files */
    uint64_t bytes_most;   /* no more than that */
    int any_case;          /* names are the same whatever the case */
    const uint64_t *alive; /* not NULL: a sync counts only when this is not 0 behind it */
};

void model_begin(struct model *m, const struct fs_ops *ops, void *fs, uint64_t seed);
void model_end(struct model *m);

/* Tells of a folder in the root that is there from the start. */
void model_fixed(struct model *m, const char *name);

/* One random operation. */
void model_step(struct model *m);

/* After a crash: what was touched is now as the file system has it. */
void model_adopt(struct model *m);

/* Everything is as the model has it; untouched: of what was not touched. */
void model_verify(struct model *m, int only_untouched);

/* The node at a path, through lookup; the caller forgets it. */
int fs_walk(const struct fs_ops *ops, void *fs, const char *path, uint64_t *node);

#endif
