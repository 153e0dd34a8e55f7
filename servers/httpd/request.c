/* SPDX-License-Identifier: MIT */
/*
 * The head: a request line, then fields "Name: value". Lines end in CR LF or in LF alone. What
 * could be read in two ways (a body's length given twice, white space before a colon, folded
 * lines, control characters) is refused, so that no server before this one can be fooled about where
 * a request ends.
 */
#include "request.h"
#include <string.h>

size_t http_head_bytes(const char *text, size_t bytes, size_t from)
{
    size_t at = from > 3 ? from - 3 : 0;
    while (at < bytes) {
        const char *end = memchr(text + at, '\n', bytes - at);
        if (end == NULL)
            return 0;
        at = (size_t)(end - text) + 1;
        if (at < bytes && text[at] == '\n')
            return at + 1;
        if (at + 1 < bytes && text[at] == '\r' && text[at + 1] == '\n')
            return at + 2;
    }
    return 0;
}

static char lower(char c) { return c >= 'A' && c <= 'Z' ? (char)(c + 32) : c; }

int http_text_is(struct http_text text, const char *word)
{
    size_t i = 0;
    while (i < text.bytes && word[i] != 0 && lower(text.at[i]) == lower(word[i]))
        i++;
    return i == text.bytes && word[i] == 0;
}

int http_number_read(struct http_text text, uint64_t *number)
{
    uint64_t n = 0;
    for (size_t i = 0; i < text.bytes; i++) {
        if (text.at[i] < '0' || text.at[i] > '9' || n > (UINT64_MAX >> 1) / 10)
            return 0;
        n = n * 10 + (uint64_t)(text.at[i] - '0');
    }
    *number = n;
    return text.bytes > 0;
}

static int is_space(char c) { return c == ' ' || c == '\t'; }

static struct http_text trimmed(struct http_text t)
{
    while (t.bytes > 0 && is_space(t.at[0])) {
        t.at++;
        t.bytes--;
    }
    while (t.bytes > 0 && is_space(t.at[t.bytes - 1]))
        t.bytes--;
    return t;
}

int http_list_next(struct http_text *list, struct http_text *member)
{
    while (list->bytes > 0) {
        const char *comma = memchr(list->at, ',', list->bytes);
        size_t bytes = comma == NULL ? list->bytes : (size_t)(comma - list->at);
        *member = trimmed((struct http_text){list->at, bytes});
        bytes += comma != NULL;
        list->at += bytes;
        list->bytes -= bytes;
        if (member->bytes > 0)
            return 1;
    }
    return 0;
}

/* Takes the next line off, without its end. */
static struct http_text line_take(struct http_text *rest)
{
    const char *end = memchr(rest->at, '\n', rest->bytes);
    size_t bytes = end == NULL ? rest->bytes : (size_t)(end - rest->at);
    struct http_text line = {rest->at, bytes};
    bytes += end != NULL;
    rest->at += bytes;
    rest->bytes -= bytes;
    if (end != NULL && line.bytes > 0 && line.at[line.bytes - 1] == '\r')
        line.bytes--;
    return line;
}

/* Takes what stands before the next single space. */
static struct http_text word_take(struct http_text *line)
{
    const char *space = memchr(line->at, ' ', line->bytes);
    size_t bytes = space == NULL ? line->bytes : (size_t)(space - line->at);
    struct http_text word = {line->at, bytes};
    bytes += space != NULL;
    line->at += bytes;
    line->bytes -= bytes;
    return word;
}

static int is_token(struct http_text t)
{
    for (size_t i = 0; i < t.bytes; i++) {
        char c = t.at[i];
        int word = (c >= '0' && c <= '9') || (lower(c) >= 'a' && lower(c) <= 'z');
        if (!word && (c == 0 || strchr("!#$%&'*+-.^_`|~", c) == NULL))
            return 0;
    }
    return t.bytes > 0;
}

/* 0, 405 or 501. Methods that others know and this server has not are refused as such. */
static int method_read(struct http_text word, struct http_request *r)
{
    static const char *const known[] = {"POST",    "PUT",   "DELETE", "PATCH",
                                        "OPTIONS", "TRACE", "CONNECT"};
    r->method = HTTP_OTHER;
    if (word.bytes == 3 && memcmp(word.at, "GET", 3) == 0)
        r->method = HTTP_GET;
    else if (word.bytes == 4 && memcmp(word.at, "HEAD", 4) == 0)
        r->method = HTTP_HEAD;
    if (r->method != HTTP_OTHER)
        return 0;
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
        if (word.bytes == strlen(known[i]) && memcmp(word.at, known[i], word.bytes) == 0)
            return 405;
    return 501;
}

/* "HTTP/1.1": 0, 400, or 505 for a version that is none of ours. */
static int version_read(struct http_text word, struct http_request *r)
{
    if (word.bytes != 8 || memcmp(word.at, "HTTP/", 5) != 0 || word.at[6] != '.' ||
        word.at[5] < '0' || word.at[5] > '9' || word.at[7] < '0' || word.at[7] > '9')
        return 400;
    r->minor = word.at[7] > '0';
    return word.at[5] == '1' ? 0 : 505;
}

