#!/usr/bin/perl
# D3: a call that a crash interrupted gets its record at the next start, exactly once, in cdr.jsonl
# and in the database; and a record that was on its way when the switch died is in both.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use JSON::PP;
use Holdline::Test;

my $switch;
my $state = switch_object()->dir . '/kept';

# The script tells in the log what it is told of a record.
my $policy = <<'LUA';
return { ended = function(cdr)
	log.info(("ended %s %s/%s by %s, code %s, %s to %s from %s, alive %s, answered %s, timer %s"):format(
		cdr.id, cdr.reason, cdr.detail, cdr.ended_by, cdr.sip_code, cdr.caller, cdr.callee,
		cdr.caller_addr, cdr.last_alive, cdr.answered, cdr.caller_timer))
end }
LUA

sub incarnation {
	return start_switch(users => [1001, 1002], lua => $policy,
		config => {switch => {state_dir => $state, @_}});
}

# The line of that record, as the script has to see it.
sub told {
	my ($cdr) = @_;
	my $text = sprintf 'ended %s %s/%s by %s, code %s, %s to %s from %s, alive %s, answered %s, timer %s',
		map { $_ // 'nil' } @$cdr{qw(id reason detail ended_by sip_code caller callee caller_addr
			last_alive answered caller_timer)};
	return scalar grep { index($_->{line}, $text) >= 0 } $switch->log_events();
}

# The records of that id in the file, and in the table.
sub everywhere {
	my ($switch, $id) = @_;
	my @line = grep { $_->{id} eq $id } $switch->cdrs(1);
	my @row = grep { $_->{id} eq $id } @{$switch->control('cdr', last => 1000)};
	return (\@line, \@row);
}

sub stored {
	my ($switch, $rows) = @_;
	$switch->control_until(sub { $_->{rows_waiting} == 0 && $_->{rows_written} >= $rows }, 'status');
	return;
}

$switch = incarnation();
my ($alice, $bob) = phones($switch);
my %call;

subtest 'kill -9 with calls up' => sub {
	my $out = $alice->invite('1002', sdp => 1);
	$bob->incoming->answer(sdp => 1);
	$out->answered;
	my $ringing = $alice->invite('1002', sdp => 1);
	$bob->incoming->respond(180);
	$ringing->expect(180);
	%call = map { $_->{state} => $_ } @{$switch->control('calls')};
	stored($switch, 4);
	is @{$switch->control('cdr')}, 0, 'no record while they are up';
	$switch->kill_now;
	$switch = incarnation();
	$switch->wait_log(event => 'calls-interrupted') unless $switch->log_events(event => 'calls-interrupted');
	$switch->control_until(sub { @$_ == 2 }, 'cdr');
	for my $state (qw(active ringing)) {
		my ($line, $row) = everywhere($switch, $call{$state}{id});
		is @$line, 1, "$state: one line";
		is_deeply $row, $line, "$state: one row, the same";
		my $cdr = $line->[0];
		is $cdr->{$_->[0]}, $_->[1], "$state: $_->[0]" for ['ended_by', 'server'],
			['reason', 'Switch Restart'], ['detail', 'switch-restart'], ['caller', '1001'],
			['callee', '1002'], ['caller_addr', $alice->received],
			['sip_code', $state eq 'active' ? 200 : undef];
		is $cdr->{ended}, $cdr->{last_alive}, "$state: it ended when it was last alive";
		cmp_ok $cdr->{ended}, 'ge', $cdr->{started}, "$state: not before it began";
		is defined $cdr->{answered}, $state eq 'active', "$state: answered or not";
		ok told($cdr), "$state: the policy's `ended` is told of it";
	}
};

subtest 'once' => sub {
	$switch->kill_now;
	$switch = incarnation();
	my ($line, $row) = everywhere($switch, $call{active}{id});
	is @$line, 1, 'the next start writes no second line';
	is @$row, 1, 'and no second row';
	ok !$switch->log_events(event => 'calls-interrupted'), 'and speaks of none';
	$switch->stop;
};

subtest 'on_stop: keep' => sub {
	$switch = incarnation(on_stop => 'keep');
	($alice, $bob) = phones($switch);
	my $out = $alice->invite('1002', sdp => 1);
	$bob->incoming->answer(sdp => 1);
	$out->answered;
	my ($up) = @{$switch->control('calls')};
	$switch->stop;
	$switch = incarnation();
	$switch->control_until(sub { grep { $_->{id} eq $up->{id} } @$_ }, 'cdr');
	my ($line, $row) = everywhere($switch, $up->{id});
	is $line->[0]{detail}, 'switch-restart', 'the call goes on, its record is written at the next start';
	is_deeply $row, $line, 'in both places';
};

# The line is written at once, its row a tenth of a second later: die in between, again and again.
subtest 'between line and row' => sub {
	my ($recovered, $count) = (0, 0);
	for (1 .. 5) {
		($alice, $bob) = phones($switch);
		my $before = $switch->cdrs(1);
		my $out = $alice->invite('1002', sdp => 1);
		$bob->incoming->answer(sdp => 1);
		$out->answered;
		my ($up) = @{$switch->control('calls')};
		stored($switch, 1) if $_ == 1;
		$out->bye;
		ok wait_for { $switch->cdrs(1) > $before } 5;
		$switch->kill_now;
		$switch = incarnation();
		my ($line, $row) = everywhere($switch, $up->{id});
		is @$line, 1, 'one line';
		is_deeply $row, $line, 'one row, the same';
		is $line->[0]{reason}, 'Normal', 'the call ended as it did';
		$recovered += $switch->log_events(event => 'recovered') ? 1 : 0;
	}
	cmp_ok $recovered, '>', 0, 'a row that was missing was made from its line';
};

subtest 'a line that was torn' => sub {
	($alice, $bob) = phones($switch);
	my $out = $alice->invite('1002', sdp => 1);
	$bob->incoming->answer(sdp => 1);
	$out->answered;
	my ($up) = @{$switch->control('calls')};
	stored($switch, 1);
	my $count = $switch->cdrs(1);
	$switch->kill_now;
	open my $file, '>>', "$state/cdr.jsonl" or die $!;
	print $file "{\"id\":\"$up->{id}\",\"started\":\"2026-";
	close $file;
	$switch = incarnation();
	$switch->control_until(sub { grep { $_->{id} eq $up->{id} } @$_ }, 'cdr', last => 1000);
	open $file, '<', "$state/cdr.jsonl" or die $!;
	my @line = <$file>;
	is grep({ eval { decode_json($_) } } @line), $count + 1, 'is no record, but the call gets one';
	is grep({ !/^\{.*\}$/ } @line), 1, 'and the torn one stays alone';
};

finish();
