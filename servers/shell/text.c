/* SPDX-License-Identifier: MIT */
/* A text of lines; see text.h. */
#include "text.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

static int line_room(struct line *l, size_t bytes)
{
    if (bytes <= l->room)
        return 0;
    size_t room = l->room == 0 ? 32 : l->room * 2;
    room = room < bytes ? bytes : room;
    char *bigger = realloc(l->byte, room);
    if (bigger == NULL)
        return -ENOMEM;
    l->byte = bigger;
    l->room = room;
    return 0;
}

/* Puts bytes into a line at a place. */
static int line_put(struct line *l, size_t at, const char *from, size_t bytes)
{
    if (bytes == 0)
        return 0;
    if (line_room(l, l->bytes + bytes) != 0)
        return -ENOMEM;
    memmove(l->byte + at + bytes, l->byte + at, l->bytes - at);
    memcpy(l->byte + at, from, bytes);
    l->bytes += bytes;
    return 0;
}

static void line_cut(struct line *l, size_t at, size_t bytes)
{
    if (bytes > 0)
        memmove(l->byte + at, l->byte + at + bytes, l->bytes - at - bytes);
    l->bytes -= bytes;
}

/* An empty line at a place among the others. */
static int line_add(struct text *t, size_t at)
{
    if (t->lines == t->room) {
        size_t room = t->room == 0 ? 64 : t->room * 2;
        struct line *bigger = realloc(t->line, room * sizeof *bigger);
        if (bigger == NULL)
            return -ENOMEM;
        t->line = bigger;
        t->room = room;
    }
    memmove(&t->line[at + 1], &t->line[at], (t->lines - at) * sizeof t->line[0]);
    t->line[at] = (struct line){NULL, 0, 0};
    t->lines++;
    return 0;
}

static void line_remove(struct text *t, size_t at)
{
    free(t->line[at].byte);
    t->lines--;
    memmove(&t->line[at], &t->line[at + 1], (t->lines - at) * sizeof t->line[0]);
}

int text_load(struct text *t, const char *data, size_t bytes)
{
    *t = (struct text){0};
    int status = line_add(t, 0);
    while (status == 0 && bytes > 0) {
        const char *end = memchr(data, '\n', bytes);
        size_t here = end == NULL ? bytes : (size_t)(end - data);
        status = line_put(&t->line[t->lines - 1], 0, data, here);
        here += end != NULL;
        data += here;
        bytes -= here;
        if (status == 0 && bytes > 0)
            status = line_add(t, t->lines);
    }
    if (status != 0)
        text_free(t);
    return status;
}

void text_free(struct text *t)
{
    for (size_t i = 0; i < t->lines; i++)
        free(t->line[i].byte);
    free(t->line);
    *t = (struct text){0};
}

int text_insert_byte(struct text *t, char byte)
{
    int status = line_put(&t->line[t->row], t->column, &byte, 1);
    if (status == 0)
        t->column++;
    t->changed |= status == 0;
    return status;
}

int text_break(struct text *t)
{
    int status = line_add(t, t->row + 1);
    if (status != 0)
        return status;
    struct line *l = &t->line[t->row];
    size_t rest = l->bytes - t->column;
    status = rest == 0 ? 0 : line_put(&t->line[t->row + 1], 0, l->byte + t->column, rest);
    if (status != 0) {
        line_remove(t, t->row + 1);
        return status;
    }
    l->bytes = t->column;
    t->row++;
    t->column = 0;
    t->changed = 1;
    return 0;
}

/* The line below is put behind this one. */
static int lines_join(struct text *t, size_t row)
{
    const struct line *below = &t->line[row + 1];
    int status = line_put(&t->line[row], t->line[row].bytes, below->byte, below->bytes);
    if (status == 0)
        line_remove(t, row + 1);
    t->changed |= status == 0;
    return status;
}

int text_erase_at(struct text *t)
{
    struct line *l = &t->line[t->row];
    if (t->column == l->bytes)
        return t->row + 1 < t->lines ? lines_join(t, t->row) : 0;
    line_cut(l, t->column, 1);
    t->changed = 1;
    return 0;
}

int text_erase_before(struct text *t)
{
    if (t->row == 0 && t->column == 0)
        return 0;
    text_move(t, 0, -1);
    return text_erase_at(t);
}

void text_cut_line(struct text *t)
{
    t->changed = 1;
    t->column = 0;
    if (t->lines == 1) {
        t->line[0].bytes = 0;
        return;
    }
    line_remove(t, t->row);
    if (t->row == t->lines)
        t->row--;
}

size_t text_bytes(const struct text *t)
{
    size_t bytes = 0;
    if (t->lines == 1 && t->line[0].bytes == 0)
        return 0;
    for (size_t i = 0; i < t->lines; i++)
        bytes += t->line[i].bytes + 1;
    return bytes;
}

void text_store(const struct text *t, char *to)
{
    if (text_bytes(t) == 0)
        return;
    for (size_t i = 0; i < t->lines; i++) {
        if (t->line[i].bytes > 0)
            memcpy(to, t->line[i].byte, t->line[i].bytes);
        to += t->line[i].bytes;
        *to++ = '\n';
    }
}

void text_move(struct text *t, long rows, long columns)
{
    size_t up = rows < 0 ? (size_t)-rows : 0;
    t->row = rows < 0 ? t->row - (up < t->row ? up : t->row) : t->row + (size_t)rows;
    if (t->row >= t->lines)
        t->row = t->lines - 1;
    if (t->column > t->line[t->row].bytes)
        t->column = t->line[t->row].bytes;
    for (; columns < 0 && (t->column > 0 || t->row > 0); columns++) {
        if (t->column > 0)
            t->column--;
        else
            t->column = t->line[--t->row].bytes;
    }
    for (; columns > 0 && (t->column < t->line[t->row].bytes || t->row + 1 < t->lines); columns--) {
        if (t->column < t->line[t->row].bytes) {
            t->column++;
        } else {
            t->row++;
            t->column = 0;
        }
    }
}
