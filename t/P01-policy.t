#!/usr/bin/perl
# A script of the user's own: every function of the contract, asked by a real switch.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Digest::MD5 qw(md5_hex);
use Holdline::Test;

my $gateway = phone(user => 'carrier', server => '127.0.0.1:1');
my $ha1 = md5_hex('2002:holdline.test:from-ha1');
my $switch = start_switch(users => [1001, 1002, 1003, 1004], clock_rate => 20,
	config => {gateways => {'carrier-a' => {address => 'sip:' . $gateway->address, prefix => '00'}},
		endpoints => {map { $_ => {} } 2001, 2002},
		plugins => {registrar => {expire => 1000}, keepalive => {period => 30, targets => 'all'},
			'session-timer' => {no_timer_max_duration => 5000}, 'media-proxy' => {mode => 'auto'}}},
	lua => <<"LUA");
local policy = {}

function policy.keepalive(endpoint)
	if endpoint.user == "1001" then
		return { message = "beat " .. endpoint.user, period = 10 }, "own beat"
	elseif endpoint.user == "1002" then
		return false, "silence"
	elseif endpoint.user == "1003" then
		return { method = "options", period = 15 }
	end
end

function policy.no_timer(call, leg)
	if leg.user_agent == "limited" then return 600, "limit for " .. leg.side end
	if leg.user_agent == "free" then return 0, "free" end
	if leg.user_agent == "probed" then
		return { max_duration = 700, action = "probe" }, "probing " .. call.callee.user
	end
end

function policy.media(call)
	local wish = call:header("Subject")
	if wish == "relay" then return "on", "by subject" end
	if wish == "direct" then return "off", "by subject" end
end

function policy.register(endpoint)
	if endpoint.user_agent == "short" then return { expires = 120 } end
	if endpoint.user_agent == "long" then return { expires = 86400 } end
	if endpoint.user_agent == "banned" then
		return { reject = 603, reason = "Not You" }, "no bans here"
	end
end

function policy.credentials(user, realm)
	if user == "2001" then return { password = "from-" .. realm } end
	if user == "2002" then return { ha1 = "$ha1", algorithm = "MD5" } end
end

local routes = {
	["500"] = { "user:1002" },
	["501"] = { "gateway:carrier-a" },
	["502"] = { { "user:1002", "user:1003" } },
	["503"] = { "user:1002", "user:1003" },
	["504"] = { reject = 486, reason = "Closed Today" },
	["505"] = {},
	["506"] = { "gateway:nowhere" },
	["00506"] = { "gateway:nowhere" },
	["507"] = { "user:1004" },
}
function policy.route(call)
	local to = call.request_uri:match("^sips?:(%d+)\@")
	if to == "508" then return { "sip:guest\@" .. call:header("X-Guest") } end
	return routes[to], "table " .. (to or "?")
end

function policy.answered(call)
	log.info("answered", call.id, call.caller.user .. "->" .. call.callee.user, call.answered > 0)
end

function policy.ended(cdr)
	log.info("ended", cdr.id, cdr.caller .. "->" .. cdr.callee, cdr.reason, cdr.sip_code)
end

return policy
LUA

# credentials
{
	my ($password, $ha1_user) = map { phone(switch => $switch, user => $_->[0], password => $_->[1]) }
		['2001', 'from-holdline.test'], ['2002', 'from-ha1'];
	is($password->register->code, 200, 'credentials: a password');
	is($ha1_user->register->code, 200, 'credentials: an HA1');
	$password->{password} = 'other';
	is($password->register->code, 403, 'credentials: another password is wrong');
	is($_->unregister->code, 200, "$_->{user} leaves") for $ha1_user;
}

my ($alice, $bob, $carol) = map { phone(switch => $switch, user => $_, timer => 0) } 1001, 1002, 1003;

# register
for my $case (['short', 120], ['long', 1000], ['Holdline-Test', 1000]) {
	$alice->{user_agent} = $case->[0];
	my $granted = $alice->register(expires => 3600);
	like($granted->header('Contact'), qr/;expires=$case->[1]\b/, "register: $case->[0] gets $case->[1] s");
}
$alice->{user_agent} = 'banned';
my $refused = $alice->register;
is($refused->code, 603, 'register: a refusal');
is($refused->reason, 'Not You', 'in the words of the script');
is($switch->endpoint('1001')->{user_agent}, 'Holdline-Test', 'and the contact of before stands');
$alice->{user_agent} = 'Holdline-Test';
$_->register for $bob, $carol;

# keepalive
{
	my %beat = map { $_ => $switch->endpoint($_)->{keepalive} } 1001, 1002, 1003;
	is($beat{1001}{decided_by}, 'own beat', 'keepalive: the rule that decided');
	is($beat{1001}{message}, 'beat 1001', 'keepalive: its payload');
	is($beat{1001}{period}, 10, 'keepalive: its period');
	ok(!$beat{1002}{enabled}, 'keepalive: false is none');
	is($beat{1002}{decided_by}, 'silence', 'keepalive: by its rule');
	is($beat{1003}{method}, 'options', 'keepalive: its method');
	is($beat{1003}{decided_by}, 'policy', 'keepalive: a decision without a name is the policy\'s');
	$_->forget for $alice, $bob, $carol;
	my @beat = map { $alice->heartbeat } 1 .. 3;
	is($beat[0]->bytes, 'beat 1001', 'keepalive: the payload on the wire');
	near(($beat[2]->at - $beat[0]->at) * 20, 20, 2, 'keepalive: each period');
	ok($carol->expect('OPTIONS'), 'keepalive: OPTIONS on the wire');
	is(scalar $bob->heartbeats, 0, 'keepalive: nothing on the wire');
}

