/* SPDX-License-Identifier: MIT */
/* The HTTP engine of servers/httpd: what it answers to what, however the bytes are cut. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/http_site.h"

#define OUTPUT_BYTES 400000u

static char output[OUTPUT_BYTES];
static int ended;

/* All of the answer, as a string. */
static const char *ask_cut(const char *input, size_t piece, size_t room)
{
    struct http_talk talk = {input, strlen(input), piece, room, 0};
    size_t n = http_talk(&talk, output, sizeof output - 1, &ended);
    assert_true(n < sizeof output);
    output[n] = 0;
    assert_int_equal(http_site_open_now, 0);
    return output;
}

static const char *ask(const char *input) { return ask_cut(input, 100000, 100000); }

static const char *get(const char *target, const char *fields)
{
    static char request[6000];
    snprintf(request, sizeof request, "GET %s HTTP/1.1\r\nHost: x\r\n%s\r\n", target, fields);
    return ask(request);
}

static int status_of(const char *answer)
{
    assert_memory_equal(answer, "HTTP/1.1 ", 9);
    return atoi(answer + 9);
}

static const char *body_of(const char *answer)
{
    const char *end = strstr(answer, "\r\n\r\n");
    assert_non_null(end);
    return end + 4;
}

static int count_of(const char *text, const char *find)
{
    int n = 0;
    for (; (text = strstr(text, find)) != NULL; text++)
        n++;
    return n;
}

static void test_http_get_gives_file(void **state)
{
    (void)state;
    const char *answer = get("/a.txt", "");
    assert_int_equal(status_of(answer), 200);
    assert_non_null(strstr(answer, "Content-Length: 10\r\n"));
    assert_non_null(strstr(answer, "Content-Type: text/plain; charset=utf-8\r\n"));
    assert_non_null(strstr(answer, "Last-Modified: Sun, 06 Nov 1994 08:49:37 GMT\r\n"));
    assert_string_equal(body_of(answer), "abcdefghij");
    assert_false(ended);
    answer = get("/big.bin?query#x", "");
    assert_int_equal(strlen(body_of(answer)), 100000);
    assert_string_equal(body_of(get("/empty", "")), "");
    assert_string_equal(body_of(get("http://some.host/a.txt", "")), "abcdefghij");
}

static void test_http_answers_have_a_date_where_it_is_known(void **state)
{
    (void)state;
    const uint64_t now = http_site_now;
    static const char *const targets[] = {"/a.txt", "/many/", "/dir", "/nosuch"};
    for (size_t i = 0; i < sizeof targets / sizeof targets[0]; i++)
        assert_non_null(strstr(get(targets[i], ""), "\r\nDate: Tue, 29 Feb 2000 12:34:56 GMT\r\n"));
    assert_non_null(strstr(ask("nonsense\r\n\r\n"), "\r\nDate: Tue, 29 Feb 2000 12:34:56 GMT\r\n"));
    http_site_now++;
    assert_non_null(strstr(get("/a.txt", ""), "\r\nDate: Tue, 29 Feb 2000 12:34:57 GMT\r\n"));
    http_site_now = 0;
    assert_null(strstr(get("/a.txt", ""), "\r\nDate:"));
    assert_non_null(strstr(get("/a.txt", ""), "Last-Modified: Sun, 06 Nov 1994 08:49:37 GMT\r\n"));
    http_site_now = now;
}

static void test_http_file_of_the_future_is_modified_now(void **state)
{
    (void)state;
    const uint64_t now = http_site_now;
    http_site_now = HTTP_SITE_MTIME - 1;
    const char *answer = get("/a.txt", "");
    assert_non_null(strstr(answer, "Last-Modified: Sun, 06 Nov 1994 08:49:36 GMT\r\n"));
    assert_non_null(strstr(answer, "\r\nDate: Sun, 06 Nov 1994 08:49:36 GMT\r\n"));
    http_site_now = now;
}

