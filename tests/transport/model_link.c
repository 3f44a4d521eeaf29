/* Registers of the register model (register_model.py), for C: one access a message, over a Unix socket. */
#define _POSIX_C_SOURCE 200809L
#include "model_link.h"

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static int model = -1;

static void connect_model(void)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    const char *path = getenv("REGISTER_MODEL");
    strncpy(address.sun_path, path ? path : "", sizeof address.sun_path - 1);
    model = socket(AF_UNIX, SOCK_STREAM, 0);
    if (connect(model, (struct sockaddr *)&address, sizeof address) != 0)
        _exit(99);
}

uint32_t model_access(int write_it, uint32_t offset, uint32_t value)
{
    uint32_t request[3] = {(uint32_t)write_it, offset, value}, answer;
    if (model < 0)
        connect_model();
    if (write(model, request, sizeof request) != sizeof request || read(model, &answer, sizeof answer) != sizeof answer)
        _exit(98);
    return answer;
}
