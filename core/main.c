/* The command line of the switch (contract: "The command line"). */
#include "run.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FILES_MAX = 16 };

static const char usage_text[] =
	"usage: holdline [-c FILE]... [--check] [--params[=json]] [--plugin-info FILE.so]\n"
	"                [--policy-test FILE.lua [--endpoint JSON]] [--from-vos3000 FILE]\n"
	"                [--clock-rate N] [--version] [--help]\n"
	"\n"
	"  -c FILE               configuration to read (default " HL_SYSCONF_DIR
	"/holdline.yaml);\n"
	"                        of several, the later wins\n"
	"  --check               read configuration, plugins and policy, print every mistake\n"
	"  --params[=json]       list every parameter of the core and the installed plugins\n"
	"  --plugin-info FILE.so what a plugin says of itself\n"
	"  --policy-test FILE.lua\n"
	"                        run a policy and its tests, show what it decides\n"
	"  --endpoint JSON       about whom, for --policy-test\n"
	"  --from-vos3000 FILE   a list of VOS3000 parameters as YAML\n"
	"  --clock-rate N        run the switch's clock N times faster (1-100, loopback only)\n";

static int usage(void)
{
	fputs(usage_text, stderr);
	return HL_EXIT_CONFIGURATION;
}

static const struct option options[] = {
	{"config", required_argument, NULL, 'c'},
	{"check", no_argument, NULL, 'k'},
	{"params", optional_argument, NULL, 'p'},
	{"plugin-info", required_argument, NULL, 'i'},
	{"policy-test", required_argument, NULL, 't'},
	{"endpoint", required_argument, NULL, 'e'},
	{"from-vos3000", required_argument, NULL, 'f'},
	{"clock-rate", required_argument, NULL, 'r'},
	{"version", no_argument, NULL, 'v'},
	{"help", no_argument, NULL, 'h'},
	{NULL, 0, NULL, 0},
};

/* Reads "1" to "100"; 0 when it is anything else. */
static unsigned clock_rate(const char *text)
{
	uint64_t rate;
	if (hl_slice_number(hl_slice_of(text), &rate) < 0 || rate < 1 || rate > 100) {
		fprintf(stderr, "holdline: --clock-rate %s: 1 to 100 is allowed\n", text);
		return 0;
	}
	return (unsigned)rate;
}

int main(int argc, char **argv)
{
	const char *files[FILES_MAX] = {HL_SYSCONF_DIR "/holdline.yaml"};
	struct hl_options chosen = {.files = files, .clock_rate = 1};
	const char *script = NULL, *endpoint = NULL;
	bool check = false;
	int option;

	while ((option = getopt_long(argc, argv, "c:h", options, NULL)) != -1) {
		switch (option) {
		case 'c':
			if (chosen.file_count == FILES_MAX)
				return usage();
			files[chosen.file_count++] = optarg;
			break;
		case 'k': check = true; break;
		case 'p':
			if (optarg && strcmp(optarg, "json") != 0)
				return usage();
			return hl_switch_params(optarg != NULL);
		case 'i': return hl_switch_plugin_info(optarg);
		case 't': script = optarg; break;
		case 'e': endpoint = optarg; break;
		case 'f': return hl_switch_from_vos3000(optarg);
		case 'r':
			if (!(chosen.clock_rate = clock_rate(optarg)))
				return HL_EXIT_CONFIGURATION;
			break;
		case 'v': printf("holdline %s\n", PACKAGE_VERSION); return HL_EXIT_OK;
		case 'h': fputs(usage_text, stdout); return HL_EXIT_OK;
		default: return usage();
		}
	}
	if (optind < argc || (endpoint && !script))
		return usage();
	if (script)
		return hl_switch_policy_test(
			&(struct hl_policy_test_order){&chosen, script, endpoint});
	if (!chosen.file_count)
		chosen.file_count = 1;
	return check ? hl_switch_verify(&chosen) : hl_switch_run(&chosen);
}
