/* SPDX-License-Identifier: MIT */
/* The manifest's reader (servers/init/manifest.h): what each word does, and errors with their line. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "servers/init/manifest.h"

static struct manifest m;
static unsigned error_line;
static char error_text[128];
static unsigned error_count;

static void complain(unsigned line, const char *wrong, const char *word)
{
    if (error_count++ == 0) {
        error_line = line;
        snprintf(error_text, sizeof error_text, "%s: %s", wrong, word);
    }
}

static void read_text(const char *text)
{
    size_t bytes = strlen(text);
    char *copy = malloc(bytes + 1);
    memcpy(copy, text, bytes);
    error_line = error_count = 0;
    error_text[0] = 0;
    manifest_read(copy, bytes, &m, complain);
    free(copy);
}

static void assert_error(const char *text, unsigned line, const char *says)
{
    read_text(text);
    assert_int_equal(error_line, line);
    if (strstr(error_text, says) == NULL)
        fail_msg("\"%s\" does not say \"%s\"", error_text, says);
    assert_int_equal(m.errors, error_count);
}

static void test_manifest_read_all_words(void **state)
{
    (void)state;
    read_text(
        "# comment\nprogram net # more\n file bin/other\n arguments -v x\n quota 99\n cpus 0 3\n"
        " ceiling 20\n priority 7\n serves net\n uses a b\n shares c\n ports 0x3f8 8\n irqs 4 1\n"
        " memory 0xfed00 1\n initrd\n container\n system read\n restart always 3\n main\n"
        " device 1AF4:1041\n device 8086:e 2\n environment MOUNT=/disk\n needs ether0\n");
    assert_int_equal(error_count, 0);
    assert_int_equal(m.programs, 1);
    const struct manifest_program *p = &m.program[0];
    assert_string_equal(p->name, "net");
    assert_string_equal(p->file, "bin/other");
    assert_int_equal(p->arguments, 2);
    assert_string_equal(p->argument[1], "x");
    assert_int_equal(p->quota, 99);
    assert_int_equal(p->quota_percent, 0);
    assert_int_equal(p->cpus, 9);
    assert_int_equal(p->ceiling, 20);
    assert_int_equal(p->priority, 7);
    assert_string_equal(p->serves, "net");
    assert_int_equal(p->uses, 4);
    assert_int_equal(p->use[0].needed, 0);
    assert_int_equal(p->use[3].needed, 1);
    assert_string_equal(p->use[3].name, "ether0");
    assert_int_equal(p->devices, 2);
    assert_int_equal(p->device[0].vendor, 0x1af4);
    assert_int_equal(p->device[0].device, 0x1041);
    assert_int_equal(p->device[0].index, 0);
    assert_int_equal(p->device[1].device, 0xe);
    assert_int_equal(p->device[1].index, 2);
    assert_int_equal(p->environments, 1);
    assert_string_equal(p->environment[0], "MOUNT=/disk");
    assert_int_equal(p->use[1].marked, 1);
    assert_int_equal(p->use[2].marked, 0);
    assert_int_equal(p->grants, 3);
    assert_int_equal(p->grant[0].first, 0x3f8);
    assert_int_equal(p->grant[2].kind, GRANT_MEMORY);
    assert_true(p->initrd && p->container && p->main);
    assert_int_equal(p->system, SYSTEM_READ);
    assert_int_equal(p->restart, RESTART_ALWAYS);
    assert_int_equal(p->restart_limit, 3);
}

static void test_manifest_read_defaults(void **state)
{
    (void)state;
    read_text("program x\nprogram y\n ceiling 9\n priority 30\n");
    assert_string_equal(m.program[0].file, "bin/x");
    assert_int_equal(m.program[0].priority, m.program[0].ceiling);
    assert_int_equal(m.program[0].restart, RESTART_NEVER);
    assert_int_equal(m.program[1].priority, 9);
}

static void test_manifest_read_quota_with_percentage(void **state)
{
    (void)state;
    read_text("program a\nquota 64 25%\n");
    assert_int_equal(error_count, 0);
    assert_int_equal(m.program[0].quota, 64);
    assert_int_equal(m.program[0].quota_percent, 25);
    assert_error("program a\nquota 5 6\n", 2, "not a percentage from 0% to 100%: 6");
    assert_error("program a\nquota 5 101%\n", 2, "not a percentage");
    assert_error("program a\nquota 5 %\n", 2, "not a percentage");
    assert_int_equal(m.program[0].quota, 256);
}

static void test_manifest_read_restart_policies(void **state)
{
    (void)state;
    read_text(
        "program a\nrestart on-failure\nprogram b\nrestart on-fault\nprogram c\nrestart never\n");
    assert_int_equal(m.program[0].restart, RESTART_ON_FAILURE);
    assert_int_equal(m.program[1].restart, RESTART_ON_FAULT);
    assert_int_equal(m.program[2].restart, RESTART_NEVER);
}

static void test_manifest_read_bad_devices_and_environment(void **state)
{
    (void)state;
    static const char *const devices[] = {
        "1af4",       "1af4:",       ":1041", "1af4:1041:", "11af4:1041",
        "1af4:11041", "0x1af4:1041", "xyz:1", "-1:1",       "1af4-1041"};
    for (size_t i = 0; i < sizeof devices / sizeof devices[0]; i++) {
        char text[64];
        snprintf(text, sizeof text, "program a\ndevice %s\n", devices[i]);
        assert_error(text, 2, "not VENDOR:DEVICE");
        assert_int_equal(m.program[0].devices, 0);
    }
    assert_error("program a\ndevice 1:2 256\n", 2, "too large");
    assert_error("program a\nenvironment A\n", 2, "not NAME=VALUE: A");
    assert_error("program a\nenvironment =b\n", 2, "not NAME=VALUE");
    assert_error("program a\nenvironment A=b c\n", 2, "too many words");
}

static void test_manifest_read_errors_name_their_line(void **state)
{
    (void)state;
    assert_error("quota 5\n", 1, "belongs to no program");
    assert_error("program a\n\n# c\nfrobnicate\n", 4, "no such word in a manifest: frobnicate");
    assert_error("program a\nquota many\n", 2, "not a number: many");
    assert_error("program a\nquota 5k\n", 2, "not a number: 5k");
    assert_error("program a\nquota\n", 2, "missing");
    assert_error("program a\nquota 5 6% 7\n", 2, "too many words");
    assert_error("program a\npriority 64\n", 2, "too large");
    assert_error("program a\ncpus 64\n", 2, "too large");
    assert_error("program a\nports 65535 2\n", 2, "too large");
    assert_error("program a\nports 5 0\n", 2, "empty range");
    assert_error("program a\nrestart sometimes\n", 2, "none of never");
    assert_error("program a\nsystem write\n", 2, "neither read nor destroy");
    assert_error("program a\nprogram a\n", 2, "already");
    assert_error("program abcdefghijklmnopq\n", 1, "more than 16");
    assert_error("program\n", 1, "missing");
}

static void test_manifest_read_rest_is_used_after_error(void **state)
{
    (void)state;
    read_text("program a\nquota x\nceiling 5\nprogram b\n");
    assert_int_equal(error_count, 1);
    assert_int_equal(m.programs, 2);
    assert_int_equal(m.program[0].quota, 256);
    assert_int_equal(m.program[0].ceiling, 5);
}

static void test_manifest_read_too_much_of_all(void **state)
{
    (void)state;
    char text[4096] = "";
    for (unsigned i = 0; i < 40; i++)
        snprintf(text + strlen(text), sizeof text - strlen(text), "program p%u\n", i);
    assert_error(text, MANIFEST_PROGRAMS + 1, "too many programs");
    assert_int_equal(m.programs, MANIFEST_PROGRAMS);
    memset(text, 'x', 300);
    text[300] = 0;
    assert_error(text, 1, "too long");
    assert_error("program a\nuses 1 2 3 4 5 6 7 8\nuses 9 a b c d e f g\nneeds h\n", 4,
                 "too many endpoints");
    assert_error("program a\ndevice 1:1\ndevice 1:2\ndevice 1:3\ndevice 1:4\ndevice 1:5\n"
                 "device 1:6\ndevice 1:7\ndevice 1:8\ndevice 1:9\n",
                 10, "too many devices");
    assert_error("program a\nenvironment a=\nenvironment a=\nenvironment a=\nenvironment a=\n"
                 "environment a=\nenvironment a=\nenvironment a=\nenvironment a=\nenvironment b=\n",
                 10, "too many environment strings");
    assert_error("program a\na b c d e f g h i j k l m n o p q r\n", 2, "too many words");
}

static void test_manifest_read_random_bytes_is_harmless(void **state)
{
    (void)state;
    static const char *const words[] = {
        "program ",   "a ",    "quota ",      "5 ",      "\n",
        "uses ",      "\xff ", "cpus ",       "ports ",  "99999999999999999999 ",
        "#",          "\r\n",  "restart ",    "always ", "device ",
        "1af4:1041 ", "5% ",   "environment "};
    uint64_t seed = 88172645463325252u;
    for (int round = 0; round < 5000; round++) {
        char text[1024] = "";
        for (int n = 0; n < 30; n++) {
            seed ^= seed << 13;
            seed ^= seed >> 7;
            seed ^= seed << 17;
            strcat(text, words[seed % (sizeof words / sizeof words[0])]);
        }
        read_text(text);
        assert_true(m.programs <= MANIFEST_PROGRAMS);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_manifest_read_all_words),
        cmocka_unit_test(test_manifest_read_defaults),
        cmocka_unit_test(test_manifest_read_quota_with_percentage),
        cmocka_unit_test(test_manifest_read_restart_policies),
        cmocka_unit_test(test_manifest_read_bad_devices_and_environment),
        cmocka_unit_test(test_manifest_read_errors_name_their_line),
        cmocka_unit_test(test_manifest_read_rest_is_used_after_error),
        cmocka_unit_test(test_manifest_read_too_much_of_all),
        cmocka_unit_test(test_manifest_read_random_bytes_is_harmless),
    };
    return cmocka_run_group_tests_name("lib_manifest", tests, NULL, NULL);
}
