/* SPDX-License-Identifier: MIT */
/*
 * Reads keys from the console; see keys.h.
 */
#include "keys.h"
#include "lib/console.h"
#include <ctype.h>
#include <stdint.h>

int keys_row, keys_column;

static char keys[64]; /* typed, not used yet: keys[used .. have-1] */
static int64_t have, used;

int keys_waiting(void) { return used < have; }

static int byte_read(void)
{
    if (used == have) {
        used = 0;
        have = console_read(keys, sizeof keys);
        if (have <= 0) {
            have = 0;
            return KEY_NONE;
        }
    }
    return (unsigned char)keys[used++];
}

/* ESC [ number ~ */
static int key_numbered(int number)
{
    static const int key[] = {KEY_OTHER,   KEY_HOME,      KEY_OTHER, KEY_DELETE, KEY_END,
                              KEY_PAGE_UP, KEY_PAGE_DOWN, KEY_HOME,  KEY_END};
    return number < (int)(sizeof key / sizeof key[0]) ? key[number] : KEY_OTHER;
}

/* The key an escape sequence stands for: ESC [ A, ESC O H, ESC [ 3 ~, ESC [ 24 ; 80 R. */
static int escape_read(void)
{
    int number = 0, before = 0;
    int c = byte_read();
    if (c != '[' && c != 'O')
        return c == KEY_NONE ? KEY_NONE : KEY_OTHER;
    for (c = byte_read(); isdigit(c) || c == ';'; c = byte_read()) {
        before = c == ';' ? number : before;
        number = c == ';' ? 0 : number < 1000 ? number * 10 + (c - '0') : number;
    }
    switch (c) {
    case 'A':
        return KEY_UP;
    case 'B':
        return KEY_DOWN;
    case 'C':
        return KEY_RIGHT;
    case 'D':
        return KEY_LEFT;
    case 'H':
        return KEY_HOME;
    case 'F':
        return KEY_END;
    case 'R':
        keys_row = before;
        keys_column = number;
        return KEY_SIZE;
    case '~':
        return key_numbered(number);
    default:
        return c == KEY_NONE ? KEY_NONE : KEY_OTHER;
    }
}

int key_read(void)
{
    int c = byte_read();
    return c == KEY_ESCAPE ? escape_read() : c;
}
