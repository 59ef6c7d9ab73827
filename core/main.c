/*
 * main.c - the command line of the switch.
 */
#include <getopt.h>
#include <stdio.h>

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{"version", no_argument, NULL, 'V'},
		{NULL, 0, NULL, 0},
	};

	if (getopt_long(argc, argv, "", options, NULL) != 'V') {
		fprintf(stderr, "usage: holdline --version\n");
		return 2;
	}
	printf("holdline %s\n", PACKAGE_VERSION);
	return 0;
}
