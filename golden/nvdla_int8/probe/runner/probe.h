/* Probes of an NVDLA on bare metal: probe_run.c runs the tables of probe_tables.c and leaves nvdla_probe_results. */
#ifndef NVDLA_PROBE_H
#define NVDLA_PROBE_H

#include <stdint.h>

/* What the board gives. Register offsets are bytes from the NVDLA's base, addresses those of the NVDLA's memory. */
struct nvdla_board {
    void (*write)(uint32_t offset, uint32_t value);
    uint32_t (*read)(uint32_t offset);
    uint8_t *(*memory)(uint32_t address); /* where the CPU sees this byte, and those behind it */
    void (*sleep)(void);                  /* until the interrupt line is high; may return early; may be 0: polling */
    void (*flush)(uint32_t address, uint32_t bytes);      /* CPU caches to memory; may be 0: no caches */
    void (*invalidate)(uint32_t address, uint32_t bytes); /* memory to CPU, past the caches; may be 0: no caches */
    int (*reset)(void);                 /* reset the NVDLA, wait 16 cycles and more, return 1; may be 0: no way to */
    void (*print)(const char *text);    /* may be 0: no console */
    uint32_t patience;                  /* reads of a register that is waited for before it counts as hung */
};

enum { NVDLA_PROBE_WRITE = 0, NVDLA_PROBE_POLL = 1, NVDLA_PROBE_WAIT = 2 };

/* WRITE value to a register; POLL it until it holds value; WAIT until the bits of value are set in it, then write them
   back to clear the interrupt. */
struct nvdla_probe_operation {
    uint16_t kind;
    uint16_t offset;
    uint32_t value;
};

struct nvdla_probe_region {
    uint32_t address;
    uint32_t bytes;
    const uint8_t *data;
};

struct nvdla_probe {
    const char *name;
    const struct nvdla_probe_region *images;
    uint32_t image_count;
    const struct nvdla_probe_region *outputs;
    uint32_t output_count;
    const struct nvdla_probe_operation *operations;
    uint32_t operation_count;
};

extern const struct nvdla_probe nvdla_probes[];
extern const uint32_t nvdla_probe_count;
extern const uint32_t nvdla_probe_set; /* which set of probes this is: CRC-32 of all names and expected bytes */

enum {
    NVDLA_PROBE_NOT_RUN = 0, /* one before it hung, and the board has no reset */
    NVDLA_PROBE_RAN = 1,
    NVDLA_PROBE_HUNG = 2, /* an interrupt did not come */
    NVDLA_PROBE_NONE = -1
};

/* All results: a header, a row for each probe, then the bytes found where outputs are, probe after probe. */
#define NVDLA_PROBE_MAGIC 0x4250564eu /* "NVPB" on a little-endian CPU */
#define NVDLA_PROBE_VERSION 1u
#define NVDLA_PROBE_HEADER_WORDS 8u /* magic, version, set, probes, rows' words, found bytes, 1 when done, 0 */
#define NVDLA_PROBE_ROW_WORDS 8u    /* as below */

struct nvdla_probe_row {
    uint32_t state;
    uint32_t operation; /* index of the first operation whose value did not come; 0xffffffff: all came */
    uint32_t value;     /* what its register held in the end */
    uint32_t wrong;     /* wrong bytes of the outputs */
    uint32_t address;   /* of the first of them */
    uint32_t expected;
    uint32_t found;
    uint32_t crc; /* CRC-32 of all bytes found */
};

extern uint32_t nvdla_probe_results[];
extern const uint32_t nvdla_probe_results_bytes;
extern const uint32_t nvdla_probe_found_bytes;

/* Run all probes; how many are not sound. */
uint32_t nvdla_probe_run(const struct nvdla_board *board);

#endif
