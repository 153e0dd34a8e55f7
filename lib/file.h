/* SPDX-License-Identifier: MIT */
/*
 * The file protocol, and its client side. Files are named by path and are read-only. Bulk data
 * travels as shared pages: a page of the file service's archive that holds the file's bytes is
 * mapped into the client, read-only.
 */
#ifndef LIB_FILE_H
#define LIB_FILE_H

#include <stddef.h>
#include <stdint.h>

/* A request's label; w0 is a number, the path is text from w1 on. An answer's label is 0 or an enum
   file_error. */
enum file_label {
    FILE_LIST = 1,
    /* w0: entry number from 0. Answer: w0 = mode <<
   32 | (name bytes), w1 size, w2.. name */
    FILE_STAT,
    /* Answer: w0 size, w1 mode */ FILE_READ,
    /*
   w0: offset. Answer: w0 bytes, text: the data, FILE_DATA_MAX at most */
    FILE_PAGES /* w0: page of
   the file from 0. Answer: w0 file size, w1 where the file begins in its first page, and up to four
   pages as items */
};

enum file_error {
    FILE_OK,
    FILE_NOT_FOUND = 1,
    FILE_IS_FOLDER,
    FILE_PAST_END,
    FILE_BAD_REQUEST,
    FILE_NO_SERVICE /* the client has no handle "fs" */
};

#define FILE_DATA_MAX 504u
#define FILE_MODE_FOLDER 0040000u
#define FILE_MODE_KIND 0170000u
#define FILE_NAME_BYTES 240u

struct file_entry {
    char name[FILE_NAME_BYTES]; /* path from the root, without a leading "/" */
    uint64_t bytes;
    uint32_t mode;
};

/* What an answer means, for people: for > 0 an enum file_error, for < 0 a system call's error. */
const char *file_error_text(int64_t status);

/* Each returns 0, an enum file_error, or -error of the system call. */
int64_t file_list(uint64_t number, struct file_entry *entry); /* FILE_PAST_END after the last */
int64_t file_stat(const char *path, struct file_entry *entry);
int64_t file_read(const char *path, uint64_t offset, void *to,
                  size_t *bytes); /* *bytes: room, then got */

/* A whole file, in memory as shared pages. */
struct file_image {
    const unsigned char *data;
    uint64_t bytes;
    uint64_t window; /* for file_unload */
    uint64_t pages;
};
int64_t file_load(const char *path, struct file_image *image);
void file_unload(struct file_image *image);

#endif
