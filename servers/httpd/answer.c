/* SPDX-License-Identifier: MIT */
/*
 * Answers: which status, which head, which content. All of the request is read before the first byte
 * of the answer is written, as both lie in the connection's text.
 */
#include "http.h"
#include "page.h"
#include <stdio.h>
#include <string.h>

#define TAG_BYTES 64u
#define ROW_BYTES (256u * PAGE_ESCAPE_MAX + 256u * 3u + 128u) /* of a folder's page, at most */
#define CHUNK_HEAD 6u                                         /* "0fff" CR LF */

struct answer {
    int status;
    char tag[TAG_BYTES]; /* "": none */
    uint64_t first;      /* of the content */
};

static const char *status_text(int status)
{
    static const struct {
        int status;
        const char *text;
    } texts[] = {
        {200, "OK"},
        {206, "Partial Content"},
        {301, "Moved Permanently"},
        {304, "Not Modified"},
        {400, "Bad Request"},
        {403, "Forbidden"},
        {404, "Not Found"},
        {405, "Method Not Allowed"},
        {408, "Request Timeout"},
        {412, "Precondition Failed"},
        {413, "Content Too Large"},
        {414, "URI Too Long"},
        {416, "Range Not Satisfiable"},
        {417, "Expectation Failed"},
        {431, "Request Header Fields Too Large"},
        {500, "Internal Server Error"},
        {501, "Not Implemented"},
        {503, "Service Unavailable"},
        {505, "HTTP Version Not Supported"},
    };
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        if (texts[i].status == status)
            return texts[i].text;
    return "Error";
}

/* A date as text, written anew once a second. */
static const char *date_now(uint64_t now)
{
    static char text[HTTP_DATE_BYTES];
    static uint64_t written;
    if (now != written)
        http_date_write(now, text);
    written = now;
    return text;
}

static struct page head_begin(struct http_connection *c, int status)
{
    struct page p = {.to = c->text, .room = HTTP_HEAD_MAX};
    c->state = HTTP_ANSWERING;
    page_format(&p, "HTTP/1.1 %d %s\r\nServer: atmosphere\r\n", status, status_text(status));
    uint64_t now = c->site->now();
    if (now != 0)
        page_format(&p, "Date: %s\r\n", date_now(now));
    if (!c->keep)
        page_text(&p, "Connection: close\r\n");
    else if (c->request.minor == 0)
        page_text(&p, "Connection: keep-alive\r\n");
    return p;
}

static void head_end(struct http_connection *c, struct page *p)
{
    page_text(p, "\r\n");
    c->text_at = 0;
    c->text_end = p->used;
}

static void resource_close(struct http_connection *c)
{
    c->site->close(&c->resource);
    c->content = CONTENT_NONE;
}

/* An answer that says itself what is wrong. path: where to look instead (301). */
static void answer_short(struct http_connection *c, int status, const char *path)
{
    char text[256];
    int is_head = c->request.method == HTTP_HEAD;
    size_t bytes = (size_t)snprintf(text, sizeof text,
                                    "<!DOCTYPE html>\n<title>%d %s</title>\n<h1>%d %s</h1>\n",
                                    status, status_text(status), status, status_text(status));
    struct page p = head_begin(c, status);
    if (path != NULL) {
        page_text(&p, "Location: ");
        page_url(&p, path);
        page_text(&p, "/\r\n");
    }
    if (status == 405)
        page_text(&p, "Allow: GET, HEAD\r\n");
    if (status == 503)
        page_text(&p, "Retry-After: 1\r\n");
    page_format(&p, "Content-Type: text/html; charset=utf-8\r\nContent-Length: %lu\r\n\r\n", bytes);
    if (!is_head)
        page_text(&p, text);
    c->content = CONTENT_NONE;
    c->text_at = 0;
    c->text_end = p.used;
}

/* ---- conditions (RFC 9110, section 13) ---- */

/* The resource is as old as the date, or older. */
static int is_older(const struct http_resource *r, struct http_text date)
{
    uint64_t seconds;
    return r->mtime != 0 && http_date_read(date, &seconds) && r->mtime <= seconds;
}

