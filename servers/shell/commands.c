/* SPDX-License-Identifier: MIT */
/*
 * The built-in commands.
 */
#include "lib/file.h"
#include "lib/report.h"
#include "lib/sys.h"
#include "shell.h"
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define STATUS_USAGE 2
#define HEX_LINE 16u

static int usage(const char *text)
{
    printf("usage: %s\n", text);
    return STATUS_USAGE;
}

static int file_failed(const char *path, int64_t status)
{
    printf("%s: %s\n", path[0] == 0 ? "/" : path, file_error_text(status));
    return 1;
}

/* A folder's path without "/" at its ends, to compare with names. */
static size_t folder_trim(const char **path)
{
    while (**path == '/' || (**path == '.' && (*path)[1] != '.'))
        ++*path;
    size_t n = strlen(*path);
    while (n > 0 && (*path)[n - 1] == '/')
        n--;
    return n;
}

/* 1 if the entry is the folder's own child, or the file itself. */
static int is_listed(const struct file_entry *e, const char *folder, size_t bytes)
{
    if (strcmp(e->name, ".") == 0)
        return 0;
    if (bytes == 0)
        return strchr(e->name, '/') == NULL;
    if (strncmp(e->name, folder, bytes) != 0)
        return 0;
    if (e->name[bytes] == 0)
        return (e->mode & FILE_MODE_KIND) != FILE_MODE_FOLDER;
    return e->name[bytes] == '/' && strchr(e->name + bytes + 1, '/') == NULL;
}

static int list_folder(const char *path)
{
    struct file_entry e;
    const char *folder = path;
    size_t bytes = folder_trim(&folder);
    int64_t status;
    if (bytes > 0 && (status = file_stat(path, &e)) != 0)
        return file_failed(path, status);
    for (uint64_t n = 0; (status = file_list(n, &e)) == 0; n++)
        if (is_listed(&e, folder, bytes)) {
            int is_folder = (e.mode & FILE_MODE_KIND) == FILE_MODE_FOLDER;
            printf("%10lu  %s%s\n", e.bytes, e.name, is_folder ? "/" : "");
        }
    return status == FILE_PAST_END ? 0 : file_failed(path, status);
}

static int command_ls(size_t words, char **word)
{
    int result = 0;
    if (words == 1)
        return list_folder("");
    for (size_t i = 1; i < words; i++)
        result |= list_folder(word[i]);
    return result;
}

/* Hands a file, piece by piece, to a function. */
typedef void piece_taker(uint64_t offset, const char *data, size_t bytes);
static int file_each(const char *path, piece_taker *take)
{
    char data[FILE_DATA_MAX / HEX_LINE * HEX_LINE];
    for (uint64_t offset = 0;;) {
        size_t bytes = sizeof data;
        int64_t status = file_read(path, offset, data, &bytes);
        if (status != 0)
            return file_failed(path, status);
        if (bytes == 0)
            return 0;
        take(offset, data, bytes);
        offset += bytes;
    }
}

static void cat_piece(uint64_t offset, const char *data, size_t bytes)
{
    (void)offset;
    fwrite(data, 1, bytes, stdout);
}

static int command_cat(size_t words, char **word)
{
    int result = 0;
    if (words == 1)
        return usage("cat FILE...");
    for (size_t i = 1; i < words; i++)
        result |= file_each(word[i], cat_piece);
    fflush(stdout);
    return result;
}

static void hex_line(uint64_t offset, const char *data, size_t bytes)
{
    printf("%08lx ", offset);
    for (size_t i = 0; i < HEX_LINE; i++)
        if (i < bytes)
            printf(i == HEX_LINE / 2 ? "  %02x" : " %02x", (unsigned char)data[i]);
        else
            printf(i == HEX_LINE / 2 ? "    " : "   ");
    printf("  |");
    for (size_t i = 0; i < bytes; i++)
        putchar(isprint(data[i]) ? data[i] : '.');
    printf("|\n");
}

static void hex_piece(uint64_t offset, const char *data, size_t bytes)
{
    for (size_t at = 0; at < bytes; at += HEX_LINE)
        hex_line(offset + at, data + at, bytes - at < HEX_LINE ? bytes - at : HEX_LINE);
}

static int command_hex(size_t words, char **word)
{
    return words == 2 ? file_each(word[1], hex_piece) : usage("hex FILE");
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
        return usage("run [-q PAGES] PROGRAM|SCRIPT [WORD...]");
    return file_run(words - 1, word + 1, quota);
}

static int command_time(size_t words, char **word)
{
    if (words < 2)
        return usage("time COMMAND [WORD...]");
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

/* fault, stress: programs of the same name; fault alone lists its kinds. */
static int command_program(size_t words, char **word) { return file_run(words, word, RUN_QUOTA); }

static int command_exit(size_t words, char **word)
{
    int status = shell.status;
    if (words > 1) {
        char *end;
        long n = strtol(word[1], &end, 10);
        if (*end != 0 || n < 0 || n > STATUS_MAX)
            return usage("exit [0..127]");
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
    {"ls", command_ls, "ls [FOLDER|FILE...]", "files of the initial ramdisk and their bytes"},
    {"cat", command_cat, "cat FILE...", "shows files"},
    {"hex", command_hex, "hex FILE", "shows a file's bytes"},
    {"echo", command_echo, "echo [WORD...]", "shows the words"},
    {"ps", command_ps, "ps", "the tree of containers, processes and threads"},
    {"mem", command_mem, "mem", "containers and their memory quotas, in 4 KiB pages"},
    {"top", command_top, "top", "threads by processor time; any key ends it"},
    {"kill", command_kill, "kill NAME|NUMBER...", "ends processes (numbers of ps) or containers"},
    {"run", command_run_file, "run [-q PAGES] FILE [WORD...]",
     "runs a program or script (\"run\" may be left out)"},
    {"time", command_time, "time COMMAND [WORD...]", "runs a command and says how long it took"},
    {"fault", command_program, "fault [KIND]", "a program that does something forbidden"},
    {"stress", command_program, "stress [ROUNDS]", "makes and destroys things, looks for leaks"},
    {"exit", command_exit, "exit [STATUS]", "ends the shell, and with it the system"},
};
#define ENTRIES (sizeof entries / sizeof entries[0])

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
        printf("Any other word is a program in bin/. Commands are parted by \";\"; $? is the last "
               "status.\n");
    return 0;
}
