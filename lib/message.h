/* SPDX-License-Identifier: MIT */
/*
 * Text in messages: word 0 is a number, text lies in words 1 up. Words 0 to 3 travel in registers,
 * the rest in the message page.
 */
#ifndef LIB_MESSAGE_H
#define LIB_MESSAGE_H

#include "lib/sys.h"
#include <stddef.h>

#define MESSAGE_TEXT_MAX ((MESSAGE_WORDS_MAX - 1) * 8)

/* A message to be sent or as received, without its message page. */
struct message {
    uint64_t badge; /* received: of the handle it came through */
    uint64_t tag;
    uint64_t w[REGISTER_WORDS];
};

/* Puts text (at most MESSAGE_TEXT_MAX bytes) into words 1 up; gives the number of words with word
   0. */
uint64_t message_put(uint64_t w[REGISTER_WORDS], const void *text, size_t bytes);

/* Takes up to bytes of text out of a message that has words words; gives how many there were. */
size_t message_get(const struct message *m, void *text, size_t bytes);

/* Calls; tries again while the server on the other side is being restarted. The answer replaces the
   message. */
int64_t message_call(uint64_t endpoint, struct message *m);

#endif