static void test_http_head_gives_no_body(void **state)
{
    (void)state;
    static const char *const targets[] = {"/a.txt", "/big.bin", "/many/",
                                          "/dir/",  "/dir",     "/nosuch"};
    for (size_t i = 0; i < sizeof targets / sizeof targets[0]; i++) {
        char request[200];
        snprintf(request, sizeof request, "HEAD %s HTTP/1.1\r\nHost: x\r\n\r\n", targets[i]);
        assert_string_equal(body_of(ask(request)), "");
        assert_false(ended);
    }
}

static void test_http_pipelined_are_answered_in_order_however_cut(void **state)
{
    (void)state;
    static const char input[] = "\r\nGET /a.txt HTTP/1.1\r\nHost: x\r\n\r\n"
                                "HEAD /big.bin HTTP/1.1\r\nHost: x\r\n\r\n"
                                "POST /a.txt HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\n12345"
                                "GET /many/ HTTP/1.1\r\nHost: x\r\n\r\n"
                                "GET /nosuch HTTP/1.1\nHost: x\n\n"
                                "GET /big.bin HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
                                "GET /a.txt HTTP/1.1\r\nHost: x\r\n\r\n";
    static char whole[OUTPUT_BYTES];
    strcpy(whole, ask(input));
    assert_true(ended);
    assert_int_equal(count_of(whole, "HTTP/1.1 200 OK\r\n"), 4);
    assert_int_equal(count_of(whole, "HTTP/1.1 405 "), 1);
    assert_int_equal(count_of(whole, "HTTP/1.1 404 "), 1);
    static const size_t cuts[] = {1, 2, 3, 7, 50, 333};
    for (size_t i = 0; i < sizeof cuts / sizeof cuts[0]; i++)
        for (size_t j = 0; j < sizeof cuts / sizeof cuts[0]; j++)
            assert_string_equal(ask_cut(input, cuts[i], cuts[j]), whole);
}

