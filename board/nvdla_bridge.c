/*
 * The board's side of the TCP bridge: one client at a time reads and writes registers and memory (docs/bridge.md).
 *
 *     cc -std=c99 -o nvdla_bridge nvdla_bridge.c your_board.c
 *     ./nvdla_bridge PORT MEMORY_BASE MEMORY_BYTES
 *
 * It needs four functions of the board (nvdla_board.h) and POSIX sockets, which lwIP has too. Nobody is asked who he
 * is: for a bench, not for a network.
 */
#define _POSIX_C_SOURCE 200809L
#include "nvdla_board.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

enum { VERSION = 1, HEADER = 24, CHECK = 4, MOST = 4096, REGISTERS = 0x10000 };
enum { REST_SECONDS = 10, IDLE_SECONDS = 600, MOST_WAIT_MS = 1000 };
enum { HELLO = 1, READ_REGISTER, WRITE_REGISTER, READ_MEMORY, WRITE_MEMORY, WAIT_FOR_INTERRUPT };
enum { DONE, BAD_REQUEST, UNKNOWN_COMMAND, OUT_OF_RANGE };
enum { INTR_MASK = 0x1004, INTR_STATUS = 0x100c };

static uint32_t memory_base, memory_bytes;
static uint32_t words[(HEADER + MOST + CHECK) / 4]; /* one message, aligned for copying memory */
#define message ((uint8_t *)words)
#define payload (message + HEADER)

static void put(uint8_t *to, uint64_t value, int bytes)
{
    for (int index = 0; index < bytes; index++)
        to[index] = (uint8_t)(value >> 8 * index);
}

static uint64_t get(const uint8_t *from, int bytes)
{
    uint64_t value = 0;
    for (int index = 0; index < bytes; index++)
        value |= (uint64_t)from[index] << 8 * index;
    return value;
}

static uint32_t crc32(const uint8_t *data, size_t size)
{
    uint32_t crc = 0xffffffffu;
    while (size--) {
        crc ^= *data++;
        for (int bit = 0; bit < 8; bit++)
            crc = crc >> 1 ^ (crc & 1 ? 0xedb88320u : 0);
    }
    return ~crc;
}

