# Credentials for a TURN server that end by themselves: the example hands them out with each
# registration, as coturn's use-auth-secret expects them.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Digest::SHA qw(hmac_sha1_base64);
use Holdline::Test;

my $lua = do { local (@ARGV, $/) = source_path('scripts/examples/turn-rest.lua'); <> };
my $rule = {turn_secret => 'north', turn_server => 'turn:turn.example.org:3478', turn_seconds => 600};
my $switch = start_switch(users => [1001, 1002], lua => $lua, config => {policy => {rules => [$rule]}});
my ($alice, $bob) = phones($switch);
my $answer = $alice->register;
is $answer->code, 200, 'a phone registers';
is $answer->header('X-Turn-Server'), 'turn:turn.example.org:3478', 'it is told the server';
my ($until, $user) = $answer->header('X-Turn-Username') =~ /^(\d+):(.*)$/;
is $user, '1001', 'a name of its own';
near($until, time + 600, 5, 'that ends');
my $mac = hmac_sha1_base64("$until:$user", 'north');
$mac .= '=' while length($mac) % 4;
is $answer->header('X-Turn-Password'), $mac, 'and the HMAC of it as password';
isnt $bob->register->header('X-Turn-Password'), $mac, 'another phone gets another one';
is $alice->unregister->header('X-Turn-Password'), undef, 'who leaves gets none';

my ($row) = grep { $_->{decision} eq 'register' } @{$switch->control('policy', op => 'explain', user => '1001')};
like $row->{answer}, qr/^as configured, with X-Turn-\w+, X-Turn-\w+, X-Turn-\w+$/, 'explain names the headers';
unlike(JSON::PP->new->encode($row), qr{north|\Q$mac\E}, "and shows no secret");

# What the functions do not take is an error in the script, and the default holds.
for my $case (['hmac("MD5", "k", "t")', qr/crypto\.hmac: algorithm is MD5; allowed: SHA-1, SHA-256/],
	['hmac("SHA-1", "k")', qr/crypto\.hmac: takes 3 texts, not 2/],
	['hmac("SHA-1", 5, "t")', qr/crypto\.hmac: argument 2 is not text/],
	['base64(("x"):rep(4097))', qr/crypto\.base64: argument 1 has more than 4096 bytes/],
	['hex({})', qr/must be text, a number/], ['none("x")', qr/attempt to call a nil value \(field 'none'\)/]) {
	my ($call, $says) = @$case;
	$switch->write_file('policy.lua', "return {register = function() return {headers = {['X-A'] = crypto.$call}} end}\n");
	ok $switch->reload->{ok}, "crypto.$call";
	$answer = $alice->register;
	is $answer->code, 200, 'a phone registers all the same';
	is $answer->header('X-A'), undef, 'without the header';
	like $switch->wait_log(event => 'failed', function => 'register')->{error}, $says, 'and the log says why';
}
$switch->write_file('policy.lua', "return {register = function()\n\treturn {headers = {['X-A'] = crypto.hex(crypto.hmac('SHA-256', "
	. "'Jefe', 'what do ya want for nothing?')), ['X-B'] = crypto.base64(''), ['X-C'] = crypto.base64('\\0\\255')}}\nend}\n");
$switch->reload;
$answer = $alice->register;
is $answer->header('X-A'), '5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843', 'HMAC-SHA-256 (RFC 4231, 4.3)';
is $answer->header('X-B'), '', 'nothing in base64 is nothing';
is $answer->header('X-C'), 'AP8=', 'and bytes are bytes';
finish;