static void test_http_ranges(void **state)
{
    (void)state;
    static const struct {
        const char *range;
        int status;
        const char *content_range; /* or body, when it is not 206 */
    } cases[] = {
        {"bytes=0-3", 206, "bytes 0-3/10"},
        {"bytes=4-", 206, "bytes 4-9/10"},
        {"bytes=-3", 206, "bytes 7-9/10"},
        {"bytes=-99", 206, "bytes 0-9/10"},
        {"bytes=9-9", 206, "bytes 9-9/10"},
        {"bytes=0-99999", 206, "bytes 0-9/10"},
        {"bytes=10-", 416, "bytes */10"},
        {"bytes=10-20", 416, "bytes */10"},
        {"bytes=-0", 416, "bytes */10"},
        {"bytes=5-4", 200, NULL},
        {"bytes=a-b", 200, NULL},
        {"bytes=", 200, NULL},
        {"bytes=-", 200, NULL},
        {"bytes=1-2,4-5", 200, NULL},
        {"lines=1-2", 200, NULL},
        {"bytes=99999999999999999999-", 200, NULL},
        {"bytes=1-99999999999999999999", 200, NULL},
        {"", 200, NULL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char field[100], want[100];
        snprintf(field, sizeof field, "Range: %s\r\n", cases[i].range);
        const char *answer = get("/a.txt", field);
        assert_int_equal(status_of(answer), cases[i].status);
        if (cases[i].content_range == NULL) {
            assert_string_equal(body_of(answer), "abcdefghij");
            continue;
        }
        snprintf(want, sizeof want, "Content-Range: %s\r\n", cases[i].content_range);
        assert_non_null(strstr(answer, want));
    }
    assert_string_equal(body_of(get("/a.txt", "Range: bytes=2-4\r\n")), "cde");
    assert_int_equal(status_of(get("/empty", "Range: bytes=0-\r\n")), 416);
    assert_int_equal(status_of(get("/new", "Range: bytes=0-1\r\n")), 200);
}

static void test_http_conditions(void **state)
{
    (void)state;
    char tag[64], field[200];
    const char *answer = get("/a.txt", "");
    assert_int_equal(sscanf(strstr(answer, "ETag: "), "ETag: %63s", tag), 1);
    static const struct {
        const char *format; /* of fields, with the tag */
        int status;
    } cases[] = {
        {"If-None-Match: %s\r\n", 304},
        {"If-None-Match: W/%s\r\n", 304},
        {"If-None-Match: \"x\", %s\r\n", 304},
        {"If-None-Match: *\r\n%.0s", 304},
        {"If-None-Match: \"x\"\r\n%.0s", 200},
        {"If-Match: %s\r\n", 200},
        {"If-Match: W/%s\r\n", 412},
        {"If-Match: \"x\"\r\n%.0s", 412},
        {"If-Modified-Since: Sun, 06 Nov 1994 08:49:37 GMT\r\n%.0s", 304},
        {"If-Modified-Since: Sunday, 06-Nov-94 08:49:37 GMT\r\n%.0s", 304},
        {"If-Modified-Since: Sun Nov  6 08:49:37 1994\r\n%.0s", 304},
        {"If-Modified-Since: Sun, 06 Nov 1994 08:49:36 GMT\r\n%.0s", 200},
        {"If-Modified-Since: rubbish\r\n%.0s", 200},
        {"If-Modified-Since: Sun, 31 Feb 2094 08:49:37 GMT\r\n%.0s", 200},
        {"If-Unmodified-Since: Sun, 06 Nov 1994 08:49:36 GMT\r\n%.0s", 412},
        {"If-Unmodified-Since: Sun, 06 Nov 1994 08:49:37 GMT\r\n%.0s", 200},
        {"If-None-Match: \"x\"\r\nIf-Modified-Since: Sun, 06 Nov 1994 08:49:37 GMT\r\n%.0s", 200},
        {"Range: bytes=0-1\r\nIf-Range: %s\r\n", 206},
        {"Range: bytes=0-1\r\nIf-Range: \"x\"\r\n%.0s", 200},
        {"Range: bytes=0-1\r\nIf-Range: Sun, 06 Nov 1994 08:49:37 GMT\r\n%.0s", 206},
        {"Range: bytes=0-1\r\nIf-Range: Sun, 06 Nov 1994 08:49:38 GMT\r\n%.0s", 200},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        snprintf(field, sizeof field, cases[i].format, tag);
        assert_int_equal(status_of(get("/a.txt", field)), cases[i].status);
    }
    assert_string_equal(body_of(get("/a.txt", "If-None-Match: *\r\n")), "");
}

static void test_http_bad_requests_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *request;
        int status, ends;
    } cases[] = {
        {"GET / HTTP/1.1\r\n\r\n", 400, 1}, /* no host */
        {"GET /a.txt HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n", 400, 1},
        {"GET /a.txt HTTP/2.0\r\nHost: x\r\n\r\n", 505, 1},
        {"GET /a.txt HTTP/0.9\r\n\r\n", 505, 1},
        {"GET /a.txt HTTP/1.x\r\n\r\n", 400, 1},
        {"GET /a.txt\r\n\r\n", 400, 1},
        {"GET\r\n\r\n", 400, 1},
        {"GET  HTTP/1.1\r\nHost: x\r\n\r\n", 400, 1},
        {"G@T /a.txt HTTP/1.1\r\nHost: x\r\n\r\n", 400, 1},
        {"FOO /a.txt HTTP/1.1\r\nHost: x\r\n\r\n", 501, 1},
        {"get /a.txt HTTP/1.1\r\nHost: x\r\n\r\n", 501, 1},
        {"POST /a.txt HTTP/1.1\r\nHost: x\r\n\r\n", 405, 0},
        {"DELETE /a.txt HTTP/1.1\r\nHost: x\r\nContent-Length: 1048577\r\n\r\n", 413, 1},
        {"GET /a.txt HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n1", 400, 1},
        {"GET /a.txt HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n", 400, 1},
        {"GET /a.txt HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999999999999\r\n\r\n", 400, 1},
        {"GET /a.txt HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip\r\n\r\n", 501, 1},
        {"GET /a.txt HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nContent-Length: "
         "3\r\n\r\n0\r\n\r\n",
         400, 1},
        {"GET /a.txt HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400, 1},
        {"GET /a.txt HTTP/1.1\r\nHost : x\r\n\r\n", 400, 1},
        {"GET /a.txt HTTP/1.1\r\nHost: x\r\n folded\r\n\r\n", 400, 1},
        {"GET /a.txt HTTP/1.1\r\nHost: x\r\nnocolon\r\n\r\n", 400, 1},
        {"GET /a.txt HTTP/1.1\r\nHost: x\r\nA: b\001c\r\n\r\n", 400, 1},
        {"GET /a.txt HTTP/1.1\r\nHost: x\r\nExpect: magic\r\n\r\n", 417, 1},
        {"GET a.txt HTTP/1.1\r\nHost: x\r\n\r\n", 400, 0},
        {"GET /a%2 HTTP/1.1\r\nHost: x\r\n\r\n", 400, 0},
        {"GET /a%zz HTTP/1.1\r\nHost: x\r\n\r\n", 400, 0},
        {"GET /a%00.txt HTTP/1.1\r\nHost: x\r\n\r\n", 400, 0},
        {"GET /forbidden HTTP/1.1\r\nHost: x\r\n\r\n", 403, 0},
        {"GET /a.txt/ HTTP/1.1\r\nHost: x\r\n\r\n", 404, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const char *answer = ask(cases[i].request);
        if (status_of(answer) != cases[i].status)
            fail_msg("%s\n%s", cases[i].request, answer);
        assert_int_equal(ended, cases[i].ends);
        assert_int_equal(count_of(answer, "HTTP/1.1 "), 1);
        ask_cut(cases[i].request, 1, 1);
        assert_int_equal(status_of(output), cases[i].status);
    }
}

static void test_http_too_long_is_refused(void **state)
{
    (void)state;
    static char request[20000];
    static const size_t cuts[] = {1, 1000, 100000};
    for (size_t i = 0; i < 3; i++) {
        memset(request, 'a', sizeof request - 1);
        memcpy(request, "GET /", 5);
        assert_int_equal(status_of(ask_cut(request, cuts[i], 99)), 414);
        assert_true(ended);
        memcpy(request + 5000, " HTTP/1.1\r\nHost: x\r\n\r\n", 23);
        assert_int_equal(status_of(ask_cut(request, cuts[i], 99)), 414);
        memcpy(request + 1500, " HTTP/1.1\r\nHost: x\r\n\r\n", 23);
        assert_int_equal(status_of(ask_cut(request, cuts[i], 99)), 414);
        memset(request, 'a', sizeof request - 1);
        memcpy(request, "GET / HTTP/1.1\r\nHost: x\r\nA: ", 28);
        assert_int_equal(status_of(ask_cut(request, cuts[i], 99)), 431);
        assert_true(ended);
        size_t used = (size_t)snprintf(request, sizeof request, "GET / HTTP/1.1\r\nHost: x\r\n");
        for (int n = 0; n < 120; n++)
            used += (size_t)snprintf(request + used, sizeof request - used, "A: b\r\n");
        strcpy(request + used, "\r\n");
        assert_int_equal(status_of(ask_cut(request, cuts[i], 99)), 431);
    }
}

static void test_http_path_never_leaves_the_root(void **state)
{
    (void)state;
    static const struct {
        const char *target;
        int status;
        const char *path;
    } cases[] = {
        {"/", 0, "/"},
        {"/a/./b//c/../d", 0, "/a/b/d"},
        {"/a/%2e%2e/b", 0, "/b"},
        {"/a/..", 0, "/"},
        {"/a/.", 0, "/a/"},
        {"/a%2Fb/..%2fc", 0, "/a/c"},
        {"/..", 400, NULL},
        {"/../etc", 400, NULL},
        {"/a/../../etc", 400, NULL},
        {"/%2e%2e/etc", 400, NULL},
        {"/a/..%2f..%2fetc", 400, NULL},
        {"/%252e%252e/x", 0, "/%2e%2e/x"}, /* decoded once */
        {"/...", 0, "/..."},
        {"/..a", 0, "/..a"},
        {"/a?/../..", 0, "/a"},
        {"*", 400, NULL},
        {"", 400, NULL},
        {"http://", 400, NULL},
        {"http://h", 0, "/"},
        {"HTTP://h/x", 0, "/x"},
        {"https://h/x", 400, NULL},
    };
    char path[HTTP_PATH_MAX];
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct http_text target = {cases[i].target, strlen(cases[i].target)};
        int status = http_path_read(target, path);
        if (status != cases[i].status || (status == 0 && strcmp(path, cases[i].path) != 0))
            fail_msg("%s: %d %s", cases[i].target, status, status == 0 ? path : "");
    }
}

