/* SPDX-License-Identifier: MIT */
/*
 * What the shell's file commands share.
 */
#ifndef SHELL_FILES_H
#define SHELL_FILES_H

#include <stddef.h>
#include <stdint.h>
#include <time.h>

/* "2026-02-28 23:59:59", in to or not. */
#define DATE_TEXT 32u
const char *date_text(time_t seconds, char to[DATE_TEXT]);

/* Says what is wrong with a path; gives the command's status. */
int files_failed(const char *path, int64_t error);

/* A folder's entries, by name. */
struct list_entry {
    char *name;
    uint32_t mode; /* S_IF.. */
};
struct list {
    struct list_entry *entry;
    size_t count, room;
};
int list_read(const char *path, struct list *list); /* 0 or -error; then nothing is to be freed */
void list_free(struct list *list);

#endif
