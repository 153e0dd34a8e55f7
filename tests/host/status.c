/* SPDX-License-Identifier: MIT */
/*
 * Stands in for servers/httpd/status.c, which asks a kernel that the build machine has not. Test only.
 */
#include "servers/httpd/site.h"
#include <stdio.h>

size_t status_json(char *to, size_t room)
{
    return (size_t)snprintf(to, room, "{\"system\":null}\n");
}
