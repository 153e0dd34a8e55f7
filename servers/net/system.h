/* SPDX-License-Identifier: MIT */
/*
 * What the service needs of the outside: main.c does it by system calls, the tests by hand.
 */
#ifndef NET_SYSTEM_H
#define NET_SYSTEM_H

#include <stdint.h>

/* Signals bits: 1 if the endpoint lives. */
int system_signal(uint64_t endpoint, uint64_t bits);
int system_alive(uint64_t endpoint);
void system_close(uint64_t handle);

/* The right to answer the message in hand, to be used later; 0: no memory; SYSTEM_GONE: nobody waits for an answer any
   more. */
#define SYSTEM_GONE UINT64_MAX
uint64_t system_save(void);

/* Answers with label and words (w[0] up), closes the handle. */
void system_answer(uint64_t reply, uint32_t label, const uint64_t *w, uint32_t words);

/* Gives a group of pages back. */
void system_unmap(unsigned char *group);

/* Nanoseconds since boot. */
uint64_t system_now(void);

/* Room for a frame to be sent: its bytes are written there, and then it is sent. NULL: none now. */
unsigned char *system_frame(void);
void system_frame_send(uint32_t bytes); /* 0: not after all */

/* Something for people, one line. */
void system_say(const char *text);

#endif
