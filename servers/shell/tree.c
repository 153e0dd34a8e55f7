/* SPDX-License-Identifier: MIT */
/*
 * ps, mem, top, kill: a walk over all containers, processes and threads, asked from the kernel one
 * by one (lib/tree.h).
 */
#include "lib/console.h"
#include "lib/error.h"
#include "lib/memory.h"
#include "lib/sys.h"
#include "lib/tree.h"
#include "shell.h"
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Visits all there is; 0 when the shell may not look. */
static int walk_all(tree_visitor *visit, void *context)
{
    if (shell.system == 0) {
        printf("shell: it was not given the handle \"system\"\n");
        return 0;
    }
    tree_walk(shell.system, visit, context);
    return 1;
}

/* ---- ps ---- */

static void ps_process(const struct tree_node *node)
{
    struct atm_result r = atm_process_info(node->handle);
    if (r.status == 0)
        printf("%4lu  %*s%-*s process    %-10s %16lu\n", node->number, node->depth * 2, "",
               26 - node->depth * 2, node->name, atm_process_state_name(r.r[0]), r.r[5]);
}

static void ps_container(const struct tree_node *node)
{
    struct atm_result r = atm_container_info(node->handle);
    if (r.status == 0)
        printf("      %*s%-*s container             ceil %2lu %8lu\n", node->depth * 2, "",
               26 - node->depth * 2, node->name, r.r[4], r.r[1] + r.r[2]);
}

static void ps_thread(const struct tree_node *node)
{
    char name[32];
    struct atm_result r = atm_thread_info(node->handle);
    if (r.status != 0)
        return;
    snprintf(name, sizeof name, "thread %lu", r.r[4]);
    printf("      %*s%-*s thread     %-10s prio %2lu\n", node->depth * 2, "", 26 - node->depth * 2,
           name, atm_thread_state_name(r.r[0]), r.r[1]);
}

static int ps_visit(const struct tree_node *node, void *context)
{
    (void)context;
    if (node->kind == KIND_CONTAINER)
        ps_container(node);
    else if (node->kind == KIND_PROCESS)
        ps_process(node);
    else
        ps_thread(node);
    return 0;
}

int command_ps(size_t words, char **word)
{
    (void)words;
    (void)word;
    printf("  NO  NAME                       KIND       STATE      PRIORITY   PAGES\n");
    return !walk_all(ps_visit, NULL);
}

/* ---- mem ---- */

static int mem_visit(const struct tree_node *node, void *context)
{
    (void)context;
    if (node->kind != KIND_CONTAINER)
        return 0;
    struct atm_result r = atm_container_info(node->handle);
    if (r.status == 0)
        printf("%*s%-*s %9lu %9lu %9lu %9lu\n", node->depth * 2, "", 26 - node->depth * 2,
               node->name, r.r[0], r.r[1], r.r[2], r.r[0] - r.r[1] - r.r[2]);
    return 0;
}

int command_mem(size_t words, char **word)
{
    (void)words;
    (void)word;
    printf("CONTAINER                      TOTAL      USED    CARVED      FREE\n");
    return !walk_all(mem_visit, NULL);
}

/* ---- top ---- */

#define TOP_LINES 64u
#define TOP_PERIOD_NS 1000000000u

struct top_line {
    char name[TREE_NAME_BYTES];
    uint64_t thread, ticks, syscalls, state;
    uint64_t before; /* ticks a period ago */
};

struct top {
    struct top_line line[TOP_LINES];
    size_t lines;
};

static int top_visit(const struct tree_node *node, void *context)
{
    struct top *top = context;
    struct atm_result r = {.status = -1};
    if (node->kind == KIND_THREAD && top->lines < TOP_LINES)
        r = atm_thread_info(node->handle);
    if (r.status != 0)
        return 0;
    struct top_line *l = &top->line[top->lines++];
    *l = (struct top_line){.thread = r.r[4], .ticks = r.r[3], .syscalls = r.r[5], .state = r.r[0]};
    strlcpy(l->name, node->process_name, sizeof l->name);
    return 0;
}

