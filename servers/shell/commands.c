/* SPDX-License-Identifier: MIT */
/*
 * The built-in commands.
 */
#include "lib/console.h"
#include "lib/error.h"
#include "lib/report.h"
#include "lib/sys.h"
#include "files.h"
#include "shell.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define STATUS_USAGE 2

int shell_usage(const char *text)
{
    printf("usage: %s\n", text);
    return STATUS_USAGE;
}

static int command_echo(size_t words, char **word)
{
    for (size_t i = 1; i < words; i++)
        printf(i + 1 < words ? "%s " : "%s", word[i]);
    puts("");
    return 0;
}

static int command_run_file(size_t words, char **word)
{
    uint64_t quota = RUN_QUOTA;
    if (words > 3 && strcmp(word[1], "-q") == 0) {
        quota = strtoul(word[2], NULL, 0);
        words -= 2;
        word += 2;
    }
    if (words < 2)
        return shell_usage("run [-q PAGES] PROGRAM|SCRIPT [WORD...]");
    return file_run(words - 1, word + 1, quota);
}

static int command_time(size_t words, char **word)
{
    if (words < 2)
        return shell_usage("time COMMAND [WORD...]");
    run_record = (struct run_record){0};
    uint64_t begin = atm_clock().r[0];
    int status = command_run(words - 1, word + 1);
    uint64_t ns = atm_clock().r[0] - begin;
    printf("time: %lu.%06lu ms", ns / 1000000, ns % 1000000);
    if (run_record.valid)
        printf(", %lu system calls, %lu timer ticks", run_record.syscalls, run_record.ticks);
    printf("\n");
    return status;
}

static int command_date(size_t words, char **word)
{
    char text[DATE_TEXT];
    time_t now = time(NULL);
    (void)word;
    if (words > 1)
        return shell_usage("date");
    if (now < 0) {
        printf("date: the machine's clock shows none\n");
        return 1;
    }
    printf("%s UTC\n", date_text(now, text));
    return 0;
}

static int command_dmesg(size_t words, char **word)
{
    char text[CONSOLE_TEXT_MAX];
    int64_t n;
    (void)words;
    (void)word;
    for (uint64_t at = 0; (n = console_log_read(&at, text, sizeof text)) > 0;)
        fwrite(text, 1, (size_t)n, stdout);
    fflush(stdout);
    if (n < 0)
        printf("dmesg: %s\n", atm_error_text(n));
    return n < 0;
}

/* fault, stress: programs of the same name; fault alone lists its kinds. */
static int command_program(size_t words, char **word) { return file_run(words, word, RUN_QUOTA); }

static int command_exit(size_t words, char **word)
{
    int status = shell.status;
    if (words > 1) {
        char *end;
        long n = strtol(word[1], &end, 10);
        if (*end != 0 || n < 0 || n > STATUS_MAX)
            return shell_usage("exit [0..127]");
        status = (int)n;
    }
    shell.ending = 1;
    return status;
}

static int command_help(size_t words, char **word);

static const struct entry {
    const char *name;
    builtin *run;
    const char *usage;
    const char *text;
} entries[] = {
    {"help", command_help, "help [COMMAND]", "what commands there are"},
    {"ls", command_ls, "ls [-l] [FOLDER|FILE...]", "files and their bytes; -l: permissions, dates"},
    {"cd", command_cd, "cd [FOLDER]", "goes to a folder (none: /)"},
    {"pwd", command_pwd, "pwd", "the folder one is in"},
    {"cat", command_cat, "cat FILE...", "shows files"},
    {"hexdump", command_hexdump, "hexdump FILE", "shows a file's bytes"},
    {"edit", command_edit, "edit FILE", "an editor; ^S saves, ^Q ends"},
    {"cp", command_cp, "cp [-r] FROM... TO", "copies files; -r: folders, too"},
    {"mv", command_mv, "mv FROM... TO", "moves or renames"},
    {"rm", command_rm, "rm [-r] PATH...", "removes files; -r: folders with all in them"},
    {"mkdir", command_mkdir, "mkdir [-p] FOLDER...", "makes folders; -p: those above, too"},
    {"mount", command_mount, "mount [MOUNTED FOLDER]",
     "file systems; or mounts one of them in another place, too"},
    {"umount", command_umount, "umount FOLDER", "takes a mount away"},
    {"df", command_df, "df [PATH...]", "file systems, and how full they are"},
    {"sync", command_sync, "sync", "writes all to the disks that is not there yet"},
    {"date", command_date, "date", "the date and the time of day, in UTC"},
    {"dmesg", command_dmesg, "dmesg", "what the system's programs reported since the start"},
    {"echo", command_echo, "echo [WORD...]", "shows the words"},
    {"ps", command_ps, "ps", "the tree of containers, processes and threads"},
    {"mem", command_mem, "mem", "containers and their memory quotas, in 4 KiB pages"},
    {"top", command_top, "top", "threads by processor time; any key ends it"},
    {"kill", command_kill, "kill NAME|NUMBER...", "ends processes (numbers of ps) or containers"},
    {"run", command_run_file, "run [-q PAGES] FILE [WORD...]",
     "runs a program or script (\"run\" may be left out)"},
    {"time", command_time, "time COMMAND [WORD...]", "runs a command and says how long it took"},
    {"wait", command_wait, "wait", "waits for the programs in the background (\"hello &\")"},
    {"fault", command_program, "fault [KIND]", "a program that does something forbidden"},
    {"stress", command_program, "stress [ROUNDS]", "makes and destroys things, looks for leaks"},
    {"exit", command_exit, "exit [STATUS]", "ends the shell, and with it the system"},
};
#define ENTRIES (sizeof entries / sizeof entries[0])

const char *builtin_name(size_t n) { return n < ENTRIES ? entries[n].name : NULL; }

builtin *builtin_find(const char *name)
{
    for (size_t i = 0; i < ENTRIES; i++)
        if (strcmp(entries[i].name, name) == 0)
            return entries[i].run;
    return NULL;
}

static int command_help(size_t words, char **word)
{
    int found = 0;
    for (size_t i = 0; i < ENTRIES; i++)
        if (words == 1 || strcmp(entries[i].name, word[1]) == 0) {
            printf("%-30s %s\n", entries[i].usage, entries[i].text);
            found = 1;
        }
    if (!found) {
        printf("help: there is no command \"%s\"\n", word[1]);
        return 1;
    }
    if (words == 1)
        printf("Any other word is a program in /bin. Commands are parted by \";\"; one that ends "
               "in \" &\" is not waited for; $? is the last status.\n");
    return 0;
}