static void test_http_bodies_are_skipped(void **state)
{
    (void)state;
    static const char *const bodies[] = {
        "Content-Length: 11\r\n\r\nGET / HTTP/",
        "Transfer-Encoding: chunked\r\n\r\n5\r\nGET /\r\n3;x=y\r\nabc\r\n0\r\n\r\n",
        "Transfer-Encoding: chunked\r\n\r\n0\r\nTrailer: x\r\n\r\n",
        "Content-Length: 0\r\n\r\n",
    };
    for (size_t i = 0; i < sizeof bodies / sizeof bodies[0]; i++) {
        char request[400];
        snprintf(request, sizeof request,
                 "GET /a.txt HTTP/1.1\r\nHost: x\r\n%sGET /empty HTTP/1.1\r\nHost: x\r\n\r\n",
                 bodies[i]);
        for (size_t cut = 1; cut < 40; cut++) {
            const char *answer = ask_cut(request, cut, 1000);
            assert_int_equal(count_of(answer, "HTTP/1.1 200 OK"), 2);
            assert_int_equal(count_of(answer, "HTTP/1.1 "), 2);
            assert_false(ended);
        }
    }
}

static void test_http_bad_chunks_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *chunks;
        int status;
    } cases[] = {
        {"x\r\n", 400},  {"\r\n", 400},        {"5 \r\nabcdefgh", 400},
        {"-1\r\n", 400}, {"fffffff\r\n", 413}, {"00000000000000000001\r\n", 413},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char request[400];
        snprintf(request, sizeof request,
                 "GET /big.bin HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n%s",
                 cases[i].chunks);
        assert_int_equal(status_of(ask_cut(request, 1, 1000)), cases[i].status);
        assert_int_equal(status_of(ask(request)), cases[i].status);
        assert_true(ended);
    }
}

