# G1: Contacts that are allowed, and odd: what of them is kept, and what comes of it in a request.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Holdline::Test;

my $rate = 20;
my $switch = start_switch(users => [1001, 1002, 1003], clock_rate => $rate, config => {plugins => {
	registrar => {}, keepalive => {period => 10, method => 'options', targets => 'all'}}});
my ($phone, $other) = map { phone(switch => $switch, user => $_) } 1001, 1002;
my $at = $phone->host_port;
is $other->register->code, 200, 'somebody to call from';

sub uris { return sort map { $_->{contact} } @{$switch->control('endpoints', user => $_[0])} }

# The Request-URIs of a call and of a ping to what was registered as that Contact.
sub requested {
	my ($uri) = @_;
	$phone->register(contact => '*', expires => 0);
	$phone->register(contact => "<$uri>");
	is_deeply [uris('1001')], [$uri], "$uri is kept as sent";
	$phone->forget;
	my $ping = $phone->expect('OPTIONS', 5);
	my $call = $other->invite('1001', sdp => 1);
	my $in = $phone->incoming;
	my $invite = $in->invite_message;
	$in->respond(486);
	$call->failed;
	return ($ping->{uri}, $invite->{uri});
}

subtest 'RFC 3261 §19.1.1: no headers and no method in a Request-URI' => sub {
	my %shown = (
		"sip:1001\@$at?Replaces=abc" => "sip:1001\@$at",
		"sip:1001\@$at;x=y;method=BYE;z?Replaces=abc&a=b" => "sip:1001\@$at;x=y;z",
		"sip:1001\@$at;METHOD=INVITE" => "sip:1001\@$at",
		"sip:1001\@$at;transport=udp;line=kx7" => "sip:1001\@$at;transport=udp;line=kx7",
	);
	for my $uri (sort keys %shown) {
		is $_, $shown{$uri}, "is $shown{$uri} in a request" for requested($uri);
	}
};

subtest 'two devices with the same Call-ID' => sub {
	my @phone = map { phone(switch => $switch, user => '1003') } 1, 2;
	is $phone[0]->register(call_id => 'same@test', cseq => 100)->code, 200, 'the first';
	is $phone[1]->register(call_id => 'same@test', cseq => 7)->code, 200,
		'the second, whose CSeq is lower';
	is scalar(my @two = uris('1003')), 2, 'are two contacts';
	is $phone[0]->register(call_id => 'same@test', cseq => 90)->code, 500,
		'each with an order of its own';
	is $phone[1]->register(call_id => 'same@test', cseq => 2_000_000_000)->code, 200,
		'a CSeq may jump';
	is $phone[1]->register(call_id => 'same@test', cseq => 20)->code, 500, 'but not back';
	is $phone[1]->register(call_id => 'new@test', cseq => 20, contact => '*', expires => 0)->code,
		200, 'unless it is a new Call-ID';
};

subtest 'what a Contact says twice, the first counts' => sub {
	my $response = $phone->register(contact => "<sip:1001\@$at>;expires=60;expires=0;q=0.5;q=1");
	is $response->code, 200, 'it is registered';
	is $response->params('Contact')->{expires}, 60, 'for the first expiry';
};

finish;