/* 0, or a status; 405 and 501 are given only when all else of the line is right. */
static int request_line_read(struct http_text line, struct http_request *r)
{
    struct http_text method = word_take(&line);
    r->target = word_take(&line);
    int status = version_read(line, r);
    if (!is_token(method))
        return 400;
    if (r->target.bytes > HTTP_TARGET_MAX)
        return 414;
    if (status != 0 || r->target.bytes == 0)
        return status != 0 ? status : 400;
    return method_read(method, r);
}

/* A field that may come once: the second time it is as if it were not there. */
static void single_take(struct http_text *field, struct http_text value, int *seen)
{
    *field = *seen ? (struct http_text){NULL, 0} : value;
    *seen = 1;
}

static void connection_take(struct http_request *r, struct http_text value)
{
    struct http_text word;
    while (http_list_next(&value, &word)) {
        if (http_text_is(word, "close"))
            r->keep = 0;
        else if (http_text_is(word, "keep-alive") && r->minor == 0)
            r->keep = 1;
    }
}

static int length_take(struct http_request *r, struct http_text value)
{
    uint64_t length;
    if (!http_number_read(value, &length))
        return 400;
    if (r->length != HTTP_LENGTH_NONE && r->length != length)
        return 400;
    r->length = length;
    return 0;
}

static int coding_take(struct http_request *r, struct http_text value)
{
    if (r->coded)
        return 400;
    r->coded = 1;
    r->chunked = http_text_is(value, "chunked");
    return r->chunked ? 0 : 501;
}

/* Fields whose value is only kept. */
enum {
    FIELD_RANGE,
    FIELD_IF_RANGE,
    FIELD_IF_MATCH,
    FIELD_IF_NONE,
    FIELD_IF_MOD,
    FIELD_IF_UNMOD,
    FIELDS
};

static void kept_take(struct http_request *r, struct http_text name, struct http_text value,
                      int seen[FIELDS])
{
    static const char *const names[FIELDS] = {
        "range",         "if-range",          "if-match",
        "if-none-match", "if-modified-since", "if-unmodified-since"};
    struct http_text *field[FIELDS] = {&r->range,         &r->if_range,    &r->if_match,
                                       &r->if_none_match, &r->if_modified, &r->if_unmodified};
    for (size_t i = 0; i < FIELDS; i++)
        if (http_text_is(name, names[i]))
            single_take(field[i], value, &seen[i]);
}

static int field_take(struct http_request *r, struct http_text name, struct http_text value,
                      int seen[FIELDS])
{
    if (http_text_is(name, "host")) {
        if (r->host.at != NULL)
            return 400;
        r->host = value;
    } else if (http_text_is(name, "connection")) {
        connection_take(r, value);
    } else if (http_text_is(name, "content-length")) {
        return length_take(r, value);
    } else if (http_text_is(name, "transfer-encoding")) {
        return coding_take(r, value);
    } else if (http_text_is(name, "expect")) {
        r->expect = 1;
        r->expect_odd = !http_text_is(value, "100-continue");
    } else {
        kept_take(r, name, value, seen);
    }
    return 0;
}

static int value_is_clean(struct http_text t)
{
    for (size_t i = 0; i < t.bytes; i++)
        if (((unsigned char)t.at[i] < 32 && t.at[i] != '\t') || t.at[i] == 127)
            return 0;
    return 1;
}

static int fields_read(struct http_text rest, struct http_request *r)
{
    int seen[FIELDS] = {0};
    for (;;) {
        struct http_text line = line_take(&rest);
        if (line.bytes == 0)
            return 0;
        const char *colon = memchr(line.at, ':', line.bytes);
        if (colon == NULL)
            return 400;
        struct http_text name = {line.at, (size_t)(colon - line.at)};
        struct http_text value = {colon + 1, line.bytes - name.bytes - 1};
        if (!is_token(name) || !value_is_clean(value))
            return 400;
        if (++r->fields > HTTP_FIELDS_MAX)
            return 431;
        int status = field_take(r, name, trimmed(value), seen);
        if (status != 0)
            return status;
    }
}

int http_request_read(const char *head, size_t bytes, struct http_request *r)
{
    struct http_text rest = {head, bytes};
    *r = (struct http_request){.length = HTTP_LENGTH_NONE};
    int line_status = request_line_read(line_take(&rest), r);
    if (line_status != 0 && line_status != 405)
        return line_status;
    r->keep = r->minor > 0;
    int status = fields_read(rest, r);
    if (status != 0)
        return status;
    if (r->coded && (r->length != HTTP_LENGTH_NONE || r->minor == 0))
        return 400;
    if (r->minor > 0 && r->host.at == NULL)
        return 400;
    if (r->expect_odd)
        return 417;
    return line_status;
}
