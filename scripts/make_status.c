/* SPDX-License-Identifier: MIT */
/*
 * An extension that GNU make loads: $(exit-status FILE) ends make with the number in FILE. Without it make ends with
 * status 2 whatever a command's status was; with it `make run CMD="..."` has the status of the command.
 * Called by the Makefile only, after the recipe that writes FILE.
 */
#include <stdio.h>
#include <stdlib.h>

typedef char *(*function)(const char *name, unsigned argc, char **argv);
extern void gmk_add_function(const char *name, function, unsigned least, unsigned most,
                             unsigned flags);

int plugin_is_GPL_compatible;

static char *status_exit(const char *name, unsigned argc, char **argv)
{
    (void)name;
    (void)argc;
    int status = 1;
    FILE *file = fopen(argv[0], "r");
    if (file == NULL || fscanf(file, "%d", &status) != 1)
        fprintf(stderr, "make: no exit status in %s\n", argv[0]);
    if (file != NULL)
        fclose(file);
    remove(argv[0]);
    fflush(NULL);
    exit(status);
}

int make_status_gmk_setup(void);
int make_status_gmk_setup(void)
{
    gmk_add_function("exit-status", status_exit, 1, 1, 0);
    return 1;
}
