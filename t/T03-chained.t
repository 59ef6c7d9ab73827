#!/usr/bin/perl
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Holdline::Test;

# Two switches in a chain, each with timers on both its legs: one of them refreshes the leg between
# them, the other watches, and neither ever meets the other's refresh.
my $rate = 20;
my %port = map { $_ => Holdline::Test::Sipp::free_port('127.0.0.1') } qw(near far);

sub chained {
	my ($own, $other, $user, %arg) = @_;
	return start_switch(users => [$user], clock_rate => $rate, config => {
		switch => {listen => ["udp:127.0.0.1:$port{$own}"]},
		plugins => {registrar => {}, 'session-timer' => {ttl => 90, update_segment => 3}},
		gateways => {$other => {address => "sip:127.0.0.1:$port{$other}",
			prefix => $own eq 'near' ? '2' : '1', %arg}}});
}

# refresher as the nearer switch is told; who then refreshes the leg between, seen from the nearer.
for my $case (['auto', 'switch'], ['them', 'peer']) {
	my ($asked, $refresher) = @$case;
	my $near = chained('near', 'far', 1001, refresher => $asked);
	my $far = chained('far', 'near', 2001);
	my ($alice, $bob) = map { phones($_) } $near, $far;
	my $out = $alice->invite('2001', sdp => 1);
	my $in = $bob->incoming;
	$in->answer(sdp => 1);
	$out->answered;
	my $between = sub { my ($switch, $leg) = @_;
		return $switch->control('calls')->[0]{legs}[$leg]{timer} };
	is($between->($near, 1)->{refresher}, $refresher, "refresher: $asked: the nearer switch agrees");
	is($between->($far, 0)->{refresher}, $refresher eq 'peer' ? 'switch' : 'peer',
		'the other says the same from its side');
	for my $switch ($near, $far) {
		$switch->control_until(sub { 2 == grep { $_->{timer}{refreshes} >= 6 } @{$_[0][0]{legs}} },
			'calls');
	}
	pass('both legs of both switches outlive their session twice');
	is(scalar(() = $_->log_events(event => 'refresh-refused')), 0, 'no refresh was refused')
		for $near, $far;
	my @met = map { $_->seen(sub { ($_[0]->code || 0) == 491 }) } $alice, $bob;
	is(scalar @met, 0, 'and nobody saw a 491');
	my $hold = $alice->sdp_text({direction => 'sendonly', version => 2});
	is($out->reinvite(sdp => $hold)->code, 200, 'hold passes through both');
	is($in->expect('INVITE')->body, $hold, 'and arrives as it was');
	is($between->($near, 1)->{refresher}, $refresher, 'who refreshes is as before');
	is($in->bye->code, 200, 'the far end hangs up');
	ok($out->ended, 'and the near one hears of it');
	my ($cdr) = $far->cdrs(1);
	is($cdr->{caller_timer}, sprintf('90 s, refresher %s', $refresher eq 'peer' ? 'switch' : 'peer'),
		'the record says who refreshed');
	$_->stop for $near, $far;
	$_->close for $alice, $bob;
}
done_testing();
