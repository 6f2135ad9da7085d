#ifndef WITAN_LIBFUZZER_H
#define WITAN_LIBFUZZER_H

#include <stddef.h>
#include <stdint.h>

/// Runs libFuzzer with the arguments of its command line; it calls `check` with each input.
///
/// https://llvm.org/docs/LibFuzzer.html#using-libfuzzer-as-a-library
int LLVMFuzzerRunDriver(
    int *_Nonnull count,
    char *_Nullable *_Nonnull *_Nonnull arguments,
    int (*_Nonnull check)(const uint8_t *_Nullable bytes, size_t count)
);

#endif
