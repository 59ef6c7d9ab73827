# doc/policy.md and scripts/examples are true: every script in them runs, every configuration is taken,
# every function and field is named.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use File::Temp qw(tempdir);
use Holdline::Test;

$ENV{HOLDLINE_SCRIPT_DIR} = source_path('scripts');
my $dir = tempdir(CLEANUP => 1);
sub slurp { my ($path) = @_; open my $in, '<', $path or die "$path: $!"; local $/; return scalar <$in> }
sub spew { my ($path, $text) = @_; open my $out, '>', $path or die; print $out $text; close $out; return $path }
sub policy_test {
	my (@args) = @_;
	my $text = `@{[join ' ', map { "'$_'" } $ENV{HOLDLINE}, '--policy-test', @args]} 2>&1`;
	return ($? >> 8, $text);
}

my $page = slurp(source_path('doc/policy.md'));
my @lua = $page =~ /^```lua\n(.*?)^```$/msg;
cmp_ok scalar(@lua), '>=', 2, 'scripts in the guide';
for my $i (0 .. $#lua) {
	my $script = spew("$dir/script$i.lua", $lua[$i]);
	my ($exit, $text) = policy_test($script);
	is $exit, 0, "script $i runs" or diag $text;
}
my ($exit, $text) = policy_test("$dir/script0.lua", '--endpoint',
	'{"user_agent": "Yealink T4", "network": "cgnat"}');
like $text, qr/keepalive\s+"\\r\\n\\r\\n" each 15 s\s+yealink behind cgnat/, 'and decides as it is said to';
(undef, $text) = policy_test("$dir/script1.lua");
like $text, qr/^ok $_$/m, 'its tests are run' for qw(leaves_others_alone probes_the_old_pbx);

for my $yaml ($page =~ /^```yaml\n(.*?)^```$/msg) {
	my $switch = switch_object(args => ['--check'], yaml => "switch: {plugin_dir: $ENV{HOLDLINE_PLUGIN_DIR}}\n$yaml");
	$switch->write_file('my-policy.lua', $lua[0]);
	my ($good, $said) = $switch->run;
	is $good, 0, 'a configuration in the guide' or diag $said;
}

