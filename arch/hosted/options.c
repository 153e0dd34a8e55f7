/* SPDX-License-Identifier: MIT */
/*
 * The command line. Every message names what is wrong and what would be right, and goes to standard error with status 2;
 * --help goes to standard output.
 */
#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "arch/hosted/lie.h"
#include "arch/hosted/native.h"
#include "arch/hosted/network.h"
#include "arch/hosted/rtc.h"

#define MEGABYTE 0x100000u
#define MEMORY_DEFAULT (128u * (uint64_t)MEGABYTE)
#define MEMORY_LEAST (4u * (uint64_t)MEGABYTE)
#define MEMORY_MOST ((uint64_t)FRAMES_MAX * PAGE_SIZE)

struct options options;

static const char help_text[] =
    "usage: atmos-hosted [OPTION]...\n"
    "Runs the Atmosphere kernel and its programs as a process, on this terminal.\n"
    "\n"
    "  --command TEXT   run these shell commands (\"ls; ps\") and exit with their status\n"
    "  --memory SIZE    memory of the machine, 4M to 64G (default 128M)\n"
    "  --initrd FILE    initial ramdisk, a newc cpio archive (default ../user/initrd.cpio\n"
    "                   beside the folder of this program)\n"
    "  --trace          print every system call on standard error\n"
    "  --check          check all invariants after every entry of the kernel\n"
    "  --real-time      use the host's clock; else time is logical and runs are repeatable\n"
    "  --date DATE      what the machine's clock shows at the start, in UTC, such as\n"
    "                   2026-01-01T00:00:00, which is the default; that of --real-time is the\n"
    "                   host's; none: a machine without a clock\n"
    "  --net            a network card on a user network: 10.0.2.15 for the guest by DHCP,\n"
    "                   10.0.2.2 is this host; time is then the host's\n"
    "  --forward HOSTADDR:PORT:GUESTPORT\n"
    "                   leads a TCP port of the host to the guest; if it is taken, the next\n"
    "                   free one; repeatable\n"
    "  --net-loss P%    loses frames, both ways; --net-reorder P%: later ones overtake them;\n"
    "  --net-delay MS   all arrive later\n"
    "  --seed N         logical time moves in random steps that depend on N; and the seed of\n"
    "                   the network's faults\n"
    "  --disk FILE[,ro] a virtio disk on this file; up to 16 times. With --seed its answers come\n"
    "                   late and out of order\n"
    "  --share DIR[,ro] a folder of the host, served to the guest over virtio-9p\n"
    "  --rng            a virtio source of random numbers; comes with any other device, too\n"
    "  --lie KIND[,N[,M]]  virtio devices that lie, about once in N (64) chances, M times,\n"
    "                   as --seed says\n"
    "  --help           this text\n";

static _Noreturn void refuse(const char *option, const char *text, const char *right)
{
    fprintf(stderr, "atmos-hosted: %s \"%s\": %s\n", option, text, right);
    exit(2);
}

static uint64_t number_read(const char *option, const char *text, const char *right, char **end)
{
    unsigned long long value;

    errno = 0;
    value = strtoull(text, end, 10);
    if (errno != 0 || *end == text || text[0] == '-') {
        refuse(option, text, right);
    }
    return value;
}

static uint64_t memory_read(const char *text)
{
    static const char right[] = "a size from 4M to 64G is needed, such as 128M";
    static const char units[] = "KMGkmg";
    char *end;
    uint64_t value = number_read("--memory", text, right, &end);
    const char *unit = *end == 0 ? NULL : strchr(units, *end);
    uint64_t scale = *end == 0 ? 1 : unit == NULL ? 0 : 1024ull << ((unit - units) % 3 * 10);

    if (scale == 0 || strpbrk(text, "xX") != NULL || (unit != NULL && end[1] != 0) ||
        value > MEMORY_MOST / scale || value * scale < MEMORY_LEAST) {
        refuse("--memory", text, right);
    }
    return value * scale / PAGE_SIZE * PAGE_SIZE;
}

static uint64_t seed_read(const char *text)
{
    char *end;
    uint64_t value = number_read("--seed", text, "a number is needed", &end);

    if (*end != 0) {
        refuse("--seed", text, "a number is needed");
    }
    return value;
}

