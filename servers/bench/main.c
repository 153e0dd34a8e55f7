/* SPDX-License-Identifier: MIT */
/*
 * What the kernel's operations cost. Prints "name value" lines; bench/table makes a table of them.
 *
 *   bench                   measures every row
 *   bench row NAME ROUNDS   measures one row, with so many rounds (0: as many as always)
 *   bench row NAME ROUNDS ENTRY   the same, for a profile of one entry of it
 *   bench growth KIND MOST  measures while ever more objects of a kind are there, see growth.c
 *
 * As the main program of the system it takes these words from the system's command.
 */
#include "bench.h"
#include "lib/startup.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WORDS_MAX 8

static const struct bench_row *const groups[] = {rows_simple, rows_call,  rows_memory,
                                                 rows_object, rows_event, rows_longest};
#define GROUPS (sizeof groups / sizeof groups[0])

static int usage(void)
{
    printf("usage: bench [row NAME ROUNDS [ENTRY] | growth KIND MOST]\n");
    return 2;
}

const struct bench_row *bench_row_find(const char *name)
{
    for (size_t g = 0; g < GROUPS; g++)
        for (const struct bench_row *row = groups[g]; row->name != NULL; row++)
            if (strcmp(row->name, name) == 0)
                return row;
    return NULL;
}

static int measure_one(const char *name, uint64_t rounds, uint64_t entry)
{
    const struct bench_row *row = bench_row_find(name);
    if (row == NULL) {
        printf("bench: there is no row '%s'\n", name);
        return 1;
    }
    if (row->possible != NULL && !row->possible()) {
        printf("bench: this machine has no device for '%s'\n", name);
        return 1;
    }
    bench_measure(row, rounds, entry);
    return 0;
}

static int measure_all(void)
{
    for (size_t g = 0; g < GROUPS; g++)
        for (const struct bench_row *row = groups[g]; row->name != NULL; row++)
            if (row->possible == NULL || row->possible())
                bench_measure(row, 0, ENTRIES_ALL);
    return 0;
}

/* The words of the system's command, as arguments. */
static int command_words(char **words)
{
    static char text[256];
    const char *command = getenv("COMMAND");
    int count = 1;
    strlcpy(text, command != NULL ? command : "", sizeof text);
    for (char *at = text; *at != 0 && count < WORDS_MAX; count++) {
        words[count] = at;
        while (*at != ' ' && *at != 0)
            at++;
        while (*at == ' ')
            *at++ = 0;
    }
    return count;
}

int main(int argc, char **argv)
{
    static char *words[WORDS_MAX];
    if (argc == 3 && strcmp(argv[1], "partner") == 0)
        partner_run(argv[2]);
    if (argc == 1) {
        argc = command_words(words);
        argv = words;
    }
    bench_container = startup_handle("container");
    if (argc == 1 || (argc == 2 && strcmp(argv[1], "all") == 0))
        return measure_all();
    if ((argc == 4 || argc == 5) && strcmp(argv[1], "row") == 0)
        return measure_one(argv[2], strtoul(argv[3], NULL, 10),
                           argc == 5 ? strtoul(argv[4], NULL, 10) : ENTRIES_ALL);
    if (argc == 4 && strcmp(argv[1], "growth") == 0)
        return bench_growth(argv[2], strtoul(argv[3], NULL, 10));
    return usage();
}
