# `holdline --policy-test`: a policy and its tests without a switch, for the operator's own CI.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use File::Temp qw(tempdir);
use Holdline::Test;

my $dir = tempdir(CLEANUP => 1);
sub write_file {
	my ($name, $text) = @_;
	open my $out, '>', "$dir/$name" or die;
	print $out $text;
	close $out;
	return "$dir/$name";
}

sub policy_test {
	my (@args) = @_;
	my $command = join ' ', map { "'$_'" } $ENV{HOLDLINE}, '--policy-test', @args;
	my $text = `$command 2>&1`;
	return ($? >> 8, $text);
}

my $good = write_file('good.lua', <<'LUA');
local policy = {version = "3"}
function policy.keepalive(endpoint)
	if endpoint.user_agent:find("^Yealink") and endpoint.network == "cgnat" then
		return {message = "\r\n\r\n", period = 15}, "yealink"
	end
	if endpoint.settings and endpoint.settings.slow then return {period = 600}, "slow" end
end
function policy.route(call)
	if call.callee.user == "110" then return {"gateway:police"}, "emergency" end
end
policy.tests = {
	keepalive_of_a_yealink = function()
		local answer = policy.keepalive {user_agent = "Yealink T46", network = "cgnat"}
		assert(answer.period == 15, "fifteen seconds")
	end,
	others = function() return policy.keepalive {user_agent = "Snom"} == nil end,
}
function policy.selftest() assert(policy.keepalive) end
return policy
LUA
my ($exit, $text) = policy_test($good, '--endpoint',
	'{"user": "1007", "user_agent": "Yealink T46", "network": "cgnat", "calls": "110"}');
is $exit, 0, 'a good policy: exit 0' or diag $text;
like $text, qr/good\.lua, version 3/, 'its version';
like $text, qr/^ok selftest$/m, 'its selftest';
like $text, qr/^ok keepalive_of_a_yealink$/m, 'its tests';
like $text, qr/^ok others$/m, 'each of them';
like $text, qr/^1007\@holdline\s+keepalive\s+"\\r\\n\\r\\n" each 15 s\s+yealink\s+\S*good\.lua:4$/m,
	'a table of decisions, by which rule and line';
like $text, qr/^a call\s+route\s+gateway:police\s+emergency\s+\S*good\.lua:9$/m, 'about a call, too';
like $text, qr/^a call\s+media\s+as configured\s+default\s*$/m, 'and what is left to the default';
(undef, $text) = policy_test($good, '--endpoint', '{"settings": {"slow": true}}');
like $text, qr/the configured message each 600 s\s+slow/, 'settings of the endpoint';

my $failing = write_file('failing.lua', <<'LUA');
local policy = {}
function policy.media(call)
	return nothing.here
end
policy.tests = {wrong = function() error("this is wrong") end, no = function() return false, "no" end,
	endless = function() while true do end end}
return policy
LUA
($exit, $text) = policy_test($failing);
is $exit, 1, 'a test that fails: exit 1';
like $text, qr/^FAILED wrong: \S*failing\.lua:5: this is wrong$/m, 'and why';
like $text, qr/^FAILED no: no$/m, 'false and a reason';
like $text, qr/^FAILED endless: .*max_/m, 'a loop is ended';
like $text, qr/media\s+as configured\s+default\s+\S*failing\.lua:3\n  FAILED: .*nil value/, 'a function that fails';
my $fails_only = write_file('only.lua', "return {media = function() return 7 end}\n");
($exit, $text) = policy_test($fails_only);
is $exit, 1, 'a wrong answer alone: exit 1';

my $broken = write_file('broken.lua', "return {\n");
($exit, $text) = policy_test($broken);
is $exit, 2, 'a script that does not load: exit 2';
like $text, qr/broken\.lua:2:/, 'with its line';
($exit, $text) = policy_test($good, '--endpoint', '{"user_agnet": "x"}');
is $exit, 2, 'an unknown member: exit 2';
like $text, qr/--endpoint:1:2: user_agnet: is nothing an endpoint has/, 'which is named';
($exit, $text) = policy_test("$dir/none.lua");
is $exit, 2, 'no such script: exit 2';

my $config = write_file('holdline.yaml', "switch: {plugin_dir: '$ENV{HOLDLINE_PLUGIN_DIR}'}\npolicy:\n"
	. "  rules:\n    - {name: mine, match: {user: '10*'}, keepalive: {period: 77}}\n");
($exit, $text) = policy_test(source_path('scripts/policy.lua'), '-c', $config);
is $exit, 0, 'the stock policy with the rules of a configuration' or diag $text;
like $text, qr/keepalive\s+the configured message each 77 s\s+mine/, 'decides by them';
done_testing;
