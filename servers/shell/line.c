/* SPDX-License-Identifier: MIT */
/*
 * Editing a line, with a history. ^D ends the input on an empty line; twice in a row behind a text
 * it does that after the text was run, so that input through a pipe may lack its last new line.
 * Keys: arrows, Home, End, Delete, backspace, Tab, ^A ^E ^B ^F ^P ^N ^K ^U ^W ^L ^C ^D.
 */
#include "keys.h"
#include "shell.h"
#include <stdio.h>
#include <string.h>

#define HISTORY_LINES 64u
#define LINE_MAX_BYTES 480u

struct editor {
    const char *prompt;
    char text[LINE_MAX_BYTES + 1];
    size_t bytes;
    size_t cursor;
    size_t back;                    /* lines back in history; 0: the line being typed */
    char typed[LINE_MAX_BYTES + 1]; /* kept while history is shown */
};

static char history[HISTORY_LINES][LINE_MAX_BYTES + 1];
static size_t history_count; /* lines ever added */

static void draw_now(const struct editor *e)
{
    printf("\r%s%s\x1b[K", e->prompt, e->text);
    if (e->cursor < e->bytes)
        printf("\x1b[%luD", e->bytes - e->cursor);
    fflush(stdout);
}

/* Shows the line; not while more keys are there, as they will change it. */
static void draw(const struct editor *e)
{
    if (!keys_waiting())
        draw_now(e);
}

static void text_set(struct editor *e, const char *text)
{
    e->bytes = e->cursor = strlcpy(e->text, text, sizeof e->text);
    if (e->bytes > LINE_MAX_BYTES)
        e->bytes = e->cursor = LINE_MAX_BYTES;
}

static void text_insert(struct editor *e, char c)
{
    if (e->bytes == LINE_MAX_BYTES)
        return;
    memmove(e->text + e->cursor + 1, e->text + e->cursor, e->bytes - e->cursor + 1);
    e->text[e->cursor++] = c;
    e->bytes++;
}

/* Removes [from, to); the cursor goes to from. */
static void text_remove(struct editor *e, size_t from, size_t to)
{
    memmove(e->text + from, e->text + to, e->bytes - to + 1);
    e->bytes -= to - from;
    e->cursor = from;
}

static void word_remove(struct editor *e)
{
    size_t from = e->cursor;
    while (from > 0 && e->text[from - 1] == ' ')
        from--;
    while (from > 0 && e->text[from - 1] != ' ')
        from--;
    text_remove(e, from, e->cursor);
}

static void history_move(struct editor *e, int older)
{
    size_t kept = history_count < HISTORY_LINES ? history_count : HISTORY_LINES;
    if (older ? e->back == kept : e->back == 0)
        return;
    if (e->back == 0)
        strlcpy(e->typed, e->text, sizeof e->typed);
    e->back += older ? 1 : (size_t)-1;
    text_set(e, e->back == 0 ? e->typed : history[(history_count - e->back) % HISTORY_LINES]);
}

static void history_add(const char *line)
{
    const char *last = history[(history_count + HISTORY_LINES - 1) % HISTORY_LINES];
    if (line[0] == 0 || (history_count > 0 && strcmp(last, line) == 0))
        return;
    strlcpy(history[history_count++ % HISTORY_LINES], line, LINE_MAX_BYTES + 1);
}

/* Tab adds what is certain; when there is nothing of that, the next Tab shows what could follow. */
static void word_complete(struct editor *e, int again)
{
    char add[LINE_MAX_BYTES + 1];
    complete(e->text, e->cursor, add, sizeof add, again);
    for (const char *c = add; *c != 0 && !again; c++)
        text_insert(e, *c);
}

static void cursor_move(struct editor *e, int key)
{
    if ((key == KEY_LEFT || key == CONTROL('B')) && e->cursor > 0)
        e->cursor--;
    else if ((key == KEY_RIGHT || key == CONTROL('F')) && e->cursor < e->bytes)
        e->cursor++;
    else if (key == KEY_HOME || key == CONTROL('A'))
        e->cursor = 0;
    else if (key == KEY_END || key == CONTROL('E'))
        e->cursor = e->bytes;
}

static void key_apply(struct editor *e, int key)
{
    switch (key) {
    case CONTROL('H'):
    case KEY_RUBOUT:
        if (e->cursor > 0)
            text_remove(e, e->cursor - 1, e->cursor);
        return;
    case CONTROL('D'):
    case KEY_DELETE:
        if (e->cursor < e->bytes)
            text_remove(e, e->cursor, e->cursor + 1);
        return;
    case CONTROL('K'):
        text_remove(e, e->cursor, e->bytes);
        return;
    case CONTROL('U'):
        text_remove(e, 0, e->cursor);
        return;
    case CONTROL('W'):
        word_remove(e);
        return;
    case CONTROL('L'):
        printf("\x1b[H\x1b[2J");
        fflush(stdout);
        return;
    case KEY_UP:
    case CONTROL('P'):
        history_move(e, 1);
        return;
    case KEY_DOWN:
    case CONTROL('N'):
        history_move(e, 0);
        return;
    default:
        if (key >= ' ' && key < 256)
            text_insert(e, (char)key);
        else
            cursor_move(e, key);
    }
}

int line_edit(const char *prompt, char *line, size_t bytes)
{
    static struct editor e;
    static int ended;
    int key = 0, before;
    e = (struct editor){.prompt = prompt};
    for (;;) {
        draw(&e);
        before = key;
        key = ended ? KEY_NONE : key_read();
        if (key == KEY_ENTER || key == '\n')
            break;
        ended = key == KEY_NONE || (key == CONTROL('D') && (e.bytes == 0 || before == key));
        if (ended && e.bytes > 0)
            break;
        if (ended) {
            puts("");
            return -1;
        }
        if (key == KEY_TAB) {
            word_complete(&e, before == KEY_TAB);
        } else if (key == CONTROL('C')) {
            puts("^C");
            text_set(&e, "");
            e.back = 0;
        } else {
            key_apply(&e, key);
        }
    }
    e.cursor = e.bytes;
    draw_now(&e);
    puts("");
    history_add(e.text);
    return (int)strlcpy(line, e.text, bytes);
}
