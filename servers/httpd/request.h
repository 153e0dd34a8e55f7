/* SPDX-License-Identifier: MIT */
/*
 * An HTTP/1.1 request's head, read (RFC 9112), and what its fields mean (RFC 9110): dates, ranges,
 * entity tags, paths. All of it is pure text work: nothing here keeps state, allocates or calls the
 * system, and no input is trusted.
 */
#ifndef HTTPD_REQUEST_H
#define HTTPD_REQUEST_H

#include <stddef.h>
#include <stdint.h>

#define HTTP_HEAD_MAX 8192u   /* bytes of a request's head: more gives 431 */
#define HTTP_TARGET_MAX 4096u /* bytes of its target: more gives 414 */
#define HTTP_FIELDS_MAX 100u  /* header fields: more give 431 */
#define HTTP_PATH_MAX 1024u   /* bytes of a path, decoded, with its ending 0: more gives 414 */
#define HTTP_LENGTH_NONE UINT64_MAX

/* A piece of the head; at is NULL when the field is not there (or there twice). */
struct http_text {
    const char *at;
    size_t bytes;
};

enum http_method { HTTP_GET, HTTP_HEAD, HTTP_OTHER };

struct http_request {
    enum http_method method;
    int minor; /* of HTTP/1.minor: 0 or 1 */
    struct http_text target;
    struct http_text host, range, if_range, if_match, if_none_match, if_modified, if_unmodified;
    uint64_t length; /* of the body; HTTP_LENGTH_NONE: the field was not there */
    unsigned fields; /* how many there were */
    int chunked;     /* the body comes in chunks */
    int coded;       /* Transfer-Encoding was there */
    int keep;        /* the connection stays open after the answer */
    int expect;      /* the client waits for "100 Continue" before it sends the body */
    int expect_odd;  /* it expects something else */
};

/* How long the head at the start of text is, with its empty line; 0: it is not whole. from: so many
   bytes were looked at before. */
size_t http_head_bytes(const char *text, size_t bytes, size_t from);

/* Reads a whole head. 0, or the HTTP status that refuses it; then keep is not to be used. */
int http_request_read(const char *head, size_t bytes, struct http_request *r);

/* The path of a target: without query, percent-decoded, "." and ".." worked off, "//" made one. It
   begins with "/", and ends with one if it names a folder. 0, or an HTTP status. */
int http_path_read(struct http_text target, char path[HTTP_PATH_MAX]);

/* Seconds since 1970 of a date in one of HTTP's three formats: 1 if it is one. */
int http_date_read(struct http_text text, uint64_t *seconds);
#define HTTP_DATE_BYTES 72u /* a date takes 30; gcc counts digits no date has */
void http_date_write(uint64_t seconds, char to[HTTP_DATE_BYTES]);

/* 1 if a list of entity tags ("*", "\"a\", W/\"b\"") has this one; weak: W/ does not count. */
int http_tag_listed(struct http_text list, const char *tag, int weak);

/* What a Range field asks of so many bytes; first and bytes are to be used for a PART only. */
enum http_range { HTTP_RANGE_NONE /* all of it */, HTTP_RANGE_PART, HTTP_RANGE_IMPOSSIBLE };
enum http_range http_range_read(struct http_text range, uint64_t size, uint64_t *first,
                                uint64_t *bytes);

/* 1 if the text is this word, without regard to case. */
int http_text_is(struct http_text text, const char *word);

/* Takes the next member of a comma-separated list, without the white space around it; 0: there is
   none. */
int http_list_next(struct http_text *list, struct http_text *member);

/* The number that is all of the text; 0: it is none, or too large. */
int http_number_read(struct http_text text, uint64_t *number);

#endif
