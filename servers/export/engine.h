/* SPDX-License-Identifier: MIT */
/*
 * One 9P connection as an engine: bytes in, bytes out, no sockets. A message is collected whole, answered, and
 * the answer given out before the next is looked at.
 */
#ifndef EXPORT_ENGINE_H
#define EXPORT_ENGINE_H

#include "lib/ninep_server.h"

#define EXPORT_FIDS 1024u /* of one connection */

struct export_engine {
    struct ninep_session session;
    int started, ended;
    uint64_t turns; /* messages answered */
    size_t in_used; /* of the message so far */
    size_t out_at, out_end;
    unsigned char in[NINEP_MESSAGE_MAX];
    unsigned char out[NINEP_MESSAGE_MAX];
};

void export_start(struct export_engine *e, struct ninep_server *server);
size_t export_take(struct export_engine *e, const void *from, size_t bytes);
size_t export_give(struct export_engine *e, void *to, size_t room);
void export_end(struct export_engine *e);

#endif
