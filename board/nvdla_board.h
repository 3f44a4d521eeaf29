/* What a board gives the programs for it: four functions, as in docs/driver.md. */
#include <stdint.h>

void nvdla_write(uint32_t offset, uint32_t value); /* a register, by bytes from the NVDLA's base */
uint32_t nvdla_read(uint32_t offset);
uint8_t *nvdla_memory(uint32_t address); /* where the CPU sees this byte of the NVDLA's memory, not cached */
void nvdla_sleep(void);                  /* a while, or until the interrupt line is high */
