/* SPDX-License-Identifier: MIT */
/*
 * 9P2000.L on the wire: message numbers, and the reading and writing of fields. A message is size[4]
 * type[1] tag[2] and fields, little-endian; a string is its length[2] and its bytes. No system
 * calls: plain data, for servers (ninep_server.h) and clients (ninep_client.h).
 *
 * A reader that runs out of bytes gives zeros and remembers it (bad); a writer that runs out of room
 * writes no more and remembers it (full). So fields are handled in a row and the end is looked at
 * once.
 */
#ifndef LIB_NINEP_H
#define LIB_NINEP_H

#include <stddef.h>
#include <stdint.h>

#define NINEP_HEAD 7u            /* size, type and tag */
#define NINEP_IO_HEAD 24u        /* what Linux takes off msize for the head of a read or write */
#define NINEP_WRITE_HEAD 23u     /* bytes in front of the data of a Twrite */
#define NINEP_READ_HEAD 11u      /* and of an Rread or Rreaddir */
#define NINEP_MESSAGE_MAX 65536u /* msize at most, here */
#define NINEP_MESSAGE_MIN 512u   /* a smaller msize is refused */
#define NINEP_NAMES_MAX 16u      /* of a Twalk */
#define NINEP_NO_TAG 0xffffu
#define NINEP_NO_FID 0xffffffffu
#define NINEP_VERSION "9P2000.L"

/* Requests; the answer's number is one more. */
enum ninep_type {
    NINEP_LERROR = 6, /* only as an answer, 7 */
    NINEP_STATFS = 8,
    NINEP_LOPEN = 12,
    NINEP_LCREATE = 14,
    NINEP_SYMLINK = 16,
    NINEP_MKNOD = 18,
    NINEP_RENAME = 20,
    NINEP_READLINK = 22,
    NINEP_GETATTR = 24,
    NINEP_SETATTR = 26,
    NINEP_XATTRWALK = 30,
    NINEP_XATTRCREATE = 32,
    NINEP_READDIR = 40,
    NINEP_FSYNC = 50,
    NINEP_LOCK = 52,
    NINEP_GETLOCK = 54,
    NINEP_LINK = 70,
    NINEP_MKDIR = 72,
    NINEP_RENAMEAT = 74,
    NINEP_UNLINKAT = 76,
    NINEP_TVERSION = 100,
    NINEP_AUTH = 102,
    NINEP_ATTACH = 104,
    NINEP_FLUSH = 108,
    NINEP_WALK = 110,
    NINEP_READ = 116,
    NINEP_WRITE = 118,
    NINEP_CLUNK = 120,
    NINEP_REMOVE = 122,
    NINEP_TYPES = 124
};

/* Flags of Tlopen and Tlcreate: Linux's. */
#define NINEP_OPEN_ACCESS 3u
#define NINEP_OPEN_READ 0u
#define NINEP_OPEN_WRITE 1u
#define NINEP_OPEN_READ_WRITE 2u
#define NINEP_OPEN_CREATE 0100u
#define NINEP_OPEN_EXCLUSIVE 0200u
#define NINEP_OPEN_TRUNCATE 01000u
#define NINEP_OPEN_APPEND 02000u
#define NINEP_OPEN_FOLDER 0200000u

#define NINEP_UNLINK_FOLDER 0x200u

/* Bits of Tgetattr and Tsetattr. */
#define NINEP_ATTR_BASIC 0x7ffu
#define NINEP_SET_MODE 1u
#define NINEP_SET_OWNERS 6u
#define NINEP_SET_SIZE 8u
#define NINEP_SET_ATIME 0x10u
#define NINEP_SET_MTIME 0x20u
#define NINEP_SET_MTIME_GIVEN 0x100u

/* Kinds of file: in a qid, and in an entry of Rreaddir as Linux's getdents tells them. */
#define NINEP_QID_FOLDER 0x80u
#define NINEP_QID_LINK 2u
#define NINEP_QID_FILE 0u
#define NINEP_ENTRY_FOLDER 4u
#define NINEP_ENTRY_FILE 8u
#define NINEP_ENTRY_LINK 10u

/* Tlock and Tgetlock. */
enum ninep_lock_type { NINEP_LOCK_READ, NINEP_LOCK_WRITE, NINEP_LOCK_NONE };
enum ninep_lock_status { NINEP_LOCK_DONE, NINEP_LOCK_BLOCKED, NINEP_LOCK_ERROR };

struct ninep_qid {
    uint8_t type;
    uint32_t version;
    uint64_t path;
};

struct ninep_reader {
    const unsigned char *at;
    size_t left;
    int bad; /* 1: more was read than there is, or a string did not fit */
};

uint64_t ninep_get(struct ninep_reader *r, unsigned bytes); /* 1 to 8 bytes */
void ninep_get_qid(struct ninep_reader *r, struct ninep_qid *qid);
/* A string into room bytes, with an ending 0; bad if it is longer or has a 0 inside. */
void ninep_get_string(struct ninep_reader *r, char *to, size_t room);
void ninep_skip(struct ninep_reader *r, size_t bytes);

struct ninep_writer {
    unsigned char *start;
    size_t used, room;
    int full; /* 1: something did not fit */
};

void ninep_put(struct ninep_writer *w, uint64_t value, unsigned bytes);
void ninep_put_qid(struct ninep_writer *w, const struct ninep_qid *qid);
void ninep_put_string(struct ninep_writer *w, const char *s);
/* Room for the head, which ninep_finish writes; its answer: the message's bytes, 0: it was full. */
struct ninep_writer ninep_begin(void *to, size_t room);
uint32_t ninep_finish(struct ninep_writer *w, uint8_t type, uint16_t tag);

#endif
