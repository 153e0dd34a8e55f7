/* SPDX-License-Identifier: MIT */
/*
 * Keys that were typed and nobody has read yet, and lines in the making. No system calls: plain
 * data.
 */
#ifndef CONSOLE_INPUT_H
#define CONSOLE_INPUT_H

#include <stddef.h>

#define INPUT_BYTES 2048u
#define LINE_BYTES 500u
#define ECHO_BYTES (4 * INPUT_BYTES + 3 * LINE_BYTES) /* what one input_line shows, at most */
#define KEY_INTERRUPT 3                               /* ^C */
#define KEY_END 4                                     /* ^D: the end of input */

struct input {
    char key[INPUT_BYTES]; /* ring */
    size_t first, count;
    char line[LINE_BYTES]; /* being edited */
    size_t line_bytes;
};

/* Keys there is room for. */
size_t input_room(const struct input *in);

/* Keeps a key; drops it when there is no room. */
void input_add(struct input *in, char key);

/* Takes up to bytes keys: how many. */
size_t input_take(struct input *in, char *to, size_t bytes);

/* Puts keys back that were taken last. */
void input_untake(struct input *in, const char *from, size_t bytes);

/* 1 if this key was typed and nobody has read it yet. */
int input_holds(const struct input *in, char key);

/* Throws away what was typed. */
void input_clear(struct input *in);

/* Edits the line with the keys there are; what to show on the terminal goes to echo (room for
   ECHO_BYTES). Gives 1 when the line is complete (with its "\n"), or input has ended (line_bytes
   0). */
int input_line(struct input *in, char *echo, size_t *echo_bytes);

#endif