static void date_take(const char *text)
{
    options.date = strcmp(text, "none") == 0 ? DATE_NONE : DATE_GIVEN;
    if (options.date == DATE_GIVEN && !rtc_date_read(text, &options.date_given)) {
        refuse("--date", text,
               "a date from 1970 to 2199 is needed, such as 2026-01-01T00:00:00, or none");
    }
}

/* FILE or FILE,ro: the comma of the argument ends the name. */
static struct option_file file_read(const char *option, char *text)
{
    char *comma = strrchr(text, ',');
    bool read_only = comma != NULL && strcmp(comma, ",ro") == 0;

    if (read_only) {
        *comma = 0;
    }
    if (*text == 0) {
        refuse(option, text, "a name is needed");
    }
    return (struct option_file){text, read_only};
}

static void disk_read(char *text)
{
    if (options.disks == OPTION_DISKS) {
        refuse("--disk", text, "16 disks are the most");
    }
    options.disk[options.disks++] = file_read("--disk", text);
}

/* build/hosted/atmos-hosted finds build/user/initrd.cpio. */
static const char *initrd_default(void)
{
    static char path[PATH_MAX + 32];
    ssize_t length = readlink("/proc/self/exe", path, PATH_MAX - 1);
    char *slash;

    path[length < 0 ? 0 : length] = 0;
    slash = strrchr(path, '/');
    strcpy(slash == NULL ? path : slash + 1, "../user/initrd.cpio");
    return path;
}

static void option_take(int option, char *text)
{
    const char *right;

    switch (option) {
    case 'm':
        options.memory = memory_read(text);
        break;
    case 'i':
        options.initrd = text;
        break;
    case 'c':
        options.command = text;
        break;
    case 's':
        options.seed = seed_read(text);
        options.seeded = true;
        break;
    case 't':
        options.trace = true;
        break;
    case 'k':
        options.check = true;
        break;
    case 'r':
        options.real_time = true;
        break;
    case NETWORK_OPTION_ON:
    case NETWORK_OPTION_FORWARD:
    case NETWORK_OPTION_LOSS:
    case NETWORK_OPTION_DELAY:
    case NETWORK_OPTION_REORDER:
        right = network_option(option, text);
        if (right != NULL) {
            refuse(network_option_name(option), text, right);
        }
        options.real_time = true;
        break;
    case 'u':
        date_take(text);
        break;
    case 'd':
        disk_read(text);
        break;
    case 'f':
        options.share = file_read("--share", text);
        break;
    case 'g':
        options.rng = true;
        break;
    case 'l':
        options.lie = text;
        break;
    case 'h':
        fputs(help_text, stdout);
        lie_help();
        exit(0);
    default:
        fputs("atmos-hosted: --help lists the options\n", stderr);
        exit(2);
    }
}

void options_read(int argc, char **argv)
{
    static const struct option table[] = {{"memory", required_argument, NULL, 'm'},
                                          {"initrd", required_argument, NULL, 'i'},
                                          {"command", required_argument, NULL, 'c'},
                                          {"seed", required_argument, NULL, 's'},
                                          {"trace", no_argument, NULL, 't'},
                                          {"check", no_argument, NULL, 'k'},
                                          {"real-time", no_argument, NULL, 'r'},
                                          {"help", no_argument, NULL, 'h'},
                                          {"date", required_argument, NULL, 'u'},
                                          {"disk", required_argument, NULL, 'd'},
                                          {"share", required_argument, NULL, 'f'},
                                          {"rng", no_argument, NULL, 'g'},
                                          {"lie", required_argument, NULL, 'l'},
                                          NETWORK_LONG_OPTIONS,
                                          {NULL, 0, NULL, 0}};
    static char nothing[] = "";
    int option;

    options.memory = MEMORY_DEFAULT;
    options.command = "";
    while ((option = getopt_long(argc, argv, "", table, NULL)) != -1) {
        option_take(option, optarg == NULL ? nothing : optarg);
    }
    if (optind < argc) {
        refuse("argument", argv[optind],
               "nothing but options is expected; commands go into --command");
    }
    if (options.initrd == NULL) {
        options.initrd = initrd_default();
    }
    if (strlen(options.command) >= sizeof((struct atm_boot_info *)0)->command) {
        refuse("--command", options.command, "it is longer than 1023 bytes; put it into a script");
    }
}
