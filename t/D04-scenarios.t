# D4: the deployment scenarios that are shipped can be included, with the plugins there are.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Holdline::Test;

my %expected = (    # plugins.keepalive: period, send_interval, send_one_time
	'small-office'  => [20, 500, 3000],
	'medium'        => [30, 500, 3000],
	'large'         => [30, 500, 1500],
	'strict-nat'    => [15, 200, 3000],
	'constrained'   => [30, 1000, 1000],
	'wholesale'     => [30, 500, 3000],
	'call-center'   => [20, 500, 3000],
	'mobile'        => [15, 500, 3000],
	'enterprise'    => [30, 500, 3000],
	'high-security' => [10, 500, 3000],
);
my $folder = source_path('etc/scenarios');
$ENV{HOLDLINE_SCENARIO_DIR} = $folder;
is_deeply [sort map { m{([\w-]+)\.yaml$} } glob "$folder/*"], [sort keys %expected], 'ten files';

for my $name (sort keys %expected) {
	my ($exit, $text) = switch_object(args => ['--check'], config => {
		include => ["scenarios/$name.yaml"], plugins => {registrar => {}}})->run;
	is $exit, 0, "$name can be included";
	unlike $text, qr/:\d+:\d+: (?!warning)/, 'without a mistake';
}

for my $name (qw(strict-nat high-security)) {
	my $running = start_switch(config => {
		include => ["scenarios/$name.yaml"], plugins => {registrar => {}}});
	my $keepalive = $running->control('keepalive');
	is_deeply [map { 0 + $_ } @$keepalive{qw(period send_interval send_one_time)}],
		$expected{$name}, "$name runs with its figures";
	$running->stop;
}

my $own = start_switch(config => {include => ['scenarios/strict-nat.yaml', 'scenarios/mobile.yaml'],
	plugins => {registrar => {}, keepalive => {send_interval => 300}}});
my $keepalive = $own->control('keepalive');
is $keepalive->{send_interval}, 300, 'the file wins over what it includes';
is $keepalive->{send_one_time}, 3000, 'and keeps what it does not say itself';
$own->stop;
finish();
