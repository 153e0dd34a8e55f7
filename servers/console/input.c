/* SPDX-License-Identifier: MIT */
/*
 * The ring of keys and the simple line discipline of CONSOLE_LINE: backspace, ^U, ^D. The shell
 * edits by itself.
 */
#include "input.h"
#include <string.h>

#define KEY_BACKSPACE 8
#define KEY_KILL 21 /* ^U */
#define KEY_DELETE 127

size_t input_room(const struct input *in) { return INPUT_BYTES - in->count; }

void input_add(struct input *in, char key)
{
    if (in->count == INPUT_BYTES)
        return;
    in->key[(in->first + in->count++) % INPUT_BYTES] = key;
}

size_t input_take(struct input *in, char *to, size_t bytes)
{
    size_t n = 0;
    while (n < bytes && in->count > 0) {
        to[n++] = in->key[in->first];
        in->first = (in->first + 1) % INPUT_BYTES;
        in->count--;
    }
    return n;
}

void input_untake(struct input *in, const char *from, size_t bytes)
{
    while (bytes-- > 0 && in->count < INPUT_BYTES) {
        in->first = (in->first + INPUT_BYTES - 1) % INPUT_BYTES;
        in->key[in->first] = from[bytes];
        in->count++;
    }
}

int input_holds(const struct input *in, char key)
{
    for (size_t i = 0; i < in->count; i++)
        if (in->key[(in->first + i) % INPUT_BYTES] == key)
            return 1;
    return 0;
}

void input_clear(struct input *in) { in->count = in->line_bytes = 0; }

static void show(char *echo, size_t *bytes, const char *text)
{
    size_t n = strlen(text);
    memcpy(echo + *bytes, text, n);
    *bytes += n;
}

static void line_erase(struct input *in, char *echo, size_t *echo_bytes)
{
    if (in->line_bytes > 0) {
        in->line_bytes--;
        show(echo, echo_bytes, "\b \b");
    }
}

int input_line(struct input *in, char *echo, size_t *echo_bytes)
{
    char key;
    *echo_bytes = 0;
    while (input_take(in, &key, 1) == 1) {
        if (key == '\r' || key == '\n') {
            in->line[in->line_bytes++] = '\n';
            show(echo, echo_bytes, "\n");
            return 1;
        }
        if (key == KEY_END)
            return 1;
        if (key == KEY_BACKSPACE || key == KEY_DELETE) {
            line_erase(in, echo, echo_bytes);
        } else if (key == KEY_KILL) {
            while (in->line_bytes > 0)
                line_erase(in, echo, echo_bytes);
        } else if (in->line_bytes < LINE_BYTES - 1 && (unsigned char)key >= ' ') {
            in->line[in->line_bytes++] = key;
            echo[(*echo_bytes)++] = key;
        }
    }
    return 0;
}
