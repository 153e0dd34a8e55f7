/* SPDX-License-Identifier: MIT */
/* The memcached engine and store of servers/memcached: what is answered to what, and that memory is kept well. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lib/tcp_server.h"
#include "servers/memcached/engine.h"

#define ARENA_BYTES (4u << 20)
#define BUCKETS 4096u
#define OUTPUT_BYTES (4u << 20)

struct tcp_count tcp_count;

static uint64_t arena[ARENA_BYTES / 8];
static uint32_t buckets[BUCKETS];
static char output[OUTPUT_BYTES];
static struct engine engine;

static void store_make(uint64_t bytes)
{
    struct store_memory memory = {.base = arena,
                                  .bytes = bytes,
                                  .bytes_max = bytes,
                                  .buckets = buckets,
                                  .bucket_count = BUCKETS};
    store_setup(&memory, 12345);
    store_time(2);
    memset(&command_count, 0, sizeof command_count);
}

static int setup(void **state)
{
    (void)state;
    store_make(ARENA_BYTES);
    engine_start(&engine);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    engine_end(&engine);
    return store_is_well(0) ? 0 : -1;
}

/* Gives bytes to the connection, cut in pieces; the answers, as a string. */
static size_t talk_cut(const char *input, size_t bytes, size_t piece, size_t room)
{
    size_t at = 0, used = 0, n;
    while (at < bytes && !engine.ended) {
        size_t wish = bytes - at < piece ? bytes - at : piece;
        char *copy = malloc(wish);
        memcpy(copy, input + at, wish);
        at += engine_take(&engine, copy, wish);
        free(copy);
        while ((n = engine_give(&engine, output + used,
                                room < sizeof output - 1 - used ? room : sizeof output - 1 - used)) >
               0)
            used += n;
        assert_true(used < sizeof output - 1);
    }
    output[used] = 0;
    return used;
}

static const char *talk(const char *input)
{
    talk_cut(input, strlen(input), 100000, 100000);
    return output;
}

