/* SPDX-License-Identifier: MIT */
/*
 * One HTTP connection as an engine: bytes that arrived go in, bytes to send come out, and no socket
 * is known here. Files and pages come from a struct http_site. Requests are answered one after the
 * other (pipelined ones wait unread), so that a connection needs sizeof(struct http_connection)
 * bytes and at most one open resource, whatever is sent to it.
 *
 * States: READING (collects a head, or skips a body), ANSWERING (gives out), and ENDED.
 */
#ifndef HTTPD_HTTP_H
#define HTTPD_HTTP_H

#include "request.h"

#define HTTP_BODY_MAX 1048576u /* bytes of a request's body, which is skipped: more gives 413 */
#define HTTP_TYPE_BYTES 64u

enum http_kind { HTTP_FILE, HTTP_FOLDER };

/* What a path names. */
struct http_resource {
    enum http_kind kind;
    uint64_t number; /* the site's own */
    void *memory;    /* the site's own */
    uint64_t bytes;
    uint64_t mtime;   /* seconds since 1970; 0: not known */
    uint64_t version; /* the file's number: a part of its tag */
    int generated;    /* made for this request: neither tag nor date, and not to be kept */
    const char *type; /* its MIME type; NULL: by its name */
};

struct http_entry {
    char name[256];
    int folder;
    uint64_t bytes;
};

/* Where resources come from. */
struct http_site {
    /* 0, or an HTTP status >= 400. The path is as http_path_read gives it. */
    int (*open)(const char *path, struct http_resource *r);
    /* Bytes read, at least one; 0: the end; < 0: an error. */
    int64_t (*read)(struct http_resource *r, void *to, size_t bytes, uint64_t offset);
    /* The next entry of a folder: 1, or 0 at the end. */
    int (*list)(struct http_resource *r, struct http_entry *entry);
    void (*close)(struct http_resource *r);
    /* Seconds since 1970; 0: nobody knows, and answers have no date. */
    uint64_t (*now)(void);
};

enum http_state { HTTP_READING, HTTP_SKIPPING, HTTP_ANSWERING, HTTP_ENDED };

/* Where the body that is skipped is at. */
enum http_chunk { CHUNK_SIZE, CHUNK_REST_OF_LINE, CHUNK_DATA, CHUNK_DATA_END, CHUNK_TRAILER };

/* Where an answer's content comes from, when the text is given out. */
enum http_content { CONTENT_NONE, CONTENT_FILE, CONTENT_FOLDER };

struct http_connection {
    const struct http_site *site;
    enum http_state state;
    uint64_t turns; /* requests answered so far */
    int keep;       /* after the answer the next request is read */
    int chunked;    /* this answer is given in chunks */
    enum http_content content;
    struct http_resource resource; /* open while content is not CONTENT_NONE */
    uint64_t offset, left;         /* of the file: what comes next */
    size_t text_at, text_end;      /* of text: what is to be given out */
    size_t scanned;                /* of text, READING: looked at for the head's end */
    uint64_t skip;                 /* bytes of the body, or of its chunk, still to come */
    uint64_t skipped;
    int skip_chunked;
    enum http_chunk chunk;
    struct http_request request;
    char path[HTTP_PATH_MAX];
    char text[HTTP_HEAD_MAX]; /* READING: the head so far; ANSWERING: head and pages */
};

void http_start(struct http_connection *c, const struct http_site *site);

/* Takes bytes that arrived; gives how many, fewer when an answer has to be given first. */
size_t http_take(struct http_connection *c, const void *from, size_t bytes);

/* Puts bytes to be sent; gives how many. 0: there are none (the room being at least 1). */
size_t http_give(struct http_connection *c, void *to, size_t room);

/* The client was too slow: answers 408 if a request has begun, and ends. */
void http_late(struct http_connection *c);

/* The connection is gone: closes what is open. */
void http_end(struct http_connection *c);

/* 1: nothing is being read or given: between two requests, or before the first. */
int http_is_idle(const struct http_connection *c);

/* answer.c: makes the answer to the request that was read (status 0), or that was refused. */
void http_answer(struct http_connection *c, int status);
/* answer.c: puts the next piece of a folder's page into the text, as a chunk if need be. */
void http_folder_text(struct http_connection *c);

/* The MIME type for a file's name. */
const char *http_type(const char *name);

#endif