my $names = slurp(source_path('core/policy/host.c'));
my @functions = $names =~ /\[HL_POLICY_\w+\] = "(\w+)"/g;
is_deeply [grep { $page !~ /`\Q$_\E\(/ } @functions], [], 'every function is in it';
my $views = slurp(source_path('core/policy/views.c'));
my @fields = $views =~ /(?:set_\w+\(lua, |lua_setfield\(lua, -2, )"(\w+)"/g;
cmp_ok scalar(@fields), '>', 30, 'fields';
my %cdr = map { $_ => 1 } ($views =~ /(static void push_cdr.*?^})/ms)[0] =~ /"(\w+)"/g;
is_deeply [grep { !$cdr{$_} && $page !~ /`(?:leg\.|call[.:])?\Q$_\E\b/ } @fields], [], 'every field is in it';
# Types: a script made of the tables of the guide looks at everything that a call is told.
my %table = map { $_ => [] } qw(endpoint call party cdr);
my ($views_of) = $page =~ /^### endpoint\n(.*?)^### What else/ms;
my $about = 'endpoint';
for (split /\n/, $views_of) {
	$about = /^### call/ ? 'call' : /^\| field of a party/ ? 'party' : /^### cdr/ ? 'cdr' : $about;
	my ($names, $type) = /^\| (`.*?) \| (\w+(?: or nil)?) \|/ or next;
	push @{$table{$about}}, map { [$_, $type =~ s/^text/string/r] } $names =~ /`([\w.:]+)/g;
}
my $checks = join '', map { my $what = $_; join '', map { my ($name, $type) = @$_;
	my $value = $what eq 'call' ? $name =~ s/call:header/call:header('X')/r : "$what.$name";
	my $when = $name =~ /^leg\./ ? 'leg' : $what;
	"\tif $when then check('$name', $value, '$type') end\n" } @{$table{$what}} } sort keys %table;
my $lua = "local policy, seen = {}, {}\nlocal function check(name, value, types)\n\tseen[name] = true\n"
	. "\tlocal is = type(value)\n\tif not types:find(is, 1, true) then error(name .. ' is ' .. is .. ', not ' .. types) end\nend\n"
	. "local function look(endpoint, call, leg, cdr, party)\n$checks\nend\n"
	. "function policy.register(e) look(e) end\nfunction policy.keepalive(e) look(e) end\n"
	. "function policy.route(c) look(nil, c) look(nil, nil, nil, nil, c.caller) look(nil, nil, nil, nil, c.callee) end\n"
	. "function policy.media(c) look(nil, c) end\nfunction policy.answered(c) look(nil, c) end\n"
	. "function policy.no_timer(c, leg) look(nil, c, leg) look(nil, nil, nil, nil, c[leg.side]) end\n"
	. "function policy.ended(cdr)\n\tlook(nil, nil, nil, cdr)\n\tfor name in pairs(cdr) do if not seen[name] then error(name .. ' is not in the guide') end end\n"
	. "\tlog.info('looked') end\nreturn policy\n";
my $switch = start_switch(users => [1001, 1002], lua => $lua, config => {plugins => {registrar => {},
	keepalive => {targets => 'all'}, 'session-timer' => {}, 'media-proxy' => {mode => 'on'}}});
my ($alice, $bob) = map { phone(switch => $switch, user => $_, timer => 0) } 1001, 1002;
$_->register for $alice, $bob;
my $out = $alice->invite('1002', sdp => 1);
my $in = $bob->incoming;
$in->answer(sdp => 1);
$out->answered;
$out->bye;
$in->ended;
$alice->invite('1009', sdp => 1)->failed;
ok $switch->wait_log(tag => 'policy', line => qr/looked/) && $switch->wait_log(tag => 'policy', line => qr/looked/),
	'records of both calls were looked at';
is_deeply [map { $_->{error} } $switch->log_events(event => 'failed')], [], 'every field is of the type it is said to be';
cmp_ok scalar(map { @$_ } values %table), '>', 50, 'which are many';
$switch->stop;
for my $parameter (qw(max_instructions max_time_ms max_memory_mb)) {
	like $page, qr/`policy\.$parameter`/, "policy.$parameter";
}

# The examples, each with the configuration in its head and something it must decide.
my %decides = (
	'vendor-payloads' => ['{"user_agent": "Yealink T46"}', qr/keepalive\s+"\\r\\n\\r\\n"\s+yealink/],
	'mobile-period' => ['{"network": "lte"}', qr/register\s+expires after 180 s\s+mobile.*keepalive\s+the configured message each 25 s\s+mobile/s],
	'least-cost' => ['{"calls": "004930123"}', qr/route\s+gateway:carrier-a, then gateway:carrier-b\s+prefix 0049/],
	'premium-numbers' => ['{"user": "1002", "calls": "0900123"}', qr/route\s+refused with 403 Premium Numbers Are Blocked\s+premium numbers/],
	'call-center' => ['{"user": "2001"}', qr/a call caller\s+no_timer\s+1800 s, then probe\s+call centre/],
	'turn-credentials' => ['{"user": "alice", "realm": "example.org"}', qr/credentials\s+MD5 \(not shown\)/],
	'turn-rest' => ['{"user": "alice"}', qr/register\s+as configured, with (?:X-Turn-\w+(?:, )?){3}\s+turn/],
	'cgnat' => ['{"received": "100.64.3.4"}', qr/media\s+relayed\s+cgnat/],
	'office-hours' => ['{"user": "x", "calls": "00900"}', qr/route\s+refused with 403/],
	'hotdesk' => ['{"user": "2042"}', qr/credentials\s+a password/],
);
my @examples = map { m{([\w-]+)\.lua$} } glob source_path('scripts/examples/*.lua');
is_deeply [sort @examples], [sort keys %decides], 'every example is tried';
is_deeply [grep { $page !~ /`\Q$_\E\.lua`/ } @examples], [], 'and named in the guide';
for my $name (sort keys %decides) {
	my $script = source_path("scripts/examples/$name.lua");
	my @config;
	if (slurp($script) =~ /^--\n((?:--\t.*\n)+)/m) {
		my $yaml = $1 =~ s/^--\t//mgr;
		$yaml =~ s/script: \Q$name\E\.lua/script: $script/;
		$yaml .= "gateways:\n" . join '', map { "  $_: {address: 'sip:127.0.0.1:50$_'}\n" =~ s/50carrier-(.)/50 . (10 + ord($1) % 10)/er }
			qw(carrier-a carrier-b carrier-c) if $name eq 'least-cost';
		@config = ('-c', spew("$dir/$name.yaml", "switch: {plugin_dir: $ENV{HOLDLINE_PLUGIN_DIR}}\n$yaml"));
	}
	my ($code, $said) = policy_test($script, '--endpoint', $decides{$name}[0], @config);
	is $code, 0, "$name.lua runs" or diag $said;
	like $said, $decides{$name}[1], "$name.lua decides";
}
finish;
