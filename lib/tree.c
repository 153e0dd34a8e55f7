/* SPDX-License-Identifier: MIT */
/*
 * The walk of lib/tree.h: child_next, level by level.
 */
#include "lib/tree.h"
#include "lib/spawn.h"
#include "lib/sys.h"

struct walk {
    tree_visitor *visit;
    void *context;
    uint64_t processes;
    int done;
};

static void walk_node(struct walk *w, struct tree_node *node);

static void walk_children(struct walk *w, const struct tree_node *parent)
{
    uint64_t previous = 0;
    if (parent->kind == KIND_THREAD || parent->depth == TREE_DEPTH_MAX)
        return;
    while (!w->done) {
        struct atm_result r = atm_child_next(parent->handle, previous);
        if (previous != 0)
            atm_handle_close(previous);
        if (r.status < 0)
            return;
        previous = r.r[0];
        struct tree_node child = {.handle = r.r[0],
                                  .kind = r.r[1],
                                  .depth = parent->depth + 1,
                                  .process_name = parent->name};
        walk_node(w, &child);
    }
    if (previous != 0)
        atm_handle_close(previous);
}

static void walk_node(struct walk *w, struct tree_node *node)
{
    if (node->kind != KIND_THREAD) {
        struct atm_result r = atm_object_name(node->handle);
        if (r.status == 0)
            name_unpack(&r.r[0], node->name);
    }
    if (node->kind == KIND_PROCESS)
        node->number = ++w->processes;
    w->done = w->visit(node, w->context);
    if (!w->done)
        walk_children(w, node);
}

void tree_walk(uint64_t container, tree_visitor *visit, void *context)
{
    struct walk w = {.visit = visit, .context = context};
    struct tree_node root = {.handle = container, .kind = KIND_CONTAINER};
    walk_node(&w, &root);
}
