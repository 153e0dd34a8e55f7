/* SPDX-License-Identifier: MIT */
/*
 * A text being edited: lines, and a cursor in them. Plain data, no system calls. Every change keeps
 * the cursor within the text.
 */
#ifndef SHELL_TEXT_H
#define SHELL_TEXT_H

#include <stddef.h>

struct line {
    char *byte; /* without "\n"; NULL: empty */
    size_t bytes, room;
};

struct text {
    struct line *line; /* at least one */
    size_t lines, room;
    size_t row, column; /* of the cursor; column may be behind the last byte */
    int changed;        /* 1: since it was loaded or saved */
};

/* Each gives 0, or -ENOMEM: then nothing is lost, and the change was not made or only begun. */
int text_load(struct text *t, const char *data, size_t bytes);
int text_insert_byte(struct text *t, char byte);
int text_break(struct text *t);        /* a new line at the cursor */
int text_erase_before(struct text *t); /* backspace: may join two lines */
int text_erase_at(struct text *t);
void text_cut_line(struct text *t); /* takes the whole line away */
void text_free(struct text *t);

/* Bytes of the whole with an "\n" behind each line, and the bytes themselves. A text that is one
   empty line is 0 bytes. */
size_t text_bytes(const struct text *t);
void text_store(const struct text *t, char *to);

/* Moves the cursor by so many lines and bytes; a move left at the beginning of a line goes to the
   end of the one before, and right likewise. */
void text_move(struct text *t, long rows, long columns);

#endif
