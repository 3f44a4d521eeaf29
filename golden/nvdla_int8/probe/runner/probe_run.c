/* Runs the probes of probe_tables.c on a board; C99, no library. */
#include "probe.h"

#define DONE_WORD 6u

static uint32_t crc_32(uint32_t crc, uint8_t byte)
{
    crc ^= byte;
    for (int bit = 0; bit < 8; bit++)
        crc = (crc >> 1) ^ (0xedb88320u & (0u - (crc & 1u)));
    return crc;
}

static int comes(const struct nvdla_board *board, const struct nvdla_probe_operation *operation, uint32_t *value)
{
    for (uint32_t reads = 0; reads < board->patience; reads++) {
        *value = board->read(operation->offset);
        if (operation->kind == NVDLA_PROBE_POLL ? *value == operation->value
                                                : (*value & operation->value) == operation->value)
            return 1;
        if (operation->kind == NVDLA_PROBE_WAIT && board->sleep)
            board->sleep();
    }
    return 0;
}

static void load(const struct nvdla_board *board, const struct nvdla_probe *probe)
{
    for (uint32_t index = 0; index < probe->image_count; index++) {
        const struct nvdla_probe_region *image = &probe->images[index];
        uint8_t *memory = board->memory(image->address);
        for (uint32_t at = 0; at < image->bytes; at++)
            memory[at] = image->data[at];
        if (board->flush)
            board->flush(image->address, image->bytes);
    }
}

static void operate(const struct nvdla_board *board, const struct nvdla_probe *probe, struct nvdla_probe_row *row)
{
    row->state = NVDLA_PROBE_RAN;
    for (uint32_t index = 0; index < probe->operation_count; index++) {
        const struct nvdla_probe_operation *operation = &probe->operations[index];
        uint32_t value = 0;
        if (operation->kind == NVDLA_PROBE_WRITE) {
            board->write(operation->offset, operation->value);
            continue;
        }
        if (!comes(board, operation, &value) && row->operation == (uint32_t)NVDLA_PROBE_NONE) {
            row->operation = index;
            row->value = value;
        }
        if (operation->kind == NVDLA_PROBE_WAIT) {
            if ((value & operation->value) != operation->value) {
                row->state = NVDLA_PROBE_HUNG;
                return;
            }
            board->write(operation->offset, operation->value);
        }
    }
}

/* Compare the outputs and keep what is there. */
static void compare(const struct nvdla_board *board, const struct nvdla_probe *probe, struct nvdla_probe_row *row,
                    uint8_t *found)
{
    uint32_t crc = 0xffffffffu;
    for (uint32_t index = 0; index < probe->output_count; index++) {
        const struct nvdla_probe_region *output = &probe->outputs[index];
        if (board->invalidate)
            board->invalidate(output->address, output->bytes);
        const uint8_t *memory = board->memory(output->address);
        for (uint32_t at = 0; at < output->bytes; at++) {
            uint8_t byte = memory[at];
            *found++ = byte;
            crc = crc_32(crc, byte);
            if (byte == output->data[at])
                continue;
            if (row->wrong++ == 0) {
                row->address = output->address + at;
                row->expected = output->data[at];
                row->found = byte;
            }
        }
    }
    row->crc = ~crc;
}

static int sound(const struct nvdla_probe_row *row)
{
    return row->state == NVDLA_PROBE_RAN && row->operation == (uint32_t)NVDLA_PROBE_NONE && row->wrong == 0;
}

static void tell(const struct nvdla_board *board, const struct nvdla_probe *probe, const struct nvdla_probe_row *row)
{
    if (!board->print)
        return;
    board->print(probe->name);
    if (sound(row))
        board->print(": sound\n");
    else if (row->state == NVDLA_PROBE_NOT_RUN)
        board->print(": not run\n");
    else
        board->print(row->state == NVDLA_PROBE_HUNG ? ": hung\n" : ": wrong\n");
}

static void begin(void)
{
    uint32_t *header = nvdla_probe_results;
    for (uint32_t index = 0; index < nvdla_probe_results_bytes / 4u; index++)
        nvdla_probe_results[index] = 0;
    header[0] = NVDLA_PROBE_MAGIC;
    header[1] = NVDLA_PROBE_VERSION;
    header[2] = nvdla_probe_set;
    header[3] = nvdla_probe_count;
    header[4] = NVDLA_PROBE_ROW_WORDS;
    header[5] = nvdla_probe_found_bytes;
}

static uint32_t output_bytes(const struct nvdla_probe *probe)
{
    uint32_t bytes = 0;
    for (uint32_t index = 0; index < probe->output_count; index++)
        bytes += probe->outputs[index].bytes;
    return bytes;
}

uint32_t nvdla_probe_run(const struct nvdla_board *board)
{
    struct nvdla_probe_row *row = (struct nvdla_probe_row *)(void *)(nvdla_probe_results + NVDLA_PROBE_HEADER_WORDS);
    uint8_t *found = (uint8_t *)(row + nvdla_probe_count);
    uint32_t unsound = 0;
    int hung = 0;

    begin();
    for (uint32_t index = 0; index < nvdla_probe_count; index++, row++) {
        const struct nvdla_probe *probe = &nvdla_probes[index];
        uint8_t *next = found + output_bytes(probe);
        row->operation = (uint32_t)NVDLA_PROBE_NONE;
        if (board->reset && board->reset())
            hung = 0;
        if (!hung) {
            load(board, probe);
            operate(board, probe, row);
            hung = row->state == NVDLA_PROBE_HUNG;
            if (!hung)
                compare(board, probe, row, found);
        }
        found = next;
        unsound += !sound(row);
        tell(board, probe, row);
    }
    nvdla_probe_results[DONE_WORD] = 1;
    return unsound;
}