static int top_order(const void *a, const void *b)
{
    const struct top_line *x = a, *y = b;
    uint64_t tx = x->ticks - x->before, ty = y->ticks - y->before;
    if (tx != ty)
        return tx > ty ? -1 : 1;
    return strcmp(x->name, y->name);
}

static void top_compare(struct top *now, const struct top *before)
{
    for (size_t i = 0; i < now->lines; i++)
        for (size_t j = 0; j < before->lines; j++)
            if (strcmp(now->line[i].name, before->line[j].name) == 0 &&
                now->line[i].thread == before->line[j].thread &&
                before->line[j].ticks <= now->line[i].ticks)
                now->line[i].before = before->line[j].ticks;
}

static void top_show(struct top *top)
{
    uint64_t all = 0;
    for (size_t i = 0; i < top->lines; i++)
        all += top->line[i].ticks - top->line[i].before;
    qsort(top->line, top->lines, sizeof top->line[0], top_order);
    printf("PROCESS          THREAD STATE         SHARE     TICKS  SYSTEM CALLS\n");
    for (size_t i = 0; i < top->lines; i++) {
        const struct top_line *l = &top->line[i];
        uint64_t share = all == 0 ? 0 : (l->ticks - l->before) * 100 / all;
        printf("%-16s %6lu %-12s %4lu %% %9lu %13lu\n", l->name, l->thread,
               atm_thread_state_name(l->state), share, l->ticks, l->syscalls);
    }
    fflush(stdout);
}

int command_top(size_t words, char **word)
{
    static struct top now, before;
    (void)words;
    (void)word;
    before.lines = 0;
    for (;;) {
        char key;
        now.lines = 0;
        if (!walk_all(top_visit, &now))
            return 1;
        top_compare(&now, &before);
        before = now;
        if (shell.interactive)
            printf("\x1b[H\x1b[2J");
        top_show(&now);
        if (!shell.interactive)
            return 0;
        int64_t n = console_read_until(&key, 1, atm_clock().r[0] + TOP_PERIOD_NS);
        if (n != -ERR_TIMEOUT)
            return 0;
    }
}

/* ---- kill ---- */

struct target {
    const char *name;
    uint64_t number; /* 0: by name */
    uint64_t handle; /* of the process or container found; a copy of the walk's */
    uint64_t kind;
    int is_init;
};

static int kill_visit(const struct tree_node *node, void *context)
{
    struct target *t = context;
    int fits = t->number != 0 ? node->kind == KIND_PROCESS && node->number == t->number
                              : node->kind != KIND_THREAD && node->depth > 0 &&
                                    strcmp(node->name, t->name) == 0;
    if (!fits)
        return 0;
    struct atm_result r = atm_handle_copy(0, node->handle, RIGHTS_ALL, 0);
    if (r.status < 0)
        return 0;
    if (t->handle != 0)
        atm_handle_close(t->handle);
    t->handle = r.r[0];
    t->kind = node->kind;
    t->is_init = node->kind == KIND_PROCESS && node->depth == 1;
    /* A container has the name of the program in it: the program is meant. */
    return node->kind == KIND_PROCESS;
}

static int kill_one(const char *what)
{
    char *end;
    struct target t = {.name = what};
    uint64_t number = strtoul(what, &end, 10);
    t.number = *end == 0 && isdigit(what[0]) ? number : 0;
    if (!walk_all(kill_visit, &t))
        return 1;
    if (t.handle == 0) {
        printf("kill: there is no process \"%s\"\n", what);
        return 1;
    }
    if (t.is_init) {
        printf("kill: init is needed to end the system; use exit\n");
        atm_handle_close(t.handle);
        return 1;
    }
    int64_t status = object_destroy(t.handle);
    atm_handle_close(t.handle);
    if (status < 0 && status != -ERR_DEAD) { /* DEAD: its parent has cleared it away meanwhile */
        printf("kill: %s: %s\n", what, atm_error_text(status));
        return 1;
    }
    return 0;
}

int command_kill(size_t words, char **word)
{
    int result = 0;
    if (words == 1) {
        printf("usage: kill NAME|NUMBER...\n");
        return 2;
    }
    for (size_t i = 1; i < words; i++)
        result |= kill_one(word[i]);
    return result;
}
