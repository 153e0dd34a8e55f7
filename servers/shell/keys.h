/* SPDX-License-Identifier: MIT */
/*
 * Keys as a person presses them: bytes, and the sequences that terminals send for other keys.
 */
#ifndef SHELL_KEYS_H
#define SHELL_KEYS_H

#define CONTROL(letter) ((letter) - 'A' + 1)
enum key {
    KEY_TAB = '\t',
    KEY_ENTER = '\r',
    KEY_ESCAPE = 27,
    KEY_RUBOUT = 127,
    KEY_UP = 256,
    KEY_DOWN,
    KEY_RIGHT,
    KEY_LEFT,
    KEY_HOME,
    KEY_END,
    KEY_PAGE_UP,
    KEY_PAGE_DOWN,
    KEY_DELETE,
    KEY_SIZE, /* the terminal tells where its cursor is: keys_row, keys_column */
    KEY_OTHER,
    KEY_NONE = -1 /* the end of input */
};

/* Waits for a key: a byte, or an enum key. */
int key_read(void);

/* 1 if a key has arrived and was not read yet. */
int keys_waiting(void);

/* What the last KEY_SIZE told, from 1. */
extern int keys_row, keys_column;

#endif
