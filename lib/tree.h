/* SPDX-License-Identifier: MIT */
/*
 * A walk over all containers, processes and threads below a container, asked from the kernel one by
 * one: what ps, top, kill and httpd's status page see. The walk holds one handle a level; a thing
 * that is destroyed meanwhile is left out.
 */
#ifndef LIB_TREE_H
#define LIB_TREE_H

#include <stdint.h>

#define TREE_DEPTH_MAX 24
#define TREE_NAME_BYTES 17u

/* What the walk is at. */
struct tree_node {
    uint64_t handle; /* the walk's own: copy it to keep it */
    uint64_t kind;   /* enum atm_kind */
    int depth;
    uint64_t number;            /* processes: in order of the walk, from 1; else 0 */
    char name[TREE_NAME_BYTES]; /* containers and processes */
    const char *process_name;   /* threads: of their process */
};

/* Called for each node, parents first; not 0 ends the walk. */
typedef int tree_visitor(const struct tree_node *node, void *context);

/* Visits the container and all below it. */
void tree_walk(uint64_t container, tree_visitor *visit, void *context);

#endif