static void test_memcached_ascii_commands_answer(void **state)
{
    (void)state;
    static const struct {
        const char *input, *output;
    } cases[] = {
        {"get a\r\n", "END\r\n"},
        {"set a 7 0 3\r\nabc\r\n", "STORED\r\n"},
        {"get a\r\n", "VALUE a 7 3\r\nabc\r\nEND\r\n"},
        {"get a b a\r\n", "VALUE a 7 3\r\nabc\r\nVALUE a 7 3\r\nabc\r\nEND\r\n"},
        {"gets a\r\n", "VALUE a 7 3 1\r\nabc\r\nEND\r\n"},
        {"add a 0 0 1\r\nx\r\n", "NOT_STORED\r\n"},
        {"add b 0 0 1\r\nx\r\n", "STORED\r\n"},
        {"replace c 0 0 1\r\nx\r\n", "NOT_STORED\r\n"},
        {"replace b 1 0 1\r\ny\r\n", "STORED\r\n"},
        {"append a 0 0 2\r\nde\r\n", "STORED\r\n"},
        {"prepend a 0 0 2\r\n__\r\n", "STORED\r\n"},
        {"append c 0 0 2\r\nde\r\n", "NOT_STORED\r\n"},
        {"get a\r\n", "VALUE a 7 7\r\n__abcde\r\nEND\r\n"},
        {"cas a 0 0 1 1\r\nx\r\n", "EXISTS\r\n"},
        {"cas c 0 0 1 1\r\nx\r\n", "NOT_FOUND\r\n"},
        {"cas b 0 0 1 3\r\nz\r\n", "STORED\r\n"},
        {"set n 0 0 2\r\n10\r\n", "STORED\r\n"},
        {"incr n 5\r\n", "15\r\n"},
        {"decr n 6\r\n", "9\r\n"},
        {"get n\r\n", "VALUE n 0 1\r\n9\r\nEND\r\n"},
        {"decr n 60\r\n", "0\r\n"},
        {"incr n 18446744073709551615\r\n", "18446744073709551615\r\n"},
        {"incr n 2\r\n", "1\r\n"},
        {"incr n x\r\n", "CLIENT_ERROR invalid numeric delta argument\r\n"},
        {"incr n -1\r\n", "CLIENT_ERROR invalid numeric delta argument\r\n"},
        {"incr a 1\r\n", "CLIENT_ERROR cannot increment or decrement non-numeric value\r\n"},
        {"incr c 1\r\n", "NOT_FOUND\r\n"},
        {"touch a 100\r\n", "TOUCHED\r\n"},
        {"touch c 100\r\n", "NOT_FOUND\r\n"},
        {"gat 100 b c\r\n", "VALUE b 0 1\r\nz\r\nEND\r\n"},
        {"delete b\r\n", "DELETED\r\n"},
        {"delete b 0\r\n", "NOT_FOUND\r\n"},
        {"flush_all\r\n", "OK\r\n"},
        {"get a\r\n", "END\r\n"},
        {"version\r\n", "VERSION " MEMCACHED_VERSION "\r\n"},
        {"verbosity 1\r\n", "OK\r\n"},
        {"set empty 0 0 0\r\n\r\n", "STORED\r\n"},
        {"get empty\n", "VALUE empty 0 0\r\n\r\nEND\r\n"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        assert_string_equal(talk(cases[i].input), cases[i].output);
}

static void test_memcached_ascii_noreply_is_silent(void **state)
{
    (void)state;
    assert_string_equal(
        talk("set a 0 0 1 noreply\r\n1\r\nadd a 0 0 1 noreply\r\n2\r\n"
             "incr a 4 noreply\r\nappend a 0 0 1 noreply\r\n0\r\ntouch a 0 noreply\r\n"
             "delete b noreply\r\nverbosity 1 noreply\r\nflush_all 100 noreply\r\nget a\r\n"),
        "VALUE a 0 2\r\n50\r\nEND\r\n");
}

static void test_memcached_ascii_bad_lines_are_refused(void **state)
{
    (void)state;
    static char long_key[600], input[3000];
    static const struct {
        const char *input, *output;
    } cases[] = {
        {"\r\n", "ERROR\r\n"},
        {"nosuch a b\r\n", "ERROR\r\n"},
        {"get\r\n", "ERROR\r\n"},
        {"get \r\n", "ERROR\r\n"},
        {"set a\r\n", "ERROR\r\n"},
        {"set a 0 0 x\r\n", "CLIENT_ERROR bad command line format\r\n"},
        {"set a 0 0 -1\r\n", "CLIENT_ERROR bad command line format\r\n"},
        {"set a 0 0 1 2 3\r\n", "CLIENT_ERROR bad command line format\r\n"},
        {"set a -1 0 1\r\nx\r\n", "CLIENT_ERROR bad command line format\r\n"},
        {"set a 4294967296 0 1\r\nx\r\n", "CLIENT_ERROR bad command line format\r\n"},
        {"set a 0 0 2\r\nabcdef\r\n", "CLIENT_ERROR bad data chunk\r\n"},
        {"set a 0 0 9999999999\r\n", "CLIENT_ERROR bad command line format\r\n"},
        {"delete a 5\r\n",
         "CLIENT_ERROR bad command line format.  Usage: delete <key> [noreply]\r\n"},
        {"touch a x\r\n", "CLIENT_ERROR invalid exptime argument\r\n"},
        {"gat x a\r\n", "CLIENT_ERROR invalid exptime argument\r\n"},
        {"flush_all x\r\n", "CLIENT_ERROR bad command line format\r\n"},
        {"stats nosuch\r\n", "ERROR\r\n"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        for (size_t cut = 1; cut < 9; cut++) {
            talk_cut(cases[i].input, strlen(cases[i].input), cut, 100);
            assert_string_equal(output, cases[i].output);
            assert_true(engine_is_idle(&engine)); /* and the next command is understood */
        }
    memset(long_key, 'k', 251);
    snprintf(input, sizeof input, "get %s\r\n", long_key);
    assert_string_equal(talk(input), "CLIENT_ERROR bad command line format\r\n");
    snprintf(input, sizeof input, "set %s 0 0 1\r\nx\r\n", long_key);
    assert_string_equal(talk(input), "CLIENT_ERROR bad command line format\r\n");
    memset(input, 'x', sizeof input - 1);
    strcpy(input + 2500, "\r\nversion\r\n");
    assert_string_equal(talk(input),
                        "CLIENT_ERROR line too long\r\nVERSION " MEMCACHED_VERSION "\r\n");
    talk_cut(input, strlen(input), 7, 7);
    assert_string_equal(output, "CLIENT_ERROR line too long\r\nVERSION " MEMCACHED_VERSION "\r\n");
}

static void test_memcached_ascii_is_the_same_however_cut(void **state)
{
    (void)state;
    static char input[40000], whole[200000];
    size_t used = (size_t)snprintf(input, sizeof input, "set big 1 0 9000\r\n");
    for (size_t i = 0; i < 9000; i++)
        input[used++] = (char)('a' + i % 26);
    used +=
        (size_t)snprintf(input + used, sizeof input - used,
                         "\r\nget big nosuch big\r\nset s 0 0 5\r\nhello\r\ngets s big s\r\nget");
    for (int i = 0; i < 2000; i++) /* longer than any line may be */
        used += (size_t)snprintf(input + used, sizeof input - used, " s");
    used += (size_t)snprintf(input + used, sizeof input - used,
                             "\r\nincr s 1\r\ndelete big\r\nflush_all\r\n");
    size_t n = talk_cut(input, used, sizeof input, sizeof output);
    assert_true(n < sizeof whole);
    memcpy(whole, output, n + 1);
    static const size_t cuts[] = {1, 2, 3, 5, 100, 5000};
    for (size_t i = 0; i < sizeof cuts / sizeof cuts[0]; i++)
        for (size_t j = 0; j < sizeof cuts / sizeof cuts[0]; j++) {
            setup(NULL);
            talk_cut(input, used, cuts[i], cuts[j]);
            assert_string_equal(output, whole);
        }
}

static void test_memcached_items_expire(void **state)
{
    (void)state;
    talk(
        "set a 0 10 1\r\nx\r\nset b 0 -1 1\r\nx\r\nset c 0 0 1\r\nx\r\nset d 0 2592001 1\r\nx\r\n");
    assert_string_equal(talk("get a b c d\r\n"),
                        "VALUE a 0 1\r\nx\r\nVALUE c 0 1\r\nx\r\nVALUE d 0 1\r\nx\r\nEND\r\n");
    store_time(11);
    assert_string_equal(talk("get a\r\n"), "VALUE a 0 1\r\nx\r\nEND\r\n");
    store_time(12);
    assert_string_equal(talk("get a c\r\n"), "VALUE c 0 1\r\nx\r\nEND\r\n");
    talk("touch c 5\r\n");
    store_time(17);
    assert_string_equal(talk("get c\r\n"), "END\r\n");
    command_epoch = 1000000000;
    talk("set e 0 1000000020 1\r\nx\r\nset f 0 999999999 1\r\nx\r\n");
    assert_string_equal(talk("get e f\r\n"), "VALUE e 0 1\r\nx\r\nEND\r\n");
    store_time(20);
    command_epoch = 0;
    assert_string_equal(talk("get e\r\n"), "END\r\n");
}

static void test_memcached_flush_comes_when_told(void **state)
{
    (void)state;
    assert_string_equal(talk("set a 0 0 1\r\nx\r\nflush_all 10\r\nset b 0 0 1\r\nx\r\nget a\r\n"),
                        "STORED\r\nOK\r\nSTORED\r\nVALUE a 0 1\r\nx\r\nEND\r\n");
    store_time(12);
    assert_string_equal(talk("get a b\r\nset c 0 0 1\r\nx\r\nget c\r\n"),
                        "END\r\nSTORED\r\nVALUE c 0 1\r\nx\r\nEND\r\n");
}

static void test_memcached_large_values(void **state)
{
    (void)state;
    char *input = malloc(STORE_VALUE_MAX + 200);
    size_t head = (size_t)sprintf(input, "set a 0 0 %u\r\n", STORE_VALUE_MAX);
    memset(input + head, 'v', STORE_VALUE_MAX);
    strcpy(input + head + STORE_VALUE_MAX, "\r\nget a\r\n");
    size_t n = talk_cut(input, strlen(input), 3000, 1777);
    assert_int_equal(n, strlen("STORED\r\nVALUE a 0 1048576\r\n") + STORE_VALUE_MAX +
                            strlen("\r\nEND\r\n"));
    assert_memory_equal(output + n - 10, "vvv\r\nEND\r\n", 10);
    assert_string_equal(talk("append a 0 0 1\r\nx\r\n"),
                        "SERVER_ERROR object too large for cache\r\n");
    head = (size_t)sprintf(input, "set a 0 0 %u\r\n", STORE_VALUE_MAX + 1);
    memset(input + head, 'v', STORE_VALUE_MAX + 1);
    strcpy(input + head + STORE_VALUE_MAX + 1, "\r\nget a\r\n");
    talk_cut(input, strlen(input), 3000, 1777); /* and what was there before is gone */
    assert_string_equal(output, "SERVER_ERROR object too large for cache\r\nEND\r\n");
    free(input);
}

static void test_memcached_least_recently_used_goes(void **state)
{
    (void)state;
    char line[100];
    store_make(65536); /* 511 items of one block */
    for (int i = 0; i < 511; i++) {
        snprintf(line, sizeof line, "set k%d 0 0 1\r\nx\r\n", i);
        assert_string_equal(talk(line), "STORED\r\n");
    }
    assert_string_equal(talk("get k0\r\n"), "VALUE k0 0 1\r\nx\r\nEND\r\n");
    assert_string_equal(
        talk("set new 0 0 1\r\nx\r\nget k0\r\nget k1\r\nget k2\r\n"),
        "STORED\r\nVALUE k0 0 1\r\nx\r\nEND\r\nEND\r\nVALUE k2 0 1\r\nx\r\nEND\r\n");
    assert_int_equal(store_count().evictions, 1);
    assert_int_equal(store_count().items, 511);
}

static void test_memcached_value_larger_than_all_memory_is_refused(void **state)
{
    (void)state;
    char *input = malloc(100000);
    store_make(65536);
    talk("set small 0 0 1\r\nx\r\n");
    size_t head = (size_t)sprintf(input, "set a 0 0 80000\r\n");
    memset(input + head, 'v', 80000);
    strcpy(input + head + 80000, "\r\nversion\r\n");
    assert_string_equal(talk(input),
                        "SERVER_ERROR out of memory storing object\r\nVERSION " MEMCACHED_VERSION
                        "\r\n");
    assert_true(store_is_well(0));
    free(input);
}

/* ---- binary ---- */

static char request[4096];
static size_t request_bytes;

static void number_to(char *to, size_t bytes, uint64_t n)
{
    for (size_t i = bytes; i-- > 0; n >>= 8)
        to[i] = (char)(n & 255);
}

struct binary {
    int opcode;
    const char *extras;
    size_t extras_bytes;
    const char *key, *value;
    uint64_t cas;
};

static void binary_add(struct binary b)
{
    char *to = request + request_bytes;
    size_t key = b.key == NULL ? 0 : strlen(b.key), value = b.value == NULL ? 0 : strlen(b.value);
    memset(to, 0, 24);
    to[0] = (char)0x80;
    to[1] = (char)b.opcode;
    number_to(to + 2, 2, key);
    number_to(to + 4, 1, b.extras_bytes);
    number_to(to + 8, 4, b.extras_bytes + key + value);
    memcpy(to + 12, "OPAQ", 4);
    number_to(to + 16, 8, b.cas);
    memcpy(to + 24, b.extras, b.extras_bytes);
    memcpy(to + 24 + b.extras_bytes, b.key == NULL ? "" : b.key, key);
    memcpy(to + 24 + b.extras_bytes + key, b.value == NULL ? "" : b.value, value);
    request_bytes += 24 + b.extras_bytes + key + value;
}

/* Sends what was added; the status of the first answer, -1: none came. */
static int binary_talk(size_t piece)
{
    size_t n = talk_cut(request, request_bytes, piece, 1000);
    request_bytes = 0;
    if (n == 0)
        return -1;
    assert_true(n >= 24 && (unsigned char)output[0] == 0x81);
    assert_memory_equal(output + 12, "OPAQ", 4);
    return (unsigned char)output[6] * 256 + (unsigned char)output[7];
}

#define EIGHT "\0\0\0\0\0\0\0\0"

static void test_memcached_binary_commands_answer(void **state)
{
    (void)state;
    static const struct {
        struct binary b;
        int status;
    } cases[] = {
        {{0x00, "", 0, "a", NULL, 0}, 1},
        {{0x09, "", 0, "a", NULL, 0}, -1},
        {{0x01, EIGHT, 8, "a", "v", 0}, 0},
        {{0x11, EIGHT, 8, "b", "v", 0}, -1},
        {{0x02, EIGHT, 8, "a", "v", 0}, 2},
        {{0x12, EIGHT, 8, "a", "v", 0}, 2},
        {{0x03, EIGHT, 8, "c", "v", 0}, 1},
        {{0x00, "", 0, "a", NULL, 0}, 0},
        {{0x0c, "", 0, "a", NULL, 0}, 0},
        {{0x0e, "", 0, "a", "w", 0}, 0},
        {{0x0f, "", 0, "c", "w", 0}, 5},
        {{0x01, EIGHT, 8, "a", "v", 99}, 2},
        {{0x01, EIGHT, 8, "c", "v", 99}, 1},
        {{0x04, "", 0, "b", NULL, 99}, 2},
        {{0x04, "", 0, "b", NULL, 0}, 0},
        {{0x14, "", 0, "b", NULL, 0}, 1},
        {{0x05, EIGHT EIGHT "\0\0\0\0", 20, "n", NULL, 0}, 0},
        {{0x05, EIGHT EIGHT "\377\377\377\377", 20, "m", NULL, 0}, 1},
        {{0x05, EIGHT EIGHT "\0\0\0\0", 20, "a", NULL, 0}, 6},
        {{0x1c, "\0\0\0\1", 4, "a", NULL, 0}, 0},
        {{0x1d, "\0\0\0\1", 4, "a", NULL, 0}, 0},
        {{0x1e, "\0\0\0\1", 4, "x", NULL, 0}, -1},
        {{0x0a, "", 0, NULL, NULL, 0}, 0},
        {{0x0b, "", 0, NULL, NULL, 0}, 0},
        {{0x10, "", 0, NULL, NULL, 0}, 0},
        {{0x1b, "\0\0\0\1", 4, NULL, NULL, 0}, 0},
        {{0x08, "", 0, NULL, NULL, 0}, 0},
        {{0x18, "", 0, NULL, NULL, 0}, -1},
        {{0x00, "", 0, "a", NULL, 0}, 1},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        binary_add(cases[i].b);
        if (binary_talk(1 + i) != cases[i].status)
            fail_msg("case %zu", i);
    }
}

static void test_memcached_binary_bad_shapes_are_refused(void **state)
{
    (void)state;
    static const struct {
        struct binary b;
        int status;
    } cases[] = {
        {{0x00, "", 0, NULL, NULL, 0}, 4},    {{0x00, "abcd", 4, "a", NULL, 0}, 4},
        {{0x00, "", 0, "a", "value", 0}, 4},  {{0x01, "", 0, "a", "v", 0}, 4},
        {{0x05, EIGHT, 8, "a", NULL, 0}, 4},  {{0x0a, "", 0, "a", NULL, 0}, 4},
        {{0x08, "ab", 2, NULL, NULL, 0}, 4},  {{0x77, "", 0, "a", "v", 0}, 0x81},
        {{0x20, "", 0, NULL, NULL, 0}, 0x81}, {{0xff, "", 0, NULL, NULL, 0}, 0x81},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        binary_add(cases[i].b);
        assert_int_equal(binary_talk(3), cases[i].status);
        binary_add((struct binary){0x0a, "", 0, NULL, NULL, 0}); /* the next is understood */
        assert_int_equal(binary_talk(100), 0);
    }
    binary_add((struct binary){0x0a, "", 0, NULL, NULL, 0});
    number_to(request + 2, 2, 65535); /* a key longer than the body */
    assert_int_equal(binary_talk(100), 4);
    binary_add((struct binary){0x0a, "", 0, NULL, NULL, 0});
    request[0] = 'x';
    assert_int_equal(binary_talk(100), -1);
    assert_true(engine.ended);
}

/* ---- against a model ---- */

#define MODEL_KEYS 50

static void test_memcached_random_commands_agree_with_model(void **state)
{
    (void)state;
    static struct {
        int there;
        uint32_t flags;
        char value[64];
    } model[MODEL_KEYS];
    uint64_t seed = 88172645463325252u;
    char line[300], want[300];
    memset(model, 0, sizeof model);
    for (int round = 0; round < 40000; round++) {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        unsigned k = (unsigned)(seed % MODEL_KEYS), op = (unsigned)(seed / 64 % 6);
        unsigned v = (unsigned)(seed / 1024 % 1000);
        int there = model[k].there;
        if (op == 0 || op == 1) { /* set, add */
            snprintf(line, sizeof line, "%s key%u %u 0 %d\r\n%u\r\n", op == 0 ? "set" : "add", k, v,
                     snprintf(want, sizeof want, "%u", v), v);
            strcpy(want, op == 1 && there ? "NOT_STORED\r\n" : "STORED\r\n");
            if (op == 0 || !there) {
                model[k].there = 1;
                model[k].flags = v;
                snprintf(model[k].value, sizeof model[k].value, "%u", v);
            }
        } else if (op == 2) {
            snprintf(line, sizeof line, "delete key%u\r\n", k);
            strcpy(want, there ? "DELETED\r\n" : "NOT_FOUND\r\n");
            model[k].there = 0;
        } else if (op == 3) {
            snprintf(line, sizeof line, "incr key%u %u\r\n", k, v);
            unsigned long sum = strtoul(model[k].value, NULL, 10) + v;
            if (there)
                snprintf(model[k].value, sizeof model[k].value, "%lu", sum);
            snprintf(want, sizeof want, there ? "%lu\r\n" : "NOT_FOUND\r\n", sum);
        } else if (op == 4 && strlen(model[k].value) < 15) {
            snprintf(line, sizeof line, "append key%u 0 0 1\r\n7\r\n", k);
            strcpy(want, there ? "STORED\r\n" : "NOT_STORED\r\n");
            if (there)
                strcat(model[k].value, "7");
        } else {
            snprintf(line, sizeof line, "get key%u\r\n", k);
            if (there)
                snprintf(want, sizeof want, "VALUE key%u %u %zu\r\n%s\r\nEND\r\n", k,
                         model[k].flags, strlen(model[k].value), model[k].value);
            else
                strcpy(want, "END\r\n");
        }
        assert_string_equal(talk(line), want);
    }
    assert_true(store_is_well(0));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_memcached_ascii_commands_answer, setup, teardown),
        cmocka_unit_test_setup_teardown(test_memcached_ascii_noreply_is_silent, setup, teardown),
        cmocka_unit_test_setup_teardown(test_memcached_ascii_bad_lines_are_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(test_memcached_ascii_is_the_same_however_cut, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_memcached_items_expire, setup, teardown),
        cmocka_unit_test_setup_teardown(test_memcached_flush_comes_when_told, setup, teardown),
        cmocka_unit_test_setup_teardown(test_memcached_large_values, setup, teardown),
        cmocka_unit_test_setup_teardown(test_memcached_least_recently_used_goes, setup, teardown),
        cmocka_unit_test_setup_teardown(test_memcached_value_larger_than_all_memory_is_refused,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(test_memcached_binary_commands_answer, setup, teardown),
        cmocka_unit_test_setup_teardown(test_memcached_binary_bad_shapes_are_refused, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_memcached_random_commands_agree_with_model, setup,
                                        teardown),
    };
    return cmocka_run_group_tests_name("lib_memcached", tests, NULL, NULL);
}
