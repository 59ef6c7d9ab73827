# G1: Path (RFC 3327): stored, given back to who understands it, and the Route of calls and pings.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Holdline::Test;

my $switch = start_switch(users => [1001, 1002, 1003], clock_rate => 5, config => {plugins => {
	registrar => {}, keepalive => {period => 10, method => 'options', targets => 'all'},
	'media-proxy' => {}}});
my @path = ('<sip:core.example;lr>', '"Edge, west" <sip:edge.example:5070;lr;ob>;x=1');
my $path = join ', ', @path;

sub count { return scalar @{$switch->control('endpoints', user => $_[0])} }

subtest 'who understands it gets it back' => sub {
	my $phone = phone(switch => $switch, user => '1001');
	my $echo = $phone->register(headers => [Path => $path, Supported => 'path, gruu']);
	is $echo->code, 200, 'registered';
	is join(', ', $echo->headers('Path')), $path, 'the 200 has the Path as it came';
	$echo = $phone->register(headers => [Path => [@path], Supported => 'path']);
	is join(', ', $echo->headers('Path')), $path, 'from two lines, too';
	my $silent = $phone->register(headers => [Path => $path]);
	is $silent->code, 200, 'who does not is registered all the same';
	is_deeply [$silent->headers('Path')], [], 'and told nothing';
	is $phone->register(headers => [Path => $path, Require => 'path'])->code, 200, 'Require: path';
	$phone->unregister;
};

subtest 'it is the Route, in order' => sub {
	my $callee = phone(switch => $switch, user => '1002');
	is $callee->register(headers => [Path => $path])->code, 200, 'registered';
	my $caller = phone(switch => $switch, user => '1001');
	$caller->register;
	my $call = $caller->invite('1002', sdp => 1);
	my $in = $callee->incoming;
	my $invite = $in->invite_message;
	is join(', ', $invite->headers('Route')), $path, 'of a call';
	is $invite->uri, 'sip:1002@' . $callee->host_port, 'which is for the Contact';
	$in->respond(200, sdp => 1);
	$call->answered;
	$call->bye;
	my $ping = $callee->wait_message('OPTIONS', 10);
	is $ping && join(', ', $ping->headers('Route')), $path, 'of a ping';
	is $ping && $ping->uri, 'sip:1002@' . $callee->host_port, 'which is for the Contact';
	$callee->register(headers => [Path => $path[1]]);
	$caller->invite('1002', sdp => 1);
	$callee->forget;
	is join(', ', $callee->incoming->invite_message->headers('Route')), $path[1], 'a REGISTER by another way changes it';
};

subtest 'what leads nowhere or round in a circle' => sub {
	my $phone = phone(switch => $switch, user => '1003');
	my $self = $switch->address('udp');
	my %wrong = (
		"<sip:$self;lr>" => 482,
		"<sip:edge.example;lr>, <sip:$self;lr>" => 482,
		'<sip:edge.example;lr>, <sip:b.example;lr>, <sip:EDGE.example;lr>' => 482,
		'sip:edge.example;lr' => 400,
		'<sip:edge.example;lr' => 400,
		'<tel:+49>' => 400,
		'<sip:>' => 400,
		join(', ', map { "<sip:p$_.example;lr>" } 1 .. 17) => 400,
		'<sip:' . 'x' x 2100 . '.example;lr>' => 400,
	);
	for my $value (sort keys %wrong) {
		my $response = $phone->register(headers => [Path => $value, Supported => 'path']);
		is $response->code, $wrong{$value}, substr($value, 0, 60) . ": $wrong{$value}";
	}
	is count('1003'), 0, 'nobody was registered by it';
	my $long = join ', ', map { "<sip:p$_.example;lr>" } 1 .. 16;
	is $phone->register(headers => [Path => $long])->code, 200, 'sixteen proxies are not too many';
};

finish;
