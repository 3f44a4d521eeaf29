/*
 * nvdla_board.h on a board that runs Linux: registers and memory through /dev/mem, the interrupt looked for.
 *
 *     NVDLA_REGISTERS=0x40000000 NVDLA_MEMORY=0x70000000 NVDLA_BUS=0x80000000 ./nvdla_bridge 7654 0x80000000 0x1000000
 *
 * NVDLA_REGISTERS is the physical address of the registers; NVDLA_MEMORY that of the memory whose bus address is
 * NVDLA_BUS, NVDLA_BYTES long (16 MiB unless it is given); NVDLA_FILE is in place of /dev/mem.
 */
#define _POSIX_C_SOURCE 200809L
#define _FILE_OFFSET_BITS 64
#include "nvdla_board.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

enum { REGISTER_BYTES = 0x10000, USUAL_BYTES = 1 << 24 };

static unsigned long long setting(const char *name, unsigned long long usual)
{
    const char *text = getenv(name);
    return text ? strtoull(text, NULL, 0) : usual;
}

static void *map(unsigned long long address, size_t bytes)
{
    const char *path = getenv("NVDLA_FILE");
    int file = open(path ? path : "/dev/mem", O_RDWR | O_SYNC);
    void *mapped = file < 0 ? MAP_FAILED
                            : mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, file, (off_t)address);
    if (mapped == MAP_FAILED) {
        perror(path ? path : "/dev/mem");
        exit(1);
    }
    close(file);
    return mapped;
}

static volatile uint32_t *registers(void)
{
    static volatile uint32_t *mapped;
    if (!mapped)
        mapped = map(setting("NVDLA_REGISTERS", 0), REGISTER_BYTES);
    return mapped;
}

void nvdla_write(uint32_t offset, uint32_t value) { registers()[offset / 4] = value; }
uint32_t nvdla_read(uint32_t offset) { return registers()[offset / 4]; }

uint8_t *nvdla_memory(uint32_t address)
{
    static uint8_t *mapped;
    unsigned long long memory = setting("NVDLA_MEMORY", 0);
    if (!mapped)
        mapped = map(memory, (size_t)setting("NVDLA_BYTES", USUAL_BYTES));
    return mapped + (address - setting("NVDLA_BUS", memory));
}

void nvdla_sleep(void)
{
    struct timespec one_millisecond = {0, 1000000};
    nanosleep(&one_millisecond, NULL);
}
