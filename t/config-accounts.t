# The contract: YAML carries 500,000 endpoints, read in under ten seconds.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Holdline::Test;

plan skip_all => 'a build with sanitizers takes longer'
	if ($ENV{HOLDLINE_SANITIZERS} || 'no') eq 'yes';

my $many = 500_000;
my $switch = switch_object(args => ['--check'], guard => 60, yaml => join '',
	"switch: {realm: holdline.test, listen: ['udp:127.0.0.1:0'], state_dir: \@DIR\@/state, ",
	"plugin_dir: $ENV{HOLDLINE_PLUGIN_DIR}}\nplugins: {registrar: {}}\nendpoints:\n",
	map { "  \"" . (1_000_000 + $_) . "\": {password: secret-$_}\n" } 1 .. $many);

my (undef, undef, $user, $system) = times;
my ($exit, $text) = $switch->run(60);
my (undef, undef, @after) = times;
is $exit, 0, 'half a million endpoints are good' or diag substr $text, 0, 2000;
my $used = $after[0] + $after[1] - $user - $system;
cmp_ok $used, '<', 10, sprintf 'read in %.1f s of CPU time', $used;

finish;
