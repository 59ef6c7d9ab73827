#!/usr/bin/perl
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Holdline::Test;

# Endpoints as they are: compact and lower-case headers, folded lines, no Allow, no Supported, no
# User-Agent, tel: URIs, and dialogs with hundreds of requests.
my $carrier = phone(user => 'carrier', server => '127.0.0.1:1');
my $switch = start_switch(users => [1001, 1002], config => {
	gateways => {carrier => {address => 'sip:' . $carrier->address, prefix => '+49'}}});
$carrier->{server} = $switch->address('udp');

my %short = ('Call-ID' => 'i', Contact => 'm', From => 'f', To => 't', Via => 'v', Subject => 's',
	'Content-Type' => 'c', 'Content-Length' => 'l', Supported => 'k', 'Session-Expires' => 'x');
my %manner = (
	'compact headers' => sub { my ($name) = @_; $short{$name} || $name },
	'lower case' => sub { lc $_[0] },
	'upper case' => sub { uc $_[0] },
);

# Rewrites the header names of all that a phone sends.
sub oddly {
	my ($phone, $rename) = @_;
	my $link = $phone->link;
	my $send = $link->can('send');
	no strict 'refs';
	my $class = 'Odd' . int rand 1e9;
	@{"${class}::ISA"} = (ref $link);
	*{"${class}::send"} = sub {
		my ($self, $bytes, $to) = @_;
		my ($head, $body) = split /\r\n\r\n/, $bytes, 2;
		$head =~ s/^([A-Za-z-]+):[ ]?/$rename->($1) . ' : '/gme;
		$head =~ s/^((?i:s|subject) :) (.*)/$1\r\n\t$2/m;
		return $send->($self, "$head\r\n\r\n$body", $to);
	};
	bless $link, $class;
	return $phone;
}

sub call {
	my ($from, $number, $to, %arg) = @_;
	my $out = $from->invite($number, sdp => 1, %arg);
	my $in = $to->incoming;
	$in->respond(180);
	$out->expect(180);
	$in->answer(sdp => 1);
	is($out->answered->code, 200, 'answered');
	return ($out, $in);
}

for my $name (sort keys %manner) {
	my @phone = map { oddly(phone(switch => $switch, user => $_), $manner{$name}) } 1001, 1002;
	is($_->register->code, 200, "$name: registered") for @phone;
	my ($out, $in) = call($phone[0], '1002', $phone[1],
		headers => [Subject => 'a long one', 'Session-Expires' => '300;refresher=uac']);
	is($in->invite_message->header('Subject'), 'a long one', 'a folded header is one line');
	is($switch->control('calls')->[0]{legs}[0]{timer}{session_expires}, 300, 'the timer is read');
	is($out->reinvite->code, 200, 're-INVITE');
	is($in->request('INFO', body => 'x')->code, 200, 'INFO');
	is($out->update(headers => ['Session-Expires' => '300;refresher=uac'])->code, 200, 'UPDATE');
	is($out->bye->code, 200, 'BYE');
	ok($in->ended, 'reaches the other');
	$_->unregister && $_->close for @phone;
}

# As little as RFC 3261 allows.
{
	my @phone = map { phone(switch => $switch, user => $_, allow => undef, timer => 0,
		user_agent => undef, rport => 0) } 1001, 1002;
	is($_->register->code, 200, 'without Allow, Supported, User-Agent, rport: registered')
		for @phone;
	my ($out, $in) = call($phone[0], '1002', $phone[1]);
	my @leg = @{$switch->control('calls')->[0]{legs}};
	ok(!$_->{timer}{active} && $_->{limit_in}, "$_->{side}: no timer, but a limit") for @leg;
	is($in->reinvite->code, 200, 're-INVITE');
	is($in->bye->code, 200, 'BYE');
	$out->ended;
	$_->unregister && $_->close for @phone;
}

# Numbers as tel: URIs, escaped characters, and a long dialog.
my ($alice, $bob) = phones($switch);
{
	my $out = $alice->invite('tel:+4930123;phone-context=example.com', sdp => 1);
	my $in = $carrier->incoming(2);
	like($in->invite_message->uri, qr/^sip:\+4930123\@/, 'a tel: URI is the number');
	$in->answer(sdp => 1);
	$out->answered;
	$out->bye;
	$in->ended;
	is(($switch->cdrs(5))[-1]{callee}, '+4930123', 'as the record has it');
	my ($back, $at) = call($carrier, '1002', $bob, from => '<tel:+4940555>;tag=tel');
	like($at->invite_message->header('From'), qr/\+4940555/, 'a tel: caller, too');
	$back->bye;
	$at->ended;
}
{
	my ($out, $in) = call($alice, '1002', $bob);
	my $hold = 1;
	for my $n (1 .. 150) {
		my ($one, $other) = $n % 2 ? ($out, $in) : ($in, $out);
		my $code = $n % 10 ? $one->request('INFO', body => "$n")->code
			: $one->reinvite(sdp => $one->{phone}->sdp_text({version => ++$hold}))->code;
		$code == 200 or fail("request $n: $code"), last;
	}
	is($switch->control('calls')->[0]{state}, 'active', 'a dialog of 150 requests both ways');
	$out->bye;
	$in->ended;
}
is($switch->control('status')->{calls}, 0, 'no call is left');
finish;
