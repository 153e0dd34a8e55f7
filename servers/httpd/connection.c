/* SPDX-License-Identifier: MIT */
/*
 * A connection's states. A head that arrives in one piece is read where it lies; else it is collected
 * in the connection's text, which holds the answer's head later: the two are never needed at once.
 */
#include "http.h"
#include <string.h>

void http_start(struct http_connection *c, const struct http_site *site)
{
    c->site = site;
    c->state = HTTP_READING;
    c->content = CONTENT_NONE;
    c->keep = 1;
    c->turns = 0;
    c->text_at = c->text_end = c->scanned = 0;
}

void http_end(struct http_connection *c)
{
    if (c->content != CONTENT_NONE)
        c->site->close(&c->resource);
    c->content = CONTENT_NONE;
    c->state = HTTP_ENDED;
}

int http_is_idle(const struct http_connection *c)
{
    return c->state == HTTP_READING && c->text_end == 0;
}

/* A head is whole, and read, or refused with this status. */
static void head_done(struct http_connection *c, int status)
{
    const struct http_request *r = &c->request;
    c->text_at = c->text_end = c->scanned = 0;
    uint64_t length = r->length == HTTP_LENGTH_NONE ? 0 : r->length;
    c->keep = (status == 0 || status == 405) && r->keep && !r->expect;
    if (c->keep && length > HTTP_BODY_MAX)
        status = 413;
    c->keep = c->keep && status != 413;
    c->skip_chunked = r->chunked;
    c->skip = length;
    c->skipped = 0;
    c->chunk = CHUNK_SIZE;
    /* The answer to what the path names is made now, while the head is at hand. */
    http_answer(c, status);
    if (c->keep && (c->skip_chunked || c->skip > 0))
        c->state = HTTP_SKIPPING;
}

/* Refuses without a request that could be trusted. */
static void head_refuse(struct http_connection *c, int status)
{
    c->request = (struct http_request){.length = HTTP_LENGTH_NONE};
    head_done(c, status);
}

/* Empty lines before a request are skipped. */
static size_t blank_bytes(const char *from, size_t bytes)
{
    size_t n = 0;
    while (n < bytes && (from[n] == '\r' || from[n] == '\n'))
        n++;
    return n;
}

/* Adds to the head so far; gives how many bytes of from belong to it. */
static size_t head_collect(struct http_connection *c, const char *from, size_t bytes)
{
    size_t before = c->text_end, room = HTTP_HEAD_MAX - before;
    size_t piece = bytes < room ? bytes : room;
    memcpy(c->text + before, from, piece);
    size_t end = http_head_bytes(c->text, before + piece, c->scanned);
    if (end != 0) {
        head_done(c, http_request_read(c->text, end, &c->request));
        return end - before;
    }
    c->text_end = c->scanned = before + piece;
    if (c->text_end == HTTP_HEAD_MAX)
        head_refuse(c, memchr(c->text, '\n', HTTP_HEAD_MAX) == NULL ? 414 : 431);
    return piece;
}

static size_t head_take(struct http_connection *c, const char *from, size_t bytes)
{
    if (c->text_end == 0) {
        size_t blank = blank_bytes(from, bytes);
        if (blank > 0)
            return blank;
        size_t end = http_head_bytes(from, bytes < HTTP_HEAD_MAX ? bytes : HTTP_HEAD_MAX, 0);
        if (end != 0) {
            /* What lies in shared memory may change while it is read: the copy is what counts. */
            memcpy(c->text, from, end);
            head_done(c, http_request_read(c->text, end, &c->request));
            return end;
        }
    }
    return head_collect(c, from, bytes);
}

/* The body cannot be skipped: what follows is no request. The answer is made anew. */
static void skip_refuse(struct http_connection *c, int status)
{
    http_end(c);
    c->keep = 0;
    c->request = (struct http_request){.length = HTTP_LENGTH_NONE};
    http_answer(c, status);
}

static void skip_done(struct http_connection *c) { c->state = HTTP_ANSWERING; }

