/* SPDX-License-Identifier: MIT */
/*
 * The shell: reads commands from a person, a script or the boot command, and runs them. With a boot
 * command it prints nothing of its own and ends with the command's status.
 */
#include "shell.h"
#include "lib/report.h"
#include "lib/startup.h"
#include "lib/sys.h"
#include "lib/vfs.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PROMPT "atmos> "
#define STATUS_USAGE 2

struct shell shell;

int command_run(size_t words, char **word)
{
    builtin *b = builtin_find(word[0]);
    jobs_reap();
    if (b != NULL) {
        int status = b(words, word);
        shell_watch_end();
        return status;
    }
    return file_run(words, word, RUN_QUOTA);
}

int shell_run(const char *text, size_t bytes)
{
    struct command command;
    const char *end = text + bytes;
    const char *wrong;
    int found;
    while (!shell.ending && !shell.interrupted &&
           (found = command_parse(&text, end, &command, &wrong)) != 0) {
        if (found < 0) {
            printf("shell: %s\n", wrong);
            shell.status = STATUS_USAGE;
        } else if (command.words > 0) {
            shell.background = command.background;
            shell.status = command_run(command.words, command.word);
            shell.background = 0;
        }
    }
    return shell.status;
}

static void interact(void)
{
    static char line[512];
    const char *machine = getenv("MACHINE");
    shell.interactive = 1;
    printf("Atmosphere, %s. Type help for the commands; Ctrl-D ends.\n",
           machine == NULL ? "" : machine);
    while (!shell.ending) {
        int bytes = line_edit(PROMPT, line, sizeof line);
        if (bytes < 0)
            return;
        shell.interrupted = 0;
        jobs_reap();
        shell_run(line, (size_t)bytes);
    }
}

int main(void)
{
    const char *command = getenv("COMMAND");
    struct atm_result r = atm_endpoint_create(0);
    shell.events = r.r[0];
    shell.system = startup_handle("system");
    shell.own = startup_handle("container");
    if (r.status < 0 || shell.own == 0) {
        printf("shell: it needs an endpoint and the handle \"container\"\n");
        return 1;
    }
    if (command != NULL)
        shell_run(command, strlen(command));
    else
        interact();
    (void)vfs_sync(); /* the system ends now: what was written is to stay */
    return shell.status;
}