static void test_http_folders(void **state)
{
    (void)state;
    const char *answer = get("/many/", "");
    assert_int_equal(status_of(answer), 200);
    assert_non_null(strstr(answer, "Transfer-Encoding: chunked\r\n"));
    assert_int_equal(count_of(answer, "<tr>"), HTTP_SITE_ENTRIES + 1);
    assert_non_null(strstr(answer, "href=\"./001%20%22%26%27\">001 &quot;&amp;&#39;</a>"));
    assert_string_equal(answer + strlen(answer) - 5, "0\r\n\r\n");
    answer = ask("GET /many/ HTTP/1.0\r\n\r\n");
    assert_null(strstr(answer, "chunked"));
    assert_true(ended);
    assert_int_equal(status_of(get("/many", "")), 301);
    assert_non_null(strstr(output, "Location: /many/\r\n"));
    get("/a%20b%3c&%3e", "");
    assert_non_null(strstr(output, "Location: /a%20b%3C%26%3E/\r\n"));
    answer = get("/dir/", "");
    assert_non_null(strstr(answer, "Content-Type: text/html; charset=utf-8\r\n"));
    assert_string_equal(body_of(answer), "abcdefg");
}

static void test_http_connections_are_kept_as_asked(void **state)
{
    (void)state;
    ask("GET /a.txt HTTP/1.0\r\n\r\n");
    assert_true(ended);
    ask("GET /a.txt HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n");
    assert_non_null(strstr(output, "Connection: keep-alive\r\n"));
    assert_false(ended);
    ask("GET /a.txt HTTP/1.1\r\nHost: x\r\nConnection: foo, close\r\n\r\n");
    assert_non_null(strstr(output, "Connection: close\r\n"));
    assert_true(ended);
    ask("POST /a.txt HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n");
    assert_int_equal(status_of(output), 405);
    assert_true(ended);
}