/* One byte of a chunk's size line. The text is not free: the digits are counted as they come. */
static void chunk_size_byte(struct http_connection *c, char byte)
{
    int digit = byte >= '0' && byte <= '9'   ? byte - '0'
                : byte >= 'a' && byte <= 'f' ? byte - 'a' + 10
                : byte >= 'A' && byte <= 'F' ? byte - 'A' + 10
                                             : -1;
    if (c->chunk == CHUNK_SIZE && digit >= 0) {
        c->skip = c->skip * 16 + (uint64_t)digit;
        c->scanned++; /* digits */
        if (c->skip > HTTP_BODY_MAX || c->scanned > 16)
            skip_refuse(c, 413);
        return;
    }
    if (c->chunk == CHUNK_SIZE &&
        (c->scanned == 0 || strchr("\r\n; \t", byte) == NULL || byte == 0)) {
        skip_refuse(c, 400);
        return;
    }
    c->chunk = CHUNK_REST_OF_LINE;
    if (byte == '\n') {
        c->scanned = 0;
        c->chunk = c->skip == 0 ? CHUNK_TRAILER : CHUNK_DATA;
    }
}

/* Trailer fields are skipped to the empty line; scanned counts the bytes of the line. */
static void chunk_trailer_byte(struct http_connection *c, char byte)
{
    if (byte == '\n' && c->scanned == 0)
        skip_done(c);
    else if (byte == '\n')
        c->scanned = 0;
    else if (byte != '\r')
        c->scanned++;
}

static void chunk_byte(struct http_connection *c, char byte)
{
    if (c->chunk == CHUNK_TRAILER) {
        chunk_trailer_byte(c, byte);
    } else if (c->chunk == CHUNK_DATA_END) {
        if (byte == '\n')
            c->chunk = CHUNK_SIZE;
        else if (byte != '\r')
            skip_refuse(c, 400);
    } else {
        chunk_size_byte(c, byte);
    }
}

static size_t skip_take(struct http_connection *c, const char *from, size_t bytes)
{
    size_t n = 1;
    if (c->skip_chunked && c->chunk != CHUNK_DATA) {
        chunk_byte(c, from[0]);
    } else {
        n = bytes < c->skip ? bytes : (size_t)c->skip;
        c->skip -= n;
        if (c->skip == 0 && c->skip_chunked)
            c->chunk = CHUNK_DATA_END;
        else if (c->skip == 0)
            skip_done(c);
    }
    c->skipped += n;
    if (c->state == HTTP_SKIPPING && c->skipped > 2 * HTTP_BODY_MAX)
        skip_refuse(c, 413);
    return n;
}

size_t http_take(struct http_connection *c, const void *from, size_t bytes)
{
    const char *text = from;
    size_t done = 0;
    while (done < bytes && (c->state == HTTP_READING || c->state == HTTP_SKIPPING)) {
        if (c->state == HTTP_READING)
            done += head_take(c, text + done, bytes - done);
        else
            done += skip_take(c, text + done, bytes - done);
    }
    return done;
}

void http_late(struct http_connection *c)
{
    if (c->state == HTTP_SKIPPING)
        skip_refuse(c, 408);
    else if (c->state == HTTP_READING && c->text_end > 0)
        head_refuse(c, 408);
    else
        http_end(c);
}

/* The answer has been given. */
static void answer_done(struct http_connection *c)
{
    if (c->content != CONTENT_NONE)
        c->site->close(&c->resource);
    c->content = CONTENT_NONE;
    c->turns++;
    c->text_at = c->text_end = c->scanned = 0;
    c->state = c->keep ? HTTP_READING : HTTP_ENDED;
}

static size_t file_give(struct http_connection *c, void *to, size_t room)
{
    size_t wish = c->left < room ? (size_t)c->left : room;
    int64_t n = c->site->read(&c->resource, to, wish, c->offset);
    if (n <= 0 || (uint64_t)n > wish) { /* it became shorter: the client must see that */
        http_end(c);
        return 0;
    }
    c->offset += (uint64_t)n;
    c->left -= (uint64_t)n;
    return (size_t)n;
}

size_t http_give(struct http_connection *c, void *to, size_t room)
{
    size_t done = 0;
    while (c->state == HTTP_ANSWERING && done < room) {
        if (c->text_at == c->text_end && c->content == CONTENT_FOLDER)
            http_folder_text(c);
        if (c->text_at < c->text_end) {
            size_t have = c->text_end - c->text_at;
            size_t n = have < room - done ? have : room - done;
            memcpy((char *)to + done, c->text + c->text_at, n);
            c->text_at += n;
            done += n;
        } else if (c->content == CONTENT_FILE && c->left > 0) {
            done += file_give(c, (char *)to + done, room - done);
        }
        if (c->text_at == c->text_end && c->content != CONTENT_FOLDER &&
            (c->content == CONTENT_NONE || c->left == 0) && c->state == HTTP_ANSWERING)
            answer_done(c);
    }
    return done;
}