my $records = 0;
sub hang_up {
	my ($out, $in) = @_;
	is($out->bye->code, 200, 'hung up');
	$in->ended;
	return ($switch->cdrs(++$records))[-1];
}

# no_timer
for my $case (['limited', 600, 'limit for caller'], ['free', undef, undef],
	['probed', 700, 'probing 1002'], ['Holdline-Test', 5000, 'default']) {
	my ($agent, $limit, $rule) = @$case;
	$alice->{user_agent} = $agent;
	my ($out, $in) = answered_call($alice, '1002', $bob);
	my $leg = $switch->control('calls')->[0]{legs}[0];
	is($leg->{limit_by}, $rule, "no_timer: $agent: the rule") if $rule;
	near($leg->{limit_in}, $limit, 20, "no_timer: $agent: the limit") if $limit;
	is($leg->{limit_in}, undef, "no_timer: $agent: no limit") if !$limit;
	my $cdr = hang_up($out, $in);
	like($cdr->{caller_timer}, $limit ? qr/limit $limit s by \Q$rule\E/ : qr/no limit by free/,
		"no_timer: $agent: recorded");
}
$alice->{user_agent} = 'Holdline-Test';

# media
for my $case (['relay', 1, 'policy: by subject'], ['direct', 0, 'policy: by subject'],
	['none', 0, qr/^auto:/]) {
	my ($subject, $relayed, $reason) = @$case;
	my ($out, $in) = answered_call($alice, '1002', $bob, headers => [Subject => $subject]);
	my $port = $out->remote_sdp->{port};
	my $cdr = hang_up($out, $in);
	is(!!$cdr->{media_relayed}, !!$relayed, "media: $subject: relayed or not");
	ref $reason ? like($cdr->{media_reason}, $reason, "media: $subject: the reason")
		: is($cdr->{media_reason}, $reason, "media: $subject: the reason");
}

# route, answered, ended
{
	my ($out, $in) = answered_call($alice, '500', $bob);
	my $id = $switch->control('calls')->[0]{id};
	is($switch->control('calls')->[0]{routed_by}, 'table 500', 'route: the rule');
	like($switch->wait_log(tag => 'policy', line => qr/\banswered\b.*\Q$id\E/)->{line},
		qr/1001->500|1001->1002/, 'answered: the script was told');
	my $cdr = hang_up($out, $in);
	is($cdr->{callee}, '500', 'route: the record has the number that was called');
	like($switch->wait_log(tag => 'policy', line => qr/\bended\b.*\Q$id\E/)->{line},
		qr/1001->500.*Normal.*200/, 'ended: the script got the record');
}
{
	my ($out, $in) = answered_call($alice, '501', $gateway);
	like($in->invite_message->uri, qr/^sip:501\@/, 'route: to a gateway');
	is(hang_up($out, $in)->{gateway}, 'carrier-a', 'route: recorded');
}
{
	my $out = $alice->invite('502', sdp => 1);
	my @in = map { $_->incoming } $bob, $carol;
	$_->respond(180) for @in;
	is($out->expect(180)->code, 180, 'route: a nested list rings together');
	$in[1]->answer(sdp => 1);
	$out->answered;
	ok($in[0]->expect('CANCEL'), 'route: and the others stop when one answers');
	hang_up($out, $in[1]);
}
{
	my $out = $alice->invite('503', sdp => 1);
	my $in = $bob->incoming;
	is(scalar(grep { $_->uri =~ /1003/ } $carol->seen('INVITE')), 1, 'route: a flat list rings one by one');
	$in->reject(486);
	$in = $carol->incoming;
	$in->answer(sdp => 1);
	$out->answered;
	hang_up($out, $in);
}
{
	my $answer = $alice->invite('504', sdp => 1)->failed;
	is($answer->code, 486, 'route: a refusal');
	is($answer->reason, 'Closed Today', 'in the words of the script');
	is(($switch->cdrs(++$records))[-1]{sip_code}, 486, 'and recorded');
	is($alice->invite('505', sdp => 1)->failed->code, 404, 'route: {} is nobody');
	is(($switch->cdrs(++$records))[-1]{sip_code}, 404, 'and recorded');
}
{
	is($alice->invite('506', sdp => 1)->failed->code, 404, 'route: an unknown gateway: as by default');
	$records++;
	like($switch->wait_log(tag => 'policy', event => 'route-target')->{line}, qr/gateway:nowhere/,
		'and the log names it');
	my ($out, $in) = answered_call($alice, '00506', $gateway);
	is(hang_up($out, $in)->{gateway}, 'carrier-a', 'route: default routing follows');
}
{
	is($alice->invite('507', sdp => 1)->failed->code, 480, 'route: a user who is not registered');
	$records++;
	my ($out, $in) = answered_call($alice, '508', $gateway, headers => ['X-Guest' => $gateway->address]);
	is($in->invite_message->uri, 'sip:guest@' . $gateway->address, 'route: to a SIP address');
	hang_up($out, $in);
}
is(scalar($switch->log_events(tag => 'policy', event => 'failed')), 0, 'no function failed');
finish;
