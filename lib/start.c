/* SPDX-License-Identifier: MIT */
/*
 * Before and after main: reads the startup page (or, in the first process, the boot information),
 * makes argv, calls main, ends the process with its status.
 */
#include "lib/startup.h"
#include "lib/sys.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ATEXIT_MAX 16

int main(int argc, char **argv);
_Noreturn void start_main(void);

static char *words[STARTUP_WORDS + 1];
static char *environment[STARTUP_WORDS + 1];
static void (*at_exit[ATEXIT_MAX])(void);
static int at_exit_count;

static struct startup *startup_page(void)
{
    struct startup *page = (struct startup *)(uintptr_t)STARTUP_VA;
    return page->magic == STARTUP_MAGIC ? page : NULL;
}

const struct atm_boot_info *startup_boot(void)
{
    const struct atm_boot_info *info = (const struct atm_boot_info *)(uintptr_t)BOOT_INFO_VA;
    return info->magic == BOOT_MAGIC ? info : NULL;
}

const char *startup_name(void) { return words[0]; }

uint64_t startup_handle(const char *name)
{
    const struct startup *page = startup_page();
    if (page == NULL)
        return 0;
    for (uint64_t i = 0; i < page->handles && i < STARTUP_HANDLES; i++)
        if (strncmp(page->handle[i].name, name, HANDLE_NAME_BYTES) == 0)
            return page->handle[i].number;
    return 0;
}

static uint64_t epoch_read;

uint64_t startup_epoch(void)
{
    const struct startup *page = startup_page();
    return page == NULL ? epoch_read : page->epoch;
}

void startup_epoch_set(uint64_t epoch) { epoch_read = epoch; }

char *getenv(const char *name)
{
    size_t bytes = strlen(name);
    for (size_t i = 0; environment[i] != NULL; i++)
        if (strncmp(environment[i], name, bytes) == 0 && environment[i][bytes] == '=')
            return environment[i] + bytes + 1;
    return NULL;
}

/* Points list at count strings that follow one another; gives the place after the last. */
static char *strings_take(char *text, const char *end, char **list, uint64_t count)
{
    for (uint64_t i = 0; i < count && i < STARTUP_WORDS && text < end; i++) {
        list[i] = text;
        text += strnlen(text, (size_t)(end - text)) + 1;
    }
    return text;
}

static int arguments_take(void)
{
    static char init_name[] = "init";
    struct startup *page = startup_page();
    words[0] = init_name;
    if (page == NULL)
        return 1;
    const char *end = page->text + sizeof page->text;
    char *rest = strings_take(page->text, end, words, page->arguments);
    strings_take(rest, end, environment, page->environment);
    return (int)(page->arguments < STARTUP_WORDS ? page->arguments : STARTUP_WORDS);
}

int atexit(void (*function)(void))
{
    if (at_exit_count == ATEXIT_MAX)
        return -1;
    at_exit[at_exit_count++] = function;
    return 0;
}

_Noreturn void _Exit(int status)
{
    atm_process_exit((uint64_t)(unsigned)status);
    for (;;)
        __builtin_trap();
}

_Noreturn void exit(int status)
{
    while (at_exit_count > 0)
        at_exit[--at_exit_count]();
    fflush(NULL);
    _Exit(status);
}

/* Ends by an illegal instruction, so that the parent reports where. */
_Noreturn void abort(void)
{
    fflush(NULL);
    __builtin_trap();
}

_Noreturn void start_main(void)
{
    int count = arguments_take();
    exit(main(count, words));
}
