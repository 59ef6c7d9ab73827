# G9: registered contacts are rows of holdline.db, and a restart finds them: rung and kept open at
# once, over the socket they registered at.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Holdline::Test;

my $state = switch_object()->dir . '/kept';
my ($port, %more);

# A switch with the same state, listening where the first one did.
sub incarnation {
	my (%arg) = @_;
	my $udp = 'udp:127.0.0.1:' . ($port || 0);
	my $switch = start_switch(users => $arg{users} || [1001, 1002, 1003],
		clock_rate => $arg{clock_rate}, config => {
			switch => {listen => [$udp, 'tcp:127.0.0.1:0'], state_dir => $state, %{$arg{switch} || {}}},
			plugins => {registrar => {nat_expire => 3600}, 'session-timer' => {}, 'media-proxy' => {},
				keepalive => {message => 'HELLO', period => 10, targets => 'all'}}});
	$port ||= $switch->port('udp');
	return $switch;
}

sub stored {
	my ($switch, $rows) = @_;
	$switch->control_until(sub { $_->{rows_waiting} == 0 && $_->{rows_written} >= $rows }, 'status');
	return;
}

my $switch = incarnation();
my $alice = phone(switch => $switch, user => '1001', local => '127.0.0.1');
my $inside = phone(switch => $switch, user => '1002', nat => nat(switch => $switch));
my $wired = phone(switch => $switch, user => '1003', transport => 'tcp');
$alice->register(expires => 3600, user_agent => 'Yealink', headers => [
	Path => '<sip:edge.example;lr>', Supported => 'path',
]);
$inside->register(expires => 600);
$wired->register;
stored($switch, 2);
my %before = map { $_ => $switch->endpoint($_) } 1001, 1002;
$switch->kill_now;

subtest 'kill -9, and a new start' => sub {
	$alice->forget;
	$switch = incarnation();
	my $event = $switch->wait_log(event => 'contacts-restored') if !$switch->log_events(event => 'contacts-restored');
	is $switch->control('status')->{endpoints}, 2, 'both that came over UDP are there';
	ok !$switch->endpoint('1003'), 'the connection is gone, and its contact with it';
	for my $user (1001, 1002) {
		my $now = $switch->endpoint($user);
		is $now->{$_}, $before{$user}{$_}, "$user: $_"
			for qw(contact received received_port local transport nat nat_reason user_agent aor);
		cmp_ok abs($now->{expires_in} - $before{$user}{expires_in}), '<=', 20, "$user: expiry";
	}
	ok $alice->heartbeat(15), 'heartbeats go on';
	my $out = $inside->invite('1001', sdp => 1);
	my $in = $alice->incoming;
	ok $in, 'and calls arrive';
	is $in->invite_message->header('Route'), '<sip:edge.example;lr>', 'over the Path';
	$in->answer(sdp => 1);
	$out->answered;
	$out->bye;
};

subtest 'refreshed and removed after the restart' => sub {
	my $rows = $switch->control('status')->{rows_written};
	is $alice->register(expires => 1800)->code, 200, 'refreshed';
	is scalar(@{$switch->control('endpoints', user => '1001')}), 1, 'it is the same contact';
	$inside->unregister;
	stored($switch, $rows + 2);
	$switch->stop;
	$switch = incarnation();
	is $switch->control('status')->{contacts}, 1, 'an orderly stop keeps them, too';
	near($switch->endpoint('1001')->{expires_in}, 1790, 15, 'with the expiry of the refresh');
};

subtest 'a refresh that asks for less' => sub {
	my $rows = $switch->control('status')->{rows_written};
	$alice->register(expires => 3000);
	stored($switch, $rows + 1);
	$alice->register(expires => 900);
	stored($switch, $rows + 3);
	$switch->kill_now;
	$switch = incarnation();
	near($switch->endpoint('1001')->{expires_in}, 890, 15, 'holds after a restart');
	is $switch->control('status')->{contacts}, 1, 'for one contact';
};

# How much longer 1001 is registered than 1002, which does not refresh.
sub ahead {
	my ($switch) = @_;
	my %left = map { $_->{user} => $_->{expires_in} } @{$switch->control('endpoints')};
	return defined $left{1001} && defined $left{1002} ? $left{1001} - $left{1002} : undef;
}