/* 0: the request is to be done; else 304 or 412. */
static int conditions_check(const struct http_request *q, const struct http_resource *r,
                            const char *tag)
{
    uint64_t seconds;
    if (q->if_match.at != NULL) {
        if (!http_tag_listed(q->if_match, tag, 0))
            return 412;
    } else if (q->if_unmodified.at != NULL && http_date_read(q->if_unmodified, &seconds) &&
               !is_older(r, q->if_unmodified)) {
        return 412;
    }
    if (q->if_none_match.at != NULL)
        return http_tag_listed(q->if_none_match, tag, 1) ? 304 : 0;
    return q->if_modified.at != NULL && is_older(r, q->if_modified) ? 304 : 0;
}

/* A range counts only if what the client has of the file is of the file as it is. */
static int range_counts(const struct http_request *q, const struct http_resource *r, const char *tag)
{
    uint64_t seconds;
    if (q->method != HTTP_GET || q->range.at == NULL)
        return 0;
    if (q->if_range.at == NULL)
        return 1;
    if (q->if_range.bytes > 0 && q->if_range.at[0] == '"')
        return http_tag_listed(q->if_range, tag, 0);
    return r->mtime != 0 && http_date_read(q->if_range, &seconds) && seconds == r->mtime;
}

/* ---- files ---- */

static void file_head(struct http_connection *c, const struct answer *a, const char *type)
{
    const struct http_resource *r = &c->resource;
    char date[HTTP_DATE_BYTES];
    struct page p = head_begin(c, a->status);
    if (a->status != 304)
        page_format(&p, "Content-Type: %s\r\nContent-Length: %lu\r\n", type, c->left);
    if (a->status == 206)
        page_format(&p, "Content-Range: bytes %lu-%lu/%lu\r\n", a->first, a->first + c->left - 1,
                    r->bytes);
    if (r->generated) {
        page_text(&p, "Cache-Control: no-store\r\n");
    } else {
        page_format(&p, "Accept-Ranges: bytes\r\nETag: %s\r\n", a->tag);
        if (r->mtime != 0) {
            uint64_t now = c->site->now(); /* a file from the future is said to be of now */
            http_date_write(now != 0 && now < r->mtime ? now : r->mtime, date);
            page_format(&p, "Last-Modified: %s\r\n", date);
        }
    }
    head_end(c, &p);
}

/* 416 says how long the file is. */
static void answer_impossible(struct http_connection *c)
{
    struct page p = head_begin(c, 416);
    page_format(&p, "Content-Range: bytes */%lu\r\nContent-Length: 0\r\n", c->resource.bytes);
    head_end(c, &p);
    resource_close(c);
}

static void answer_file(struct http_connection *c)
{
    const struct http_request *q = &c->request;
    struct http_resource *r = &c->resource;
    const char *type = r->type != NULL ? r->type : http_type(c->path);
    struct answer a = {.status = 200};
    int status = 0;
    c->left = r->bytes;
    if (!r->generated) {
        snprintf(a.tag, sizeof a.tag, "\"%lx-%lx-%lx\"", r->version, r->bytes, r->mtime);
        status = conditions_check(q, r, a.tag);
        if (status == 412) {
            resource_close(c);
            answer_short(c, status, NULL);
            return;
        }
    }
    if (status == 304) {
        a.status = 304;
    } else if (!r->generated && range_counts(q, r, a.tag)) {
        uint64_t first, bytes;
        enum http_range range = http_range_read(q->range, r->bytes, &first, &bytes);
        if (range == HTTP_RANGE_IMPOSSIBLE) {
            answer_impossible(c);
            return;
        }
        if (range == HTTP_RANGE_PART) {
            a.status = 206;
            a.first = first;
            c->left = bytes;
        }
    }
    int is_head = q->method == HTTP_HEAD;
    file_head(c, &a, type);
    c->offset = a.first;
    if (is_head || a.status == 304)
        resource_close(c);
}

/* ---- folders ---- */

