#!/usr/bin/perl
# M: a call of 70 minutes on a fast clock, one of 10 minutes in real time, and 100,000 set-ups and
# tear-downs of relayed calls that leave no socket, port or memory behind. Run by `make soak`.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Holdline::Test;
use Holdline::Test::Media;

my $minutes = $ENV{SOAK_MINUTES} || 10;
my $calls = $ENV{SOAK_CALLS} || 100_000;

# Both talk for so many minutes of the switch's clock; every packet has to arrive as it was sent.
sub long_call {
	my ($rate, $length, $interval) = @_;
	my $switch = start_switch(users => [1001, 1002], clock_rate => $rate, guard => $length * 60 / $rate + 60,
		config => {plugins => {registrar => {}, keepalive => {}, 'session-timer' => {ttl => 600},
			'media-proxy' => {mode => 'on', media_timeout => 60}}});
	my ($alice, $bob) = map { my $phone = talker($switch, $_, timeout => 60);
		$phone->{rtp}{interval} = $interval; $phone } 1001, 1002;
	my ($call, $in) = connected($alice, $bob);
	my ($left, $right) = map { $_->{rtp} } $alice, $bob;
	my ($sent, $altered, $missing) = (0, 0, 0);
	my $end = now() + $length * 60 / $rate;
	$left->start($call->remote_sdp);
	$right->start($in->remote_sdp);
	while (now() < $end) {
		quiet(5);
		# In pieces, so that hours fit into memory; who is on the way is waited for.
		$_->stop for $left, $right;
		wait_for { $left->received == $right->sent && $right->received == $left->sent } 2;
		$sent += $_->sent for $left, $right;
		$altered += $left->altered($right) + $right->altered($left);
		$missing += $right->sent - $left->received + $left->sent - $right->received;
		$_->forget->start for $left, $right;
	}
	$_->stop for $left, $right;
	my $name = "$length minutes at clock rate $rate";
	is(scalar @{$switch->control('calls')}, 1, "$name: the call is up");
	cmp_ok($sent, '>', 0.8 * 2 * $length * 60 / $rate / $interval, "$name: the two talked");
	is($missing, 0, "$name: of $sent packets none was lost");
	is($altered, 0, "$name: none altered");
	$call->bye;
	my ($cdr) = $switch->cdrs(1);
	is($cdr->{reason}, 'Normal', "$name: and hung up by the caller");
	near($cdr->{duration}, $length * 60, 0.1 * $length * 60 + 7 * $rate, "$name: after that time");
	is($cdr->{streams}[0]{$_}{lost}, 0, "$name: the record says so of the $_") for qw(caller callee);
	$switch->stop;
	return;
}

sub descriptors { my ($switch) = @_; return scalar(() = glob "/proc/@{[$switch->pid]}/fd/*") }

sub resident {
	my ($switch) = @_;
	open my $in, '<', "/proc/@{[$switch->pid]}/statm" or die "statm: $!";
	return (split ' ', scalar <$in>)[1] * 4;    # KiB
}

sub records { my ($switch) = @_; open my $in, '<', $switch->dir . '/state/cdr.jsonl' or return 0;
	my $count = 0; $count++ while <$in>; return $count }

# Calls with media, set up and hung up by the load generator. It repeats nothing: what the machine
# loses stays open until its media time out. It registers anew for each half: `replace` keeps the
# phones of the first from ringing in the second. The allocator keeps what transactions of 32 s once
# took, and the database fills its page cache (16 MiB, with the first 30,000 records), so the second
# half of the calls is compared with the first.
sub many_calls {
	my $load = "$ENV{HOLDLINE_BUILDDIR}/t/bench/load";
	my $switch = start_switch(guard => $calls / 100 + 300, config => {
		switch => {log => {level => 'warn'}},
		plugins => {registrar => {auth => 'off', replace => 'on'}, 'session-timer' => {}, 'media-proxy' =>
			{mode => 'on', port_quarantine => 0, port_range => '20000-29999', media_timeout => 10}},
		endpoints => {map { ("u$_" => {}) } 0 .. 399}});
	my @arguments = ('call', '--server=' . $switch->address('udp'), '--pid=' . $switch->pid,
		'--rate=200', '--pairs=200');
	my $run = sub {
		my ($count) = @_;
		my $before = records($switch);
		system("$load @arguments --rounds=1 --count=$count >/dev/null");
		wait_for { $switch->control('status')->{calls} == 0 } 60;
		quiet(35);
		cmp_ok(records($switch) - $before, '>=', $count, "$count relayed calls begin and end");
		note(sprintf '%d descriptors, %d KiB, refused %d', descriptors($switch), resident($switch),
			$switch->control('media')->{refused});
		return;
	};
	$run->($calls / 2);
	my ($before, $size) = (descriptors($switch), resident($switch));
	$run->($calls / 2);
	my %metric = map { $_->{name} => $_->{value} } @{$switch->control('metrics')};
	is($metric{"holdline_$_"}, 0, "gauges agree: $_ 0")
		for qw(calls legs transactions media_calls media_port_pairs_used records_waiting);
	is($metric{holdline_contacts}, 400, 'as many contacts as there are phones');
	is($switch->control('media')->{used}, 0, 'no port is left');
	wait_for { descriptors($switch) <= $before } 10;    # that of our own question is closing
	cmp_ok(descriptors($switch), '<=', $before, 'no socket');
	my $slack = $calls >= 60_000 ? 4096 : 12288;    # KiB
	cmp_ok(resident($switch), '<', $size + $slack, "and no memory: $size KiB after the first half");
	$switch->stop;
	return;
}

many_calls();
long_call(100, 70, 0.02);
long_call(1, $minutes, 0.02);

finish;
