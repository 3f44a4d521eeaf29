#include <stdint.h>

uint32_t model_access(int write_it, uint32_t offset, uint32_t value);
