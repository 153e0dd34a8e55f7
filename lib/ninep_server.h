/* SPDX-License-Identifier: MIT */
/*
 * The server side of 9P2000.L over any file system (struct fs_ops), whatever carries the messages:
 * shared pages (lib/fs.c) or a TCP connection. A session is one client's: its fids, each with one
 * reference on a node of the file system. Any bytes are a legal request; what is wrong with them is
 * the answer. Fids are bounded, and ending a session gives back all it holds.
 */
#ifndef LIB_NINEP_SERVER_H
#define LIB_NINEP_SERVER_H

#include "lib/fs.h"
#include "lib/ninep.h"

#define NINEP_LOCKS_MAX 128u /* record locks held at a time, in one file system */

struct ninep_session;

/* A range of a file that a session has locked. */
struct ninep_lock {
    struct ninep_session *session; /* NULL: free */
    uint64_t ino, start, end;      /* first byte, and last */
    uint32_t process;              /* the client's own number of who has it */
    uint8_t type;                  /* enum ninep_lock_type */
};

/* A file system and what its sessions share. */
struct ninep_server {
    const struct fs_ops *ops;
    void *fs;
    struct ninep_lock lock[NINEP_LOCKS_MAX];
};

struct ninep_session {
    struct ninep_server *server;
    uint32_t msize;     /* largest message, both ways */
    uint32_t msize_max; /* that a version message may ask for */
    uint32_t fids_max;
    uint32_t fids;
    int failed;             /* 1: the message served last was answered with an error */
    uint32_t room;          /* entries of fid */
    struct ninep_fid **fid; /* open hash table by number */
};

/* msize: largest message that is taken, and that is answered until a version message. */
void ninep_session_start(struct ninep_session *s, struct ninep_server *server, uint32_t msize,
                         uint32_t fids_max);
void ninep_session_end(struct ninep_session *s);

/* A message: head is copied memory that nobody changes, and holds all of it but the data of a
   Twrite, which may lie elsewhere. */
struct ninep_message {
    const unsigned char *head;
    uint32_t head_bytes;       /* there: all, or for a Twrite NINEP_WRITE_HEAD at least */
    const unsigned char *data; /* of a Twrite: what follows NINEP_WRITE_HEAD */
    uint32_t bytes;            /* of the whole message, as received */
};

/* Does what a message asks and writes the answer; its bytes. 0: this is no 9P message at all (too
   short, or not as long as it says), or the room cannot hold an error: end the connection. reply
   may be where data lies, but not head; it is only written. */
uint32_t ninep_serve(struct ninep_session *s, const struct ninep_message *m, void *reply,
                     uint32_t room);

/* The same for several messages one behind the other, of which only the first may be a Twrite whose
   data lies elsewhere. They are done up to the first that is answered with an error; the answers,
   one behind the other. */
uint32_t ninep_serve_several(struct ninep_session *s, const struct ninep_message *m, void *reply,
                             uint32_t room);

#endif
