# Reloads under traffic leak nothing: memory, descriptors, threads, listeners, contacts, calls. `make
# soak` does 10,000 of them; here there are fewer.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Holdline::Test;

my $count = $ENV{HOLDLINE_SOAK} || 300;
my $policy = "local policy = {}\nfunction policy.keepalive(e) return {period = 20}, 'version %d' end\n"
	. "function policy.media(call) return 'off', 'version %d' end\nreturn policy\n";
my $switch = start_switch(users => [1001 .. 1010], lua => sprintf($policy, 0, 0),
	clock_rate => 20,    # transactions linger for 32 s: less than a few hundred reloads, then
	config => {plugins => {registrar => {expire => 86400}, keepalive => {targets => 'all'},
		'session-timer' => {no_timer_max_duration => 0}, 'media-proxy' => {}}, gateways => {a => {address => 'sip:127.0.0.1:9', prefix => '9'}}});
my @phones = map { phone(switch => $switch, user => $_, timer => 0) } 1001 .. 1010;
$_->register(expires => 86400) for @phones;
my ($alice, $bob) = @phones;

sub resident {
	open my $in, '<', '/proc/' . $switch->pid . '/statm' or die;
	return (split / /, scalar <$in>)[1] * 4;    # KiB
}
sub descriptors { return scalar(() = glob '/proc/' . $switch->pid . '/fd/*') }
sub threads { return scalar(() = glob '/proc/' . $switch->pid . '/task/*') }
my @listen = @{$switch->{config}{switch}{listen}};

# A call stays up; registrations, calls, parameters and reloads go on, one after the other.
my $out = $alice->invite('1002', sdp => 1);
my $in = $bob->incoming;
$in->answer(sdp => 1);
$out->answered;

my ($failed, $records, $refused) = (0, 0, 0);
sub round {
	my ($n) = @_;
	my $config = $switch->{config};
	$config->{plugins}{keepalive}{period} = 20 + $n % 10;
	$config->{policy}{rules} = [map { {name => "rule $_", keepalive => {period => 30}} } 1 .. $n % 5];
	$config->{endpoints}{2001} = {password => "changed $n"};
	$config->{switch}{listen} = [@listen, $n % 4 == 1 ? ('udp:127.0.0.3:0', 'tcp:127.0.0.3:0') : ()];
	$switch->write_file('policy.lua', sprintf $policy, $n, $n);
	my $answer = $switch->reload($config);
	$failed++ unless $answer->{ok};
	if ($n % 7 == 0) {
		local $config->{plugins}{keepalive}{period} = 5;
		$refused++ unless $switch->reload($config)->{ok};
		$switch->write_config($config = {%$config, plugins => {%{$config->{plugins}},
			keepalive => {%{$config->{plugins}{keepalive}}, period => 20}}});
	}
	$switch->control('param', op => 'set', name => 'keepalive.copies', value => 1 + $n % 3) if $n % 5 == 0;
	$phones[2 + $n % 8]->register(expires => 86400);
	return if $n % 10;
	my $other = $phones[3]->invite('1005', sdp => 1);
	my $rings = $phones[4]->incoming;
	$rings->answer(sdp => 1);
	$other->answered;
	$other->bye;
	$rings->ended;
	$records++;
	@{$switch->{lines}} = ();
	$_->forget for @phones;
}

my $warm = $count < 1000 ? $count / 3 : 1000;    # until the allocator has what it wants to keep
round($_) for 1 .. $warm;
my ($memory, $files, $threads) = (resident(), descriptors(), threads());
round($_) for $warm + 1 .. $count;
is $failed, 0, "$count reloads";
cmp_ok $refused, '>', 0, 'the bad ones among them are refused';
my $grown = resident() - $memory;
diag sprintf '%d KiB before, %+d KiB after %d more reloads', $memory, $grown, $count - $warm;
# A reload that leaked its tree of nodes would lose 64 KiB each time.
cmp_ok $grown, '<', 512 + ($count - $warm) / 2, 'memory stays where it was'
	unless ($ENV{HOLDLINE_SANITIZERS} || 'no') eq 'yes';
cmp_ok abs(descriptors() - $files), '<=', 2, 'and so do descriptors' or diag descriptors() . " after $files";
is threads(), $threads, 'and threads';
is scalar(@{$switch->control('status')->{listen}}), $count % 4 == 1 ? @listen + 2 : scalar(@listen),
	'and listeners, which came and went';
is $switch->control('status')->{calls}, 1, 'the call is still up';
is $switch->control('status')->{contacts}, 10, 'and the contacts';
my ($reloads) = grep { $_->{name} eq 'holdline_reloads_total' } @{$switch->control('metrics')};
cmp_ok $reloads->{value}, '>=', $count, 'counted';
is $out->bye->code, 200, 'the call is hung up';
$in->ended;
finish;
