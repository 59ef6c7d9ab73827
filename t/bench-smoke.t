# Each load generator completes its operations, and loses none, against a real switch. What they cost
# is for t/bench/run to say.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Holdline::Test;

my $load = "$ENV{HOLDLINE_BUILDDIR}/t/bench/load";

# What the generator printed, and its exit status.
sub load {
	my ($switch, $generator, @option) = @_;
	open my $in, '-|', $load, $generator, '--server=' . $switch->address('udp'),
		'--pid=' . $switch->pid, @option or die "$load: $!";
	my %figure = map { /^(\w+)=(.+)/ ? ($1 => $2) : () } <$in>;
	close $in;
	return (\%figure, $? >> 8);
}

sub completes {
	my ($switch, $operations, $generator, @option) = @_;
	my ($figure, $status) = load($switch, $generator, @option);
	my $name = $generator . ("@option" =~ /password/ ? ' with digest' : '');
	is($status, 0, "$name ends well");
	is($figure->{operations}, $operations, "$name: $operations operations");
	is($figure->{completed}, $operations, "$name completes them") if $generator ne 'keepalive';
	is($figure->{lost}, 0, "$name loses none");
	cmp_ok($figure->{cpu_us} // $figure->{cpu_us_at_10} // $figure->{cpu_us_at_few}, '>', 0, "$name measures the switch");
	return $figure;
}

sub switch_for {
	my ($plugins, $account, %arg) = @_;
	return start_switch(%arg, config => {
		plugins => {registrar => {auth => $account->{password} ? 'on' : 'off'}, keepalive => {},
			'session-timer' => {}, 'media-proxy' => {mode => 'off'}, %$plugins},
		endpoints => {map { ("u$_" => {%$account}) } 0 .. 99},
	});
}

my $switch = switch_for({}, {});
# A contact that is refreshed before its row is written costs nothing more.
completes($switch, 5050, 'register', qw(--contacts=50 --rate=2000 --count=5000 --rounds=1));
ok($switch->control_until(sub { $_->{rows_written} >= 2500 }, 'status'),
	'register: the refreshes are written to the store');
my $weight = completes($switch, 10 + 1000 + 40 + 50 + 40, 'contacts', qw(--few=10 --contacts=60
	--users=60 --fill=500 --settle=0 --count=40 --rounds=1));
is($weight->{contacts}, 60, 'contacts: all are there');
completes($switch, 40, 'call', qw(--pairs=20 --rate=200 --count=40 --rounds=1));
my $figure = completes($switch, 80, 'transactions',
	qw(--few=10 --many=50 --rate=200 --count=40 --rounds=1));
is($figure->{ringing}, 50, 'transactions: the calls ring');

# Refreshes come 2 s after a call's beginning, or, of the shortest session, four times a second.
$switch = switch_for({'session-timer' => {ttl => 86400, update_segment => 10}}, {}, clock_rate => 40);
$figure = completes($switch, 3 + 10 + 3 + 17 + 10, 'calls-many', qw(--few=3 --calls=20 --count=10
	--fill=100 --session=1000 --refresh=2500 --rounds=1 --window=300 --settle=200));
cmp_ok($figure->{"refresh_rate_at_$_"}, '>', 0, "calls-many: calls are refreshed beside $_")
	for qw(few many);

$switch = switch_for({}, {password => 'bench'});
completes($switch, 80, 'register',
	qw(--contacts=40 --rate=500 --count=40 --rounds=1 --password=bench));

$switch = switch_for({'media-proxy' => {mode => 'on'}}, {});
($figure, my $status) = load($switch, 'rtp', qw(--calls=5 --rounds=1 --bare=0));
is($status, 0, 'rtp ends well');
cmp_ok($figure->{completed}, '>=', 450, 'rtp: five calls talk for a second');
is($figure->{completed}, $figure->{operations}, 'rtp: every packet comes through');

# The switch's 10 s are a quarter of a second here.
$switch = switch_for({keepalive => {period => 10}}, {}, clock_rate => 40);
$figure = completes($switch, 100, 'keepalive', qw(--contacts=50 --period=250 --rounds=2 --bare=0));
cmp_ok($figure->{completed}, '>=', 99, 'keepalive: they come every period');

finish;
