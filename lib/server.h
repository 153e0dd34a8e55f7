/* SPDX-License-Identifier: MIT */
/*
 * The loop of a server: one endpoint, four functions. The loop receives, calls the one that fits,
 * answers, and waits for the next, with one system call a request.
 */
#ifndef LIB_SERVER_H
#define LIB_SERVER_H

#include "lib/message.h"

#define SERVER_LATER UINT64_MAX /* message returns this: no answer now */

struct server {
    uint64_t endpoint;
    /* A message or call; the answer, when there is one, replaces *m. SERVER_LATER: the call was
       saved (reply_save) or is left unanswered on purpose; else m->tag is the answer's tag. NULL:
       all are answered with label ERR_CALL. */
    uint64_t (*message)(struct message *m);
    /* Event bits: interrupts, deaths, signals. NULL: ignored. */
    void (*event)(uint64_t bits);
    /* A thread's fault: w0 kind, w1 address, w2 ip, w3 thread number, badge that of the handler's
       handle. Returns the answer's label: FAULT_RESUME, or another to leave it stopped. NULL: it is
       left stopped. */
    uint64_t (*fault)(const struct message *m);
    /* Called idle_ns nanoseconds after the first message since the last time, as soon as nothing
       else waits to be done (and after SERVER_IDLE_MESSAGES messages at the latest). NULL: never. */
    void (*idle)(void);
    uint64_t idle_ns;
};

#define SERVER_IDLE_MESSAGES 4096u

/* Serves until the endpoint is gone; returns the error that says so. */
int64_t server_run(const struct server *server);

/* A handle to answer the message in hand later; 0 when there is no call or no room. */
uint64_t server_save(void);

/* To be called before message receives on any endpoint itself, which would give up the call in hand:
   it is kept, and answered with what message returns. May be called more than once a message. 1, or
   0 when there is no room: then it is given up. */
int server_hold(void);

#endif
