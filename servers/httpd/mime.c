/* SPDX-License-Identifier: MIT */
/*
 * MIME types by the end of a name.
 */
#include "http.h"
#include <string.h>

static const struct {
    const char *ending;
    const char *type;
} types[] = {
    {"html", "text/html; charset=utf-8"},
    {"htm", "text/html; charset=utf-8"},
    {"css", "text/css; charset=utf-8"},
    {"js", "text/javascript; charset=utf-8"},
    {"mjs", "text/javascript; charset=utf-8"},
    {"json", "application/json"},
    {"txt", "text/plain; charset=utf-8"},
    {"md", "text/plain; charset=utf-8"},
    {"c", "text/plain; charset=utf-8"},
    {"h", "text/plain; charset=utf-8"},
    {"s", "text/plain; charset=utf-8"},
    {"sh", "text/plain; charset=utf-8"},
    {"py", "text/plain; charset=utf-8"},
    {"log", "text/plain; charset=utf-8"},
    {"conf", "text/plain; charset=utf-8"},
    {"csv", "text/csv; charset=utf-8"},
    {"xml", "application/xml"},
    {"svg", "image/svg+xml"},
    {"png", "image/png"},
    {"jpg", "image/jpeg"},
    {"jpeg", "image/jpeg"},
    {"gif", "image/gif"},
    {"webp", "image/webp"},
    {"ico", "image/x-icon"},
    {"bmp", "image/bmp"},
    {"pdf", "application/pdf"},
    {"wasm", "application/wasm"},
    {"zip", "application/zip"},
    {"gz", "application/gzip"},
    {"tar", "application/x-tar"},
    {"xz", "application/x-xz"},
    {"mp3", "audio/mpeg"},
    {"ogg", "audio/ogg"},
    {"wav", "audio/wav"},
    {"mp4", "video/mp4"},
    {"webm", "video/webm"},
    {"woff", "font/woff"},
    {"woff2", "font/woff2"},
    {"ttf", "font/ttf"},
};

const char *http_type(const char *name)
{
    const char *slash = strrchr(name, '/');
    const char *file = slash == NULL ? name : slash + 1;
    const char *dot = strrchr(file, '.');
    if (dot != NULL) {
        struct http_text ending = {dot + 1, strlen(dot + 1)};
        for (size_t i = 0; i < sizeof types / sizeof types[0]; i++)
            if (http_text_is(ending, types[i].ending))
                return types[i].type;
    }
    return strncmp(name, "/etc/", 5) == 0 ? "text/plain; charset=utf-8" : "application/octet-stream";
}
