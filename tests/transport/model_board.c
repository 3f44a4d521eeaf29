/* A board whose registers are the register model's, and whose memory is a file: nvdla_board.h. */
#define _POSIX_C_SOURCE 200809L
#include "model_link.h"
#include "nvdla_board.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

void nvdla_write(uint32_t offset, uint32_t value) { model_access(1, offset, value); }
uint32_t nvdla_read(uint32_t offset) { return model_access(0, offset, 0); }

uint8_t *nvdla_memory(uint32_t address)
{
    static uint8_t *memory;
    if (!memory) {
        int file = open(getenv("MODEL_MEMORY"), O_RDWR);
        memory = mmap(NULL, strtoul(getenv("MODEL_BYTES"), NULL, 0), PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
        if (memory == MAP_FAILED)
            _exit(97);
    }
    return memory + (address - strtoul(getenv("MODEL_BASE"), NULL, 0));
}

void nvdla_sleep(void)
{
    struct timespec one_millisecond = {0, 1000000};
    nanosleep(&one_millisecond, NULL);
}
