# `policy explain`: every decision about an endpoint or a call, by which rule and line or by default,
# and nothing comes of asking.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Holdline::Test;

my $lua = <<'LUA';
local policy = {version = "7 of May"}
local asked = 0
function policy.keepalive(endpoint)
	asked = asked + 1
	log.info("asked", asked)
	if endpoint.user == "1001" then
		return { message = "beat\r\n", period = 10 + asked, method = "options" }, "own beat"
	end
end
function policy.register(endpoint)
	if endpoint.user == "1002" then return { reject = 403, reason = "Not You" }, "banned" end
	return { expires = 200 }
end
function policy.credentials(user, realm)
	if user == "1001" then return { password = "secret-1001" } end
end
function policy.route(call)
	if call.callee.user == "500" then return { { "user:1001", "user:1003" }, "gateway:a" }, "hunt" end
	return { oops = 1 }
end
function policy.no_timer(call, leg)
	if leg.side == "caller" then return { max_duration = 600, action = "probe" }, "short" end
end
return policy
LUA
my $switch = start_switch(users => [1001, 1002, 1003], lua => $lua,
	config => {plugins => {registrar => {}, keepalive => {targets => 'all'}, 'session-timer' => {}},
		gateways => {a => {address => 'sip:127.0.0.1:9', prefix => '9'}}});
my ($alice, $carol) = map { phone(switch => $switch, user => $_, timer => 0) } 1001, 1003;
$_->register for $alice, $carol;

sub ask { return @{$switch->control('policy', op => 'explain', user => $_[0])} }
sub decision { my ($name, @rows) = @_; return (grep { $_->{decision} eq $name } @rows)[0] }

my $before = $switch->control('metrics');
my $logged = () = $switch->log_events(tag => 'policy');
my @rows = ask('1001');
my $beat = decision('keepalive', @rows);
is $beat->{answer}, '"beat\r\n" each 11 s by options', 'the answer, as at the beginning of the script';
is $beat->{rule}, 'own beat', 'the rule';
like $beat->{line}, qr/policy\.lua:7$/, 'the line that decided';
is decision('register', @rows)->{answer}, 'expires after 200 s', 'a registration';
is decision('register', @rows)->{rule}, 'policy', 'without a name it is the policy';
is decision('credentials', @rows)->{answer}, 'a password (not shown)', 'a password is not shown';
@rows = ask('1002');
is decision('register', @rows)->{answer}, 'refused with 403 Not You', 'who is not registered, too';
is decision('keepalive', @rows)->{rule}, 'default', 'nil is the default';
is decision('keepalive', @rows)->{answer}, 'as configured', 'as configured';
like decision('keepalive', @rows)->{line}, qr/policy\.lua:9$/, 'and where the function ended';

my $out = $alice->invite('500', sdp => 1);
my $in = $carol->incoming;
$in->answer(sdp => 1);
$out->answered;
my $id = $switch->control('calls')->[0]{id};
$before = $switch->control('metrics');
$logged = () = $switch->log_events(tag => 'policy');
@rows = ask($id);
is decision('route', @rows)->{answer}, 'user:1001 with user:1003, then gateway:a', 'a route';
is decision('media', @rows)->{line}, undef, 'a function the script has not: no line';
is_deeply [map { "$_->{about}: $_->{answer} ($_->{rule})" } grep { $_->{decision} eq 'no_timer' } @rows],
	["$id caller: 600 s, then probe (short)", "$id callee: as configured (default)"], 'each leg';
my ($theirs) = grep { $_->{about} eq $id } ask('1001');
ok $theirs, 'a user with a call is told about the call, too';
$out->bye;
$in->ended;

my $other = $alice->invite('1003', sdp => 1);
my $rings = $carol->incoming;
my ($call) = @{$switch->control('calls')};
my $wrong = decision('route', ask($call->{id}));
like $wrong->{failed}, qr/wrong answer: neither a list of targets/, 'what fails says so';
is $wrong->{rule}, 'default', 'and the default holds';
$rings->reject(486);
$other->failed;

# Nothing came of it.
my $after = $switch->control('metrics');
my %calls = map { ($_->{labels} // '') eq 'function="media"' ? ($_->{name} => $_->{value}) : () } @$after;
is $calls{holdline_policy_calls_total}, 0, 'nothing is counted';
is scalar(grep { $_->{line} =~ /own beat|asked [2-9]/ } $switch->log_events(tag => 'policy')), 1,
	'nothing is logged' or diag map { "$_->{line}\n" } $switch->log_events(tag => 'policy');
is $switch->endpoint('1001')->{keepalive}{period}, 11, 'and what was decided stands';

is $switch->control('status')->{policy}{version}, '7 of May', 'status has the version';
like $switch->control_answer('policy', op => 'explain', user => 'nobody')->{error},
	qr/nobody is no endpoint, and no call/, 'nobody';
my $text = `$ENV{HOLDLINECTL} -s @{[$switch->control_path]} policy explain 1001`;
like $text, qr/ABOUT\s+DECISION\s+ANSWER\s+BY\s+AT.*keepalive\s+.*own beat/s, 'holdlinectl has a table';
$switch->stop;

my $bare = start_switch(users => [1001]);
is_deeply [map { "$_->{decision} $_->{rule}" } @{$bare->control('policy', op => 'explain', user => '1001')}],
	['credentials default', 'register default', 'keepalive default'], 'without a script all is default';
my $metrics = $bare->control('metrics', format => 'text');
like $metrics, qr/^# TYPE holdline_policy_calls_total counter\nholdline_policy_calls_total\{function="answered"\} 0$/m,
	'metrics, as Prometheus reads them';
finish;