/* Whether all bytes came; a client is given up that sends nothing for so long, or that stops within a message. */
static int receive(int client, uint8_t *to, size_t size, int seconds)
{
    struct timeval limit = {seconds, 0};
    while (size) {
        setsockopt(client, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
        ssize_t got = recv(client, to, size, 0);
        if (got <= 0)
            return 0;
        limit.tv_sec = REST_SECONDS;
        to += got;
        size -= (size_t)got;
    }
    return 1;
}

/* The request's header serves the answer too: command, number and address stand in both. */
static int answer(int client, int status, size_t size)
{
    memcpy(message, "NVB", 3);
    message[3] = VERSION;
    message[5] = (uint8_t)status;
    put(message + 6, 0, 2);
    put(message + 12, size, 4);
    put(payload + size, crc32(message, HEADER + size), CHECK);
    const uint8_t *from = message;
    for (size_t left = HEADER + size + CHECK; left;) {
        ssize_t sent = send(client, from, left, 0);
        if (sent <= 0)
            return 0;
        from += sent;
        left -= (size_t)sent;
    }
    return 1;
}

static int refuse(int client, int status, const char *why)
{
    memcpy(payload, why, strlen(why));
    return answer(client, status, strlen(why));
}

static int in_memory(uint64_t address, uint64_t size)
{
    return address >= memory_base && size <= memory_bytes && address - memory_base <= memory_bytes - size;
}

/* Memory may be mapped as a device's: whole words where they are aligned. */
static void copy(volatile uint8_t *to, const volatile uint8_t *from, size_t size)
{
    while (size) {
        if (size >= 4 && ((uintptr_t)to & 3) == 0 && ((uintptr_t)from & 3) == 0) {
            *(volatile uint32_t *)to = *(const volatile uint32_t *)from;
            to += 4, from += 4, size -= 4;
        } else {
            *to++ = *from++, size--;
        }
    }
}

static uint32_t interrupt_is_up(void) { return (nvdla_read(INTR_STATUS) & ~nvdla_read(INTR_MASK)) != 0; }

static uint32_t wait_for_interrupt(uint32_t milliseconds)
{
    struct timespec start, now;
    clock_gettime(CLOCK_MONOTONIC, &start);
    if (milliseconds > MOST_WAIT_MS)
        milliseconds = MOST_WAIT_MS;
    while (!interrupt_is_up()) {
        clock_gettime(CLOCK_MONOTONIC, &now);
        if ((now.tv_sec - start.tv_sec) * 1000 + (now.tv_nsec - start.tv_nsec) / 1000000 >= (long)milliseconds)
            return 0;
        nvdla_sleep();
    }
    return 1;
}

static int greet(int client)
{
    static const char name[] = "nvdla_bridge.c";
    put(payload, MOST, 4);
    put(payload + 4, REGISTERS, 4);
    put(payload + 8, memory_base, 8);
    put(payload + 16, memory_bytes, 8);
    memcpy(payload + 24, name, sizeof name - 1);
    return answer(client, DONE, 24 + sizeof name - 1);
}

/* One request that arrived whole; whether the connection still stands. */
static int serve(int client, size_t size)
{
    uint64_t address = get(message + 16, 8);
    int command = message[4];
    if (command == HELLO)
        return greet(client);
    if (command == READ_REGISTER || command == WRITE_REGISTER) {
        if (size != (command == WRITE_REGISTER ? 4 : 0))
            return refuse(client, BAD_REQUEST, "a register has 4 bytes");
        if (address % 4 || address >= REGISTERS)
            return refuse(client, OUT_OF_RANGE, "no register has this address");
        if (command == WRITE_REGISTER) {
            nvdla_write((uint32_t)address, (uint32_t)get(payload, 4));
            return answer(client, DONE, 0);
        }
        put(payload, nvdla_read((uint32_t)address), 4);
        return answer(client, DONE, 4);
    }
    if (command == READ_MEMORY) {
        uint64_t wanted = size == 4 ? get(payload, 4) : MOST + 1;
        if (wanted > MOST)
            return refuse(client, BAD_REQUEST, "that many bytes cannot be asked for");
        if (!in_memory(address, wanted))
            return refuse(client, OUT_OF_RANGE, "the memory does not reach there");
        if (wanted)
            copy(payload, nvdla_memory((uint32_t)address), (size_t)wanted);
        return answer(client, DONE, (size_t)wanted);
    }
    if (command == WRITE_MEMORY) {
        if (!in_memory(address, size))
            return refuse(client, OUT_OF_RANGE, "the memory does not reach there");
        if (size)
            copy(nvdla_memory((uint32_t)address), payload, size);
        return answer(client, DONE, 0);
    }
    if (command == WAIT_FOR_INTERRUPT) {
        if (size != 4)
            return refuse(client, BAD_REQUEST, "a time has 4 bytes");
        put(payload, wait_for_interrupt((uint32_t)get(payload, 4)), 4);
        return answer(client, DONE, 4);
    }
    return refuse(client, UNKNOWN_COMMAND, "there is no such command");
}

/* Nothing behind a message that makes no sense can be understood: say so, and let the answer arrive before closing. */
static void hang_up(int client, const char *why)
{
    refuse(client, BAD_REQUEST, why);
    shutdown(client, SHUT_WR);
    for (int reads = 0; reads < 16 && recv(client, words, sizeof words, 0) > 0; reads++)
        ;
}

static void serve_client(int client)
{
    for (;;) {
        if (!receive(client, message, HEADER, IDLE_SECONDS))
            return;
        size_t size = (size_t)get(message + 12, 4);
        if (memcmp(message, "NVB", 3) != 0 || message[3] != VERSION || size > MOST) {
            hang_up(client, "this is version 1, with up to 4096 bytes a message");
            return;
        }
        if (!receive(client, payload, size + CHECK, REST_SECONDS))
            return;
        if (get(payload + size, CHECK) != crc32(message, HEADER + size)) {
            hang_up(client, "the CRC-32 is wrong");
            return;
        }
        if (!serve(client, size))
            return;
    }
}

static int number(const char *text, uint32_t *value)
{
    char *end;
    unsigned long long found = strtoull(text, &end, 0);
    *value = (uint32_t)found;
    return *text && *text != '-' && !*end && found <= 0xffffffffu;
}

int main(int count, char **arguments)
{
    uint32_t port;
    if (count != 4 || !number(arguments[1], &port) || port > 65535 || !number(arguments[2], &memory_base)
        || !number(arguments[3], &memory_bytes)) {
        fprintf(stderr, "usage: %s PORT MEMORY_BASE MEMORY_BYTES\n", arguments[0]);
        return 2;
    }
    signal(SIGPIPE, SIG_IGN);
    int on = 1, listener = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    socklen_t length = sizeof address;
    address.sin_addr.s_addr = htonl(INADDR_ANY);
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (listener < 0 || bind(listener, (struct sockaddr *)&address, sizeof address) != 0 || listen(listener, 1) != 0
        || getsockname(listener, (struct sockaddr *)&address, &length) != 0) {
        perror("nvdla_bridge");
        return 1;
    }
    printf("port %u\n", (unsigned)ntohs(address.sin_port));
    fflush(stdout);
    for (;;) {
        int client = accept(listener, NULL, NULL);
        if (client < 0)
            continue;
        setsockopt(client, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        setsockopt(client, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
        serve_client(client);
        close(client);
    }
}
