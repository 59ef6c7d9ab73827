# D5: parameters answer to their VOS3000 names, whatever the spelling; set twice is an error.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Holdline::Test;

sub check {
	my ($vos3000, %plugins) = @_;
	return switch_object(args => ['--check'], config => {
		plugins => {registrar => {}, %plugins}, vos3000 => $vos3000})->run;
}

my $switch = start_switch(config => {
	plugins => {registrar => {}, keepalive => {send_interval => 400}},
	vos3000 => {SS_SIP_NAT_KEEP_ALIVE_PERIOD => 45, SS_SIP_NAT_KEEP_ALIVE_MESSAGE => 'PING',
		sssipnatkeepalivesendonetime => 100}});
my $keepalive = $switch->control('keepalive');
is $keepalive->{period}, 45, 'a number under its VOS3000 name';
is $keepalive->{message}, 'PING', 'bytes';
is $keepalive->{send_one_time}, 100, 'in a spelling without underscores';
is $keepalive->{send_interval}, 400, 'beside one under its own name';
$switch->stop;

for my $spelling (qw(SS_MEDIAPROXYBEHINDNAT SS_MEDIA_PROXY_BEHIND_NAT)) {
	my ($exit) = check({$spelling => 'off'}, 'media-proxy' => {});
	is $exit, 0, "$spelling is known";
}
my ($exit, $text) = check({SS_MEDIAPROXYBEHINDNAT => 'off', SS_MEDIA_PROXY_BEHIND_NAT => 'off'},
	'media-proxy' => {});
is $exit, 2, 'both spellings at once are an error';
like $text, qr/:\d+:\d+: vos3000\.\w+: is set twice: it is media-proxy\.behind_nat, .*:\d+:\d+$/m,
	'with both places';
($exit, $text) = check({SS_SIP_SESSION_TTL => 600}, 'session-timer' => {ttl => 600});
is $exit, 2, 'so is a parameter under both its names';
like $text, qr/vos3000\.SS_SIP_SESSION_TTL: is set twice: it is session-timer\.ttl/, 'which says so';
($exit, $text) = check({SS_SIP_SESSION_TTL => 600});
is $exit, 2, 'a name of a plugin that is not enabled is an error';
like $text, qr/vos3000\.SS_SIP_SESSION_TTL: is a parameter of the plugin session-timer, which is not/,
	'which names the plugin';
($exit, $text) = check({SS_SIP_SESSION_TTTL => 600}, 'session-timer' => {});
like $text, qr/no parameter has this VOS3000 name; did you mean SS_SIP_SESSION_TTL\?/,
	'an unknown name is told the nearest';
finish();
