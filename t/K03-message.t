# K3: any byte string is the message; an empty one sends nothing.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Holdline::Test;

my %message = (
	'a double CRLF' => [\'"\r\n\r\n"', "\r\n\r\n"],
	'a zero byte' => [\'"\0"', "\0"],
	'a word' => [\'PING', 'PING'],
	'any bytes' => [\'!!binary "AAH+/w=="', "\x00\x01\xfe\xff"],
	'1,200 bytes' => ['x' x 1200, 'x' x 1200],
);

sub switch_with {
	my ($message) = @_;
	return start_switch(users => [1001], clock_rate => 50, config => {plugins => {registrar => {},
		keepalive => {message => $message, period => 10}}});
}

for my $name (sort keys %message) {
	my ($yaml, $bytes) = @{$message{$name}};
	my $switch = switch_with($yaml);
	my ($phone) = phones($switch, nat => nat());
	is unpack('H*', $phone->heartbeat->bytes), unpack('H*', $bytes), $name;
	$switch->stop;
}

my $switch = switch_with('');
my ($phone) = phones($switch, nat => nat());
quiet(0.7);    # three periods and a half
is scalar $phone->heartbeats, 0, 'an empty message: nothing is sent';
ok !$switch->endpoint('1001')->{keepalive}{enabled}, 'and the switch says so';
$switch->stop;

my ($exit, $text) = switch_object(args => ['--check'], config => {plugins => {
	keepalive => {message => 'x' x 1201}}})->run;
is $exit, 2, 'more than 1,200 bytes are refused';
like $text, qr/:\d+:\d+: plugins\.keepalive\.message: /, 'at its place';

finish;
