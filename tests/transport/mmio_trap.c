/*
 * Makes words of a mapped file behave as registers: preloaded, it lets every access to them fault, asks the register
 * model (register_model.py), and steps over the one instruction. An access of another size or alignment ends the
 * program. x86-64 Linux only.
 *
 * TRAP_FILE is the file, TRAP_OFFSET where in it the registers begin.
 */
#define _GNU_SOURCE
#include "model_link.h"

#include <dlfcn.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <ucontext.h>
#include <unistd.h>

enum { WRITES = 2, STEP = 0x100 };
#define BESIDE 0x5a5a5a5au

static uint8_t *base;
static size_t size;
static volatile uint32_t *accessed;
static int writes;

static void protect(int how) { mprotect(base, size, how); }

static void on_fault(int number, siginfo_t *info, void *context)
{
    greg_t *registers = ((ucontext_t *)context)->uc_mcontext.gregs;
    uint8_t *address = info->si_addr;
    if (address < base || address >= base + size || accessed) {
        signal(number, SIG_DFL); /* somebody else's fault, or an access across two words */
        return;
    }
    if ((uintptr_t)address % 4)
        _exit(96);
    accessed = (volatile uint32_t *)address;
    writes = (registers[REG_ERR] & WRITES) != 0;
    protect(PROT_READ | PROT_WRITE);
    if (writes && address + 4 < base + size)
        accessed[1] = BESIDE;
    if (!writes)
        *accessed = model_access(0, (uint32_t)(address - base), 0);
    registers[REG_EFL] |= STEP;
}

static void on_step(int number, siginfo_t *info, void *context)
{
    (void)number, (void)info;
    ((ucontext_t *)context)->uc_mcontext.gregs[REG_EFL] &= ~(greg_t)STEP;
    if (writes) {
        if ((uint8_t *)(accessed + 1) < base + size && accessed[1] != BESIDE)
            _exit(95);
        model_access(1, (uint32_t)((uint8_t *)accessed - base), *accessed);
    }
    accessed = NULL;
    protect(PROT_NONE);
}

static void watch(void *address, size_t length)
{
    struct sigaction action = {.sa_flags = SA_SIGINFO};
    base = address, size = length;
    action.sa_sigaction = on_fault;
    sigaction(SIGSEGV, &action, NULL);
    action.sa_sigaction = on_step;
    sigaction(SIGTRAP, &action, NULL);
    protect(PROT_NONE);
}

static int is_trapped(int file, off_t offset)
{
    const char *wanted = getenv("TRAP_FILE"), *at = getenv("TRAP_OFFSET");
    char link[64], path[PATH_MAX];
    snprintf(link, sizeof link, "/proc/self/fd/%d", file);
    ssize_t length = file < 0 || !wanted || !at ? -1 : readlink(link, path, sizeof path - 1);
    if (length < 0 || offset != (off_t)strtoul(at, NULL, 0))
        return 0;
    path[length] = 0;
    return strcmp(path, wanted) == 0;
}

typedef void *Map(void *, size_t, int, int, int, off_t);

static void *map(const char *name, void *address, size_t length, int protection, int flags, int file, off_t offset)
{
    Map *real;
    *(void **)&real = dlsym(RTLD_NEXT, name);
    void *mapped = real(address, length, protection, flags, file, offset);
    if (mapped != MAP_FAILED && is_trapped(file, offset))
        watch(mapped, length);
    return mapped;
}

void *mmap(void *address, size_t length, int protection, int flags, int file, off_t offset)
{
    return map("mmap", address, length, protection, flags, file, offset);
}

void *mmap64(void *address, size_t length, int protection, int flags, int file, off64_t offset)
{
    return map("mmap64", address, length, protection, flags, file, offset);
}
