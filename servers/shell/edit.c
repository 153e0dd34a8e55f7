/* SPDX-License-Identifier: MIT */
/*
 * The editor: a file on the whole screen of a terminal on a serial line. The terminal is asked for
 * its size by sending the cursor as far as it goes and asking where it is; until it answers, and if
 * it never does, 24 lines of 80 are taken. Only when no more keys wait is the screen drawn anew.
 *
 * Bytes that are no printable ASCII show as "?" and stay what they are; a tab shows as blanks.
 */
#include "files.h"
#include "keys.h"
#include "lib/vfs.h"
#include "shell.h"
#include "text.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FILE_MAX 4194304u /* bytes of a file that can be edited */
#define TAB_WIDTH 8u
#define ROWS 24u
#define COLUMNS 80u
#define SIDE_MOST 500u

struct edit {
    const char *path;
    struct text text;
    size_t top, left;     /* what the screen's first line and column show */
    size_t rows, columns; /* of the screen */
    const char *message;  /* in the last line, until the next key */
    int leaving;          /* 1: ^Q was pressed once with changes */
    int done;
};

/* ---- the screen ---- */

/* The column on the screen, from 0, of a byte of a line. */
static size_t shown_column(const struct line *l, size_t byte)
{
    size_t column = 0;
    for (size_t i = 0; i < byte && i < l->bytes; i++)
        column += l->byte[i] == '\t' ? TAB_WIDTH - column % TAB_WIDTH : 1;
    return column;
}

static void line_show(const struct edit *e, const struct line *l)
{
    char out[SIDE_MOST + 1];
    size_t column = 0, used = 0;
    for (size_t i = 0; i < l->bytes && column < e->left + e->columns; i++) {
        char c = l->byte[i];
        size_t width = c == '\t' ? TAB_WIDTH - column % TAB_WIDTH : 1;
        char shown = c == '\t' ? ' ' : c < ' ' || c > '~' ? '?' : c;
        for (; width > 0 && column < e->left + e->columns; width--, column++)
            if (column >= e->left)
                out[used++] = shown;
    }
    out[used] = 0;
    fputs(out, stdout);
}

/* Moves what is shown so that the cursor is on the screen. */
static void scroll(struct edit *e)
{
    size_t height = e->rows - 1;
    size_t column = shown_column(&e->text.line[e->text.row], e->text.column);
    if (e->text.row < e->top)
        e->top = e->text.row;
    if (e->text.row >= e->top + height)
        e->top = e->text.row - height + 1;
    if (column < e->left)
        e->left = column / TAB_WIDTH * TAB_WIDTH;
    if (column >= e->left + e->columns)
        e->left = (column - e->columns) / TAB_WIDTH * TAB_WIDTH + TAB_WIDTH;
}

static void screen_show(struct edit *e)
{
    scroll(e);
    printf("\x1b[?25l\x1b[H");
    for (size_t i = 0; i < e->rows - 1; i++) {
        if (e->top + i < e->text.lines)
            line_show(e, &e->text.line[e->top + i]);
        printf("\x1b[K\r\n");
    }
    size_t column = shown_column(&e->text.line[e->text.row], e->text.column);
    char state[SIDE_MOST];
    snprintf(state, sizeof state, "%s%s, line %lu of %lu, column %lu.  %s", e->path,
             e->text.changed ? " (changed)" : "", e->text.row + 1, e->text.lines, column + 1,
             e->message != NULL ? e->message : "^S saves, ^Q ends, ^K cuts a line");
    printf("\x1b[7m%.*s\x1b[K\x1b[0m", (int)(e->columns - 1), state);
    printf("\x1b[%lu;%luH\x1b[?25h", e->text.row - e->top + 1, column - e->left + 1);
    fflush(stdout);
}

static size_t side(int told, size_t otherwise)
{
    return told < 4 ? otherwise : (size_t)told < SIDE_MOST ? (size_t)told : SIDE_MOST;
}

/* ---- the file ---- */

static void save(struct edit *e)
{
    size_t bytes = text_bytes(&e->text);
    char *all = malloc(bytes + 1);
    int status = -ENOMEM;
    if (all != NULL) {
        text_store(&e->text, all);
        status = vfs_save(e->path, all, bytes);
    }
    free(all);
    e->message = status == 0 ? "saved" : errno_text(status);
    if (status == 0)
        e->text.changed = 0;
}

static int load(struct edit *e)
{
    struct vfs_image image;
    int status = vfs_load(e->path, &image);
    if (status == -ENOENT) {
        e->message = "a new file";
        return text_load(&e->text, "", 0);
    }
    if (status != 0)
        return status;
    status = image.bytes > FILE_MAX ? -EFBIG
                                    : text_load(&e->text, (const char *)image.data, image.bytes);
    vfs_unload(&image);
    return status;
}

/* ---- keys ---- */

static void leave(struct edit *e)
{
    if (!e->text.changed || e->leaving) {
        e->done = 1;
        return;
    }
    e->message = "not saved! ^S saves; ^Q again throws the changes away";
}

static int key_change(struct edit *e, int key)
{
    switch (key) {
    case KEY_ENTER:
    case '\n':
        return text_break(&e->text);
    case KEY_RUBOUT:
    case CONTROL('H'):
        return text_erase_before(&e->text);
    case KEY_DELETE:
    case CONTROL('D'):
        return text_erase_at(&e->text);
    case CONTROL('K'):
        text_cut_line(&e->text);
        return 0;
    default:
        return (key >= ' ' && key < 256) || key == KEY_TAB ? text_insert_byte(&e->text, (char)key)
                                                           : 0;
    }
}

/* 1 if the key moves the cursor. */
static int key_move(struct edit *e, int key)
{
    struct text *t = &e->text;
    long page = (long)e->rows - 2;
    if (key == KEY_UP || key == KEY_DOWN)
        text_move(t, key == KEY_UP ? -1 : 1, 0);
    else if (key == KEY_LEFT || key == KEY_RIGHT)
        text_move(t, 0, key == KEY_LEFT ? -1 : 1);
    else if (key == KEY_PAGE_UP || key == KEY_PAGE_DOWN)
        text_move(t, key == KEY_PAGE_UP ? -page : page, 0);
    else if (key == KEY_HOME || key == CONTROL('A'))
        t->column = 0;
    else if (key == KEY_END || key == CONTROL('E'))
        t->column = t->line[t->row].bytes;
    else
        return 0;
    return 1;
}

static void key_apply(struct edit *e, int key)
{
    int again = key == CONTROL('Q') || key == CONTROL('C');
    if (key == KEY_SIZE) {
        e->rows = side(keys_row, ROWS);
        e->columns = side(keys_column, COLUMNS);
        return;
    }
    e->message = NULL;
    if (again)
        leave(e);
    else if (key == CONTROL('S'))
        save(e);
    else if (key == KEY_NONE)
        e->done = 1;
    else if (!key_move(e, key) && key_change(e, key) != 0)
        e->message = errno_text(ENOMEM);
    e->leaving = again;
}

int command_edit(size_t words, char **word)
{
    static struct edit e;
    if (words != 2)
        return shell_usage("edit FILE");
    e = (struct edit){.path = word[1], .rows = ROWS, .columns = COLUMNS};
    int status = load(&e);
    if (status != 0)
        return files_failed(word[1], status);
    printf("\x1b[999;999H\x1b[6n\x1b[2J");
    while (!e.done) {
        if (!keys_waiting())
            screen_show(&e);
        key_apply(&e, key_read());
    }
    printf("\x1b[%lu;1H\x1b[K\r", e.rows);
    fflush(stdout);
    text_free(&e.text);
    return 0;
}
