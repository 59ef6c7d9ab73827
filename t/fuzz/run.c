/* Feeds files to a fuzz target without libFuzzer: a corpus, or an input that crashed it once. */
#include "message.h"

#include <stdio.h>

int main(int count, char **files)
{
	static uint8_t data[1 << 17];

	for (int i = 1; i < count; i++) {
		FILE *file = fopen(files[i], "rb");
		size_t size;

		if (!file) {
			perror(files[i]);
			return 1;
		}
		size = fread(data, 1, sizeof(data), file);
		fclose(file);
		LLVMFuzzerTestOneInput(data, size);
		printf("%s: %zu bytes\n", files[i], size);
	}
	return 0;
}