static void answer_folder(struct http_connection *c)
{
    int is_head = c->request.method == HTTP_HEAD;
    c->chunked = c->request.minor > 0;
    if (!c->chunked)
        c->keep = 0; /* the end of the connection is the end of the page */
    struct page p = head_begin(c, 200);
    page_text(&p, "Content-Type: text/html; charset=utf-8\r\nCache-Control: no-cache\r\n");
    if (c->chunked)
        page_text(&p, "Transfer-Encoding: chunked\r\n");
    head_end(c, &p);
    c->offset = 0; /* stage of the page: 0 its begin, 1 its rows */
    if (is_head)
        resource_close(c);
    else
        c->content = CONTENT_FOLDER;
}

static void folder_begin(struct http_connection *c, struct page *p)
{
    page_begin(p, "Index");
    page_text(p, "<h1>");
    page_html(p, c->path);
    page_text(p, "</h1>\n<table>\n");
    if (strcmp(c->path, "/") == 0)
        page_text(p, "<tr><td><a href=\"/status\">status of the system</a></td><td></td></tr>\n");
    else
        page_text(p, "<tr><td><a href=\"../\">../</a></td><td></td></tr>\n");
}

static void folder_row(struct page *p, const struct http_entry *e)
{
    const char *slash = e->folder ? "/" : "";
    page_text(p, "<tr><td><a href=\"./");
    page_url(p, e->name);
    page_format(p, "%s\">", slash);
    page_html(p, e->name);
    page_format(p, "%s</a></td><td class=\"n\">", slash);
    if (!e->folder)
        page_format(p, "%lu", e->bytes);
    page_text(p, "</td></tr>\n");
}

/* Fills the page with as many rows as fit; 1: that was all of them. */
static int folder_rows(struct http_connection *c, struct page *p)
{
    struct http_entry entry;
    while (p->room - p->used >= ROW_BYTES) {
        if (!c->site->list(&c->resource, &entry)) {
            page_text(p, "</table>\n");
            page_end(p);
            return 1;
        }
        folder_row(p, &entry);
    }
    return 0;
}

void http_folder_text(struct http_connection *c)
{
    size_t head = c->chunked ? CHUNK_HEAD : 0;
    struct page p = {.to = c->text + head, .room = HTTP_HEAD_MAX - 16};
    int last = 0;
    if (c->offset == 0)
        folder_begin(c, &p);
    else
        last = folder_rows(c, &p);
    c->offset = 1;
    c->text_at = 0;
    c->text_end = head + p.used;
    if (c->chunked) {
        char size[CHUNK_HEAD + 1];
        snprintf(size, sizeof size, "%04lx\r\n", p.used);
        memcpy(c->text, size, CHUNK_HEAD);
        memcpy(c->text + c->text_end, "\r\n0\r\n\r\n", 7);
        c->text_end += last ? 7 : 2;
    }
    if (last)
        resource_close(c);
}

/* ---- any ---- */

/* A folder's index page if it has one, else the folder itself. */
static int index_open(struct http_connection *c)
{
    struct http_resource page;
    size_t used = strlen(c->path);
    if (used + sizeof "index.html" > HTTP_PATH_MAX)
        return 0;
    memcpy(c->path + used, "index.html", sizeof "index.html");
    int status = c->site->open(c->path, &page);
    if (status == 0 && page.kind == HTTP_FILE) {
        c->site->close(&c->resource);
        c->resource = page;
        return 1;
    }
    if (status == 0)
        c->site->close(&page);
    c->path[used] = 0;
    return 0;
}

static void answer_found(struct http_connection *c)
{
    size_t bytes = strlen(c->path);
    int slash = c->path[bytes - 1] == '/';
    c->content = CONTENT_FILE;
    if (c->resource.kind == HTTP_FOLDER && !slash) {
        resource_close(c);
        answer_short(c, 301, c->path);
    } else if (c->resource.kind == HTTP_FILE && slash) {
        resource_close(c);
        answer_short(c, 404, NULL);
    } else if (c->resource.kind == HTTP_FILE || index_open(c)) {
        answer_file(c);
    } else {
        answer_folder(c);
    }
}

void http_answer(struct http_connection *c, int status)
{
    c->chunked = 0;
    c->content = CONTENT_NONE;
    if (status == 0)
        status = http_path_read(c->request.target, c->path);
    if (status == 0)
        status = c->site->open(c->path, &c->resource);
    if (status != 0)
        answer_short(c, status, NULL);
    else
        answer_found(c);
}
