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

# Every name of the requirement, in both spellings, with all plugins there are.
my @names = qw(SS_SIP_NAT_KEEP_ALIVE_MESSAGE SS_SIP_NAT_KEEP_ALIVE_PERIOD
	SS_SIP_NAT_KEEP_ALIVE_SEND_INTERVAL SS_SIP_NAT_KEEP_ALIVE_SEND_ONE_TIME SS_ENDPOINT_EXPIRE
	SS_ENDPOINT_NAT_EXPIRE SS_ENDPOINT_REGISTER_REPLACE SS_SIP_SESSION_TTL
	SS_SIP_SESSION_UPDATE_SEGMENT SS_SIP_SESSION_TIMEOUT_EARLY_HANGUP
	SS_SIP_NO_TIMER_REINVITE_INTERVAL SS_SIP_SESSION_MIN_SE SS_MEDIA_PROXY_MODE
	SS_MEDIA_PROXY_BETWEEN_NET SS_MEDIA_PROXY_BEHIND_NAT SS_AUTHENTICATION_MAX_RETRY
	SS_AUTHENTICATION_FAILED_SUSPEND SS_REPLY_UNAUTHORIZED SS_SIP_TIMEOUT_INVITE
	SS_SIP_TIMEOUT_TRYING SS_SIP_TIMEOUT_SESSION_PROGRESS SS_SIP_TIMEOUT_SESSION_PROGRESS_SDP
	SS_SIP_TIMEOUT_RINGING SS_SIP_USER_AGENT_EXPIRE SS_SIP_USER_AGENT_RETRY_DELAY
	SS_SIP_USER_AGENT_SEND_UNREGISTER SS_SIP_USER_AGENT_PRIVACY SS_SIP_E164_DISPLAY_FROM
	SS_SIP_ROUTING_GATEWAY_INVITE_USE_CONTACT SS_SIP_PUBLISH_EXPIRE SS_SIP_OPTIONS_CHECK_PERIOD
	SS_SIP_RESEND_INTERVAL);
my (undef, $json) = switch_object(args => ['--params=json'])->run;
my %row = map { $_->{vos3000} ? ($_->{vos3000} => $_) : () } @{JSON::PP->new->utf8->decode($json)};
is_deeply [grep { !$row{$_} } @names], [], 'every name of the requirement is a parameter';
my %all = map { m{([\w-]+)\.so$} ? ($1 => {}) : () } glob "$ENV{HOLDLINE_PLUGIN_DIR}/*.so";
for my $spelled (sub { $_[0] }, sub { (my $name = $_[0]) =~ s/_//g; $name =~ s/^SS/SS_/; $name }) {
	my %given = map { my $value = $row{$_}{default};
		($spelled->($_) => JSON::PP::is_bool($value) ? ($value ? 'on' : 'off') : $value) } grep { $row{$_} } @names;
	($exit, $text) = check(\%given, %all);
	is $exit, 0, 'all of them can be given at once' or diag $text;
}
($exit, $text) = check({SS_SIP_PUBLISH_EXPIRE => 600, SS_SIP_RESEND_INTERVAL => '1,2,4'});
is $exit, 0, 'those without a meaning here are taken';
like $text, qr/warning: switch\.$_: has no effect/, "$_: and warned of" for qw(publish_expire resend_interval);
finish();
