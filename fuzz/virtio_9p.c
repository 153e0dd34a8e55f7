/* SPDX-License-Identifier: MIT */
/*
 * libFuzzer target: the virtio-9p model and the shared folder behind it under a guest that sends any messages, most of them
 * with a head that fits. The folder lies in another, of which nothing may be read, changed or added to.
 */
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "arch/hosted/virtio_9p.h"
#include "fuzz/model.h"
#include "tests/unit/virtio_guest.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define REQUEST GUEST_DATA
#define REPLY (GUEST_DATA + 0x4000)
#define BODY_MAX 96u
#define RUNS_BETWEEN_CLEANINGS 256u
#define SECRET "SECRET-TEXT"

static char outer[] = "/tmp/atmos-fuzz-XXXXXX";

static void check(bool condition)
{
    if (!condition) {
        abort();
    }
}

static void clean(void)
{
    char command[96];

    snprintf(command, sizeof command, "chmod -Rf u+rwX %s/in; rm -rf %s/in", outer, outer);
    check(system(command) == 0);
    snprintf(command, sizeof command, "%s/in", outer);
    check(mkdir(command, 0700) == 0);
    snprintf(command, sizeof command, "%s/in/up", outer);
    check(symlink("..", command) == 0);
}

static void remove_all(void)
{
    char command[96];

    snprintf(command, sizeof command, "chmod -Rf u+rwX %s; rm -rf %s", outer, outer);
    (void)!system(command);
}

static void start(void)
{
    char name[64];
    FILE *f;

    check(mkdtemp(outer) != NULL);
    atexit(remove_all);
    snprintf(name, sizeof name, "%s/secret", outer);
    f = fopen(name, "w");
    check(f != NULL && fputs(SECRET, f) >= 0 && fclose(f) == 0);
    clean();
}

/* The outer folder has the secret, the inner one, and nothing else. */
static void outer_check(void)
{
    char name[64], text[32] = "";
    DIR *folder = opendir(outer);
    uint32_t entries = 0;
    int file;

    while (readdir(folder) != NULL) {
        entries++;
    }
    closedir(folder);
    snprintf(name, sizeof name, "%s/secret", outer);
    file = open(name, O_RDONLY);
    check(entries == 4 && file >= 0 && read(file, text, sizeof text) == sizeof SECRET - 1);
    check(memcmp(text, SECRET, sizeof SECRET - 1) == 0);
    close(file);
}

/* A message of any type with any fields, most often with its true size. */
static void message_send(void)
{
    uint32_t bytes = 7 + model_next(1) % BODY_MAX, type = model_next(1), head, used;
    uint32_t size = type == 0 ? model_next(4) : bytes;
    const struct guest_piece piece[] = {{REQUEST, bytes, false}, {REPLY, 0x2000, true}};

    memcpy(guest_ram + REQUEST, &size, 4);
    guest_ram[REQUEST + 4] = (uint8_t)type;
    for (uint32_t i = 5; i < bytes; i++) {
        guest_ram[REQUEST + i] = (uint8_t)model_next(1);
    }
    guest_offer(0, 0, piece, 2);
    if (guest_used(0, &head, &used)) {
        check(used <= 0x2000 && memmem(guest_ram + REPLY, used, SECRET, sizeof SECRET - 1) == NULL);
    }
}

static void session_begin(void)
{
    static const uint8_t version[] = "\x15\0\0\0\x64\0\0\0\x20\0\0\x08\0"
                                     "9P2000.L";
    static const uint8_t attach[] = "\x17\0\0\0\x68\0\0\1\0\0\0\xff\xff\xff\xff\0\0\0\0\0\0\0\0";
    const struct guest_piece piece[] = {{REQUEST, 21, false}, {REPLY, 0x2000, true}};
    const struct guest_piece second[] = {{REQUEST, 23, false}, {REPLY, 0x2000, true}};
    uint32_t head, used;

    memcpy(guest_ram + REQUEST, version, 21);
    guest_offer(0, 0, piece, 2);
    check(guest_used(0, &head, &used));
    memcpy(guest_ram + REQUEST, attach, 23);
    guest_offer(0, 0, second, 2);
    check(guest_used(0, &head, &used) && guest_ram[REPLY + 4] == 105);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static uint32_t runs;
    char name[64];
    struct share *share;

    if (runs == 0) {
        start();
    } else if (runs % RUNS_BETWEEN_CLEANINGS == 0) {
        clean();
    }
    runs++;
    model_input(data, size);
    guest_clear();
    snprintf(name, sizeof name, "%s/in", outer);
    share = share_open(name, false);
    check(share != NULL && ninep_add(share, "share") && guest_find());
    (void)guest_start(1, 1);
    session_begin();
    while (model_more()) {
        uint32_t what = model_next(1);

        if (what < 8) {
            model_step(what % MODEL_STEPS, 1, 4097);
        } else {
            message_send();
        }
    }
    ninep_remove();
    share_close(share);
    outer_check();
    return 0;
}