for my $percent (10, 60) {
	subtest "a refresh after $percent % of the time, and a crash" => sub {
		$switch->stop;
		$switch = incarnation(clock_rate => 100);
		my ($phone, $other) = map { phone(switch => $switch, user => $_) } 1001, 1002;
		$_->register(expires => 400) for $phone, $other;
		stored($switch, 2);
		my $left = 400 * (1 - $percent / 100);
		$switch->control_until(sub { $_->[0]{expires_in} <= $left }, 'endpoints', user => '1002');
		my $rows = $switch->control('status')->{rows_written};
		$phone->register(expires => 400);
		stored($switch, $rows + 1);
		my $ahead = ahead($switch);
		cmp_ok $ahead, '>=', 400 - $left - 2, 'the phone has a new expiry';
		$switch->kill_now;
		$switch = incarnation(clock_rate => 100);
		near(ahead($switch), $ahead, 3, 'a restart finds it');
		$_->unregister for $phone, $other;
	};
}

subtest 'a phone that says who it is in a refresh only' => sub {
	my $urn = 'urn:uuid:00000000-0000-1000-8000-000A95A0E129';
	my $instance = ";+sip.instance=\"<$urn>\";reg-id=1";
	stored($switch, 0);
	my $rows = $switch->control('status')->{rows_written};
	$alice->register(contact => $alice->contact . $instance);
	stored($switch, $rows + 1);
	$switch->kill_now;
	$switch = incarnation();
	my $response = $alice->register(contact => '<sip:1001@10.9.9.9>' . $instance);
	is scalar($response->list('Contact')), 1, 'is known by that after a restart';
	is $response->code, 200, 'at whatever address';
	$alice->register(contact => '*', expires => 0);
	$alice->register;
};

subtest 'who was taken out of the file meanwhile' => sub {
	stored($switch, 0);
	$switch->stop;
	$switch = incarnation(users => [1002]);
	is $switch->control('status')->{contacts}, 0, 'is not registered any more';
	$switch->stop;
};

subtest 'what has expired meanwhile' => sub {
	$switch = incarnation(clock_rate => 100);
	my $phone = phone(switch => $switch, user => '1001');
	$phone->register(expires => 60);
	stored($switch, 1);
	$switch->kill_now;
	ok wait_for { $switch->gone } 5;
	$switch = incarnation(clock_rate => 100);
	my $there = $switch->control('status')->{contacts};
	# The row's expiry lies at most 60 s of a clock that ran 100 times as fast ahead.
	$switch->control_until(sub { $_->{contacts} == 0 }, 'status');
	ok $there <= 1, 'is gone when its time comes';
	$switch->wait_log(event => 'expired', user => '1001') if $there;
	$switch->stop;
};

subtest 'switch.keep_contacts: off' => sub {
	$switch = incarnation(switch => {keep_contacts => 'off'});
	phone(switch => $switch, user => '1001')->register;
	$switch->stop;
	$switch = incarnation();
	is $switch->control('status')->{contacts}, 0, 'none is kept';
	$switch->stop;
};

subtest 'another port' => sub {
	$switch = incarnation();
	phone(switch => $switch, user => '1001')->register;
	stored($switch, 1);
	$switch->stop;
	$port = 0;
	$switch = incarnation();
	is $switch->control('status')->{contacts}, 0, 'no way leads to them from there';
	ok grep({ $_->{unreachable} == 1 } $switch->log_events(event => 'contacts-restored')),
		'and the log says so';
};

subtest 'a database that is none' => sub {
	$switch->stop;
	unlink map { "$state/holdline.db$_" } '', '-wal', '-shm';
	open my $out, '>', "$state/holdline.db" or die $!;
	print $out "These are no pages of a database.\n" x 100;
	close $out;
	my $bad = switch_object(config => {switch => {state_dir => $state}});
	my ($status, $log) = $bad->run;
	isnt $status, 0, 'the switch does not start';
	like $log, qr/holdline\.db: .*not a database.*move the file away/, 'and says what to do';
	unlink "$state/holdline.db";
	system 'sqlite3', "$state/holdline.db", 'PRAGMA application_id = 7; CREATE TABLE songs (name)';
	SKIP: {
		skip 'sqlite3 is not installed', 1 if $?;
		($status, $log) = switch_object(config => {switch => {state_dir => $state}})->run;
		like $log, qr/holdline\.db: is the database of another program; move/, 'nor over a foreign one';
	}
};

finish();