static void test_http_late_request_gets_408(void **state)
{
    (void)state;
    struct http_talk talk = {"GET / HT", 8, 100, 100, 1};
    output[http_talk(&talk, output, sizeof output - 1, &ended)] = 0;
    assert_int_equal(status_of(output), 408);
    assert_true(ended);
    talk.bytes = 0;
    assert_int_equal(http_talk(&talk, output, sizeof output - 1, &ended), 0);
    assert_true(ended);
    talk.input = "GET /big.bin HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n";
    talk.bytes = strlen(talk.input);
    output[http_talk(&talk, output, sizeof output - 1, &ended)] = 0;
    assert_int_equal(status_of(output), 408);
    assert_int_equal(http_site_open_now, 0);
}

static void test_http_file_that_shrinks_ends_the_connection(void **state)
{
    (void)state;
    http_site_short_read = 1;
    const char *answer = get("/short", "");
    http_site_short_read = 0;
    assert_true(strlen(body_of(answer)) < 5000);
    assert_true(ended);
}

static void test_http_dates_come_back(void **state)
{
    (void)state;
    char text[HTTP_DATE_BYTES];
    uint64_t back;
    for (uint64_t t = 0; t < 8000000000u; t += 12345679) {
        http_date_write(t, text);
        assert_int_equal(strlen(text), 29);
        assert_true(http_date_read((struct http_text){text, 29}, &back));
        assert_int_equal(back, t);
    }
    http_date_write(784111777, text);
    assert_string_equal(text, "Sun, 06 Nov 1994 08:49:37 GMT");
    http_date_write(951782400, text);
    assert_string_equal(text, "Tue, 29 Feb 2000 00:00:00 GMT");
    http_date_write(UINT64_MAX, text);
    assert_string_equal(text, "Fri, 31 Dec 9999 23:59:59 GMT");
}

static void test_http_random_damage_is_survived(void **state)
{
    (void)state;
    static const char base[] = "GET /a%20b/../many/ HTTP/1.1\r\nHost: x\r\nRange: bytes=1-2\r\n"
                               "If-None-Match: \"a\", *\r\nTransfer-Encoding: chunked\r\n\r\n"
                               "3\r\nabc\r\n0\r\n\r\nGET /big.bin HTTP/1.0\r\n\r\n";
    uint64_t seed = 88172645463325252u;
    char request[sizeof base];
    for (int round = 0; round < 20000; round++) {
        memcpy(request, base, sizeof base);
        for (int n = 0; n < 1 + round % 4; n++) {
            seed ^= seed << 13;
            seed ^= seed >> 7;
            seed ^= seed << 17;
            request[seed % (sizeof base - 1)] = (char)(seed >> 32);
        }
        struct http_talk talk = {request, sizeof base - 1, 1 + seed % 60, 1 + seed % 5000,
                                 seed % 2 == 0};
        http_talk(&talk, output, sizeof output, &ended);
        assert_int_equal(http_site_open_now, 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_http_get_gives_file),
        cmocka_unit_test(test_http_answers_have_a_date_where_it_is_known),
        cmocka_unit_test(test_http_file_of_the_future_is_modified_now),
        cmocka_unit_test(test_http_head_gives_no_body),
        cmocka_unit_test(test_http_pipelined_are_answered_in_order_however_cut),
        cmocka_unit_test(test_http_ranges),
        cmocka_unit_test(test_http_conditions),
        cmocka_unit_test(test_http_bad_requests_are_refused),
        cmocka_unit_test(test_http_too_long_is_refused),
        cmocka_unit_test(test_http_path_never_leaves_the_root),
        cmocka_unit_test(test_http_bodies_are_skipped),
        cmocka_unit_test(test_http_bad_chunks_are_refused),
        cmocka_unit_test(test_http_folders),
        cmocka_unit_test(test_http_connections_are_kept_as_asked),
        cmocka_unit_test(test_http_late_request_gets_408),
        cmocka_unit_test(test_http_file_that_shrinks_ends_the_connection),
        cmocka_unit_test(test_http_dates_come_back),
        cmocka_unit_test(test_http_random_damage_is_survived),
    };
    return cmocka_run_group_tests_name("lib_http", tests, NULL, NULL);
}
