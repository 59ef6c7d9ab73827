#!/usr/bin/perl
# SIGHUP and `reload`: the new configuration is taken as a whole, or nothing of it.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Holdline::Test;
use Holdline::Test::Yaml qw(yaml_text);

my $policy = "return { media = function() return 'off', 'first script' end }\n";
my $switch = start_switch(users => [1001, 1002, 1003], lua => $policy, config => {
	plugins => {registrar => {expire => 1000}, keepalive => {}, 'session-timer' => {},
		'media-proxy' => {}}});
my $config = $switch->{config};
my ($alice, $bob, $carol) = phones($switch);
my $records = 0;

# A copy of the running configuration with some of it replaced.
sub changed {
	my (%part) = @_;
	return {%$config, %part};
}

sub take {
	my ($new) = @_;
	$config = $new;
	return $switch->reload($new);
}

sub granted {
	my ($phone) = @_;
	my ($seconds) = $phone->register(expires => 3600)->header('Contact') =~ /;expires=(\d+)/;
	return $seconds;
}

# Whether everything is still as configured first, with the call that is up untouched.
my ($out, $in);
sub unchanged {
	my ($name) = @_;
	is(granted($alice), 1000, "$name: the running configuration stays");
	is($switch->control('status')->{calls}, 1, "$name: and the call");
	return;
}

$out = $alice->invite('1002', sdp => 1);
$in = $bob->incoming;
$in->answer(sdp => 1);
$out->answered;

# Bad files leave everything as it is.
my %registrar = (registrar => {expire => 2000}, keepalive => {}, 'session-timer' => {},
	'media-proxy' => $config->{plugins}{'media-proxy'});
for my $case (
	['a value out of range', changed(plugins => {%registrar, keepalive => {period => 5}}),
		qr/holdline\.yaml:(\d+):\d+: plugins\.keepalive\.period: .*10/],
	['an unknown key', changed(plugins => {%registrar, keepalive => {perriod => 30}}),
		qr/holdline\.yaml:\d+:\d+: plugins\.keepalive\.perriod: .*period/],
	['no YAML', yaml_text(changed(plugins => \%registrar)) . "endpoints: [\n", qr/holdline\.yaml:\d+:\d+: /],
	['two mistakes', changed(plugins => {%registrar, registrar => {expire => 2000, min_expire => 0}},
		gateways => {a => {address => 'nonsense'}}), qr/min_expire.*\n.*gateways\.a|gateways\.a.*\n.*min_expire/],
	['a missing script', changed(plugins => \%registrar, policy => {script => 'none.lua'}),
		qr/holdline\.yaml:\d+:\d+: policy\.script: .*none\.lua/],
	['a listener that cannot be', changed(plugins => \%registrar,
		switch => {%{$config->{switch}}, listen => ['udp:127.0.0.1:0', 'udp:192.0.2.1:0']}),
		qr/192\.0\.2\.1/],
	['another state_dir', changed(plugins => \%registrar,
		switch => {%{$config->{switch}}, state_dir => $switch->dir . '/other'}), qr/state_dir.*restart/],
	['a plugin less', changed(plugins => {registrar => {expire => 2000}}), qr/plugins.*restart/],
) {
	my ($name, $new, $lines) = @$case;
	my $answer = $switch->reload($new);
	ok(!$answer->{ok}, "$name: refused");
	like($answer->{error}, $lines, "$name: the answer has the lines of --check");
	unchanged($name);
}

# However many mistakes there are, the answer is what --check prints.
{
	my $many = changed(plugins => \%registrar, endpoints => {map { $_ => {nat => "nonsense $_"} } 1 .. 60});
	my $answer = $switch->reload($many);
	my $checked = switch_object(yaml => yaml_text($many), args => ['--check']);
	my $text = ($checked->run)[1];
	my $file = $checked->config_path;
	$text =~ s/^\Q$file\E/@{[$switch->config_path]}/gm;
	is(scalar(() = $answer->{error} =~ /nonsense/g), 60, 'sixty mistakes, sixty lines');
	is($answer->{error}, $text, 'the very ones of --check');
	$switch->{config} = $config;
}

# SIGHUP says the same in the log.
$switch->write_config(changed(plugins => {%registrar, keepalive => {period => 5}}));
$switch->{config} = $config;
$switch->signal('HUP');
like($switch->wait_log(tag => 'config', event => 'mistake')->{line}, qr/keepalive\.period/,
	'SIGHUP: the log has the mistake');
ok($switch->wait_log(event => 'reload-failed'), 'SIGHUP: and that nothing was taken');
unchanged('SIGHUP');

# A script that fails its own test, or cannot be read, changes nothing either.
for my $case (['return { selftest = function() error("not today") end }', qr/not today/],
	['return { selftest = function() return false end }', qr/selftest/],
	["local x = 1\nlocal y = nothing.here\nreturn {}", qr/policy\.lua:2/], ['return {', qr/policy\.lua:1/],
	['while true do end', qr/max_/]) {
	$switch->write_file('policy.lua', $case->[0]);
	my $answer = $switch->reload($config);
	ok(!$answer->{ok}, "a script that fails: $case->[0]: refused");
	like($answer->{error}, $case->[1], 'and why');
}
unchanged('scripts');

# A good file is taken, by `reload` and by SIGHUP; the call that is up is not touched.
$switch->write_file('policy.lua', $policy);
ok(take(changed(plugins => \%registrar))->{ok}, 'reload takes a good file');
is(granted($alice), 2000, 'a parameter has its new value');
is($switch->control('status')->{calls}, 1, 'the call is still up');
$registrar{registrar} = {expire => 3000};
$switch->write_config($config = changed(plugins => \%registrar));
$switch->signal('HUP');
ok($switch->wait_log(event => 'reloaded', by => 'signal'), 'SIGHUP takes it, too');
is(granted($alice), 3000, 'and it holds');

# What is odd is taken, and told.
my $odd = take(changed(plugins => {%registrar, keepalive => {period => 70}}));
like(join('|', @{$odd->{result}{warnings}}), qr/:\d+:\d+: warning: plugins\.keepalive\.period: 70 s is more/,
	'the answer has the warnings of --check');
ok($switch->log_events(tag => 'config', event => 'warning', text => qr/70 s/), 'and so has the log');
ok($switch->log_events(event => 'reloaded', by => 'control'), 'which says who asked');
is_deeply(take(changed(plugins => \%registrar))->{result}, {}, 'what is not odd: nothing to tell');

# Endpoints come and go.
my %users = %{$config->{endpoints}};
my $new = phone(switch => $switch, user => '1009', password => 'secret-1009');
is($new->register->code, 403, 'an endpoint that is not there yet cannot register');
delete $users{1003};
ok(take(changed(endpoints => {%users, 1009 => {password => 'secret-1009'}}))->{ok},
	'one endpoint more, one less');
is($new->register->code, 200, 'the new one registers');
is(scalar @{$switch->control('endpoints', user => $carol->user)}, 0, 'the removed one is gone');
is($carol->register->code, 403, 'and cannot come back');
ok(take(changed(endpoints => {%{$config->{endpoints}}, 1009 => {password => 'changed'}}))->{ok},
	'another password');
is($new->register->code, 403, 'the old one is wrong now');
$new->{password} = 'changed';
is($new->register->code, 200, 'the new one is right');
is($switch->control('status')->{calls}, 1, 'the call is still up');

# The policy's script is replaced; what was decided stands.
is($switch->control('calls')->[0]{media}{reason}, 'policy: first script', 'the call was decided before');
$switch->write_file('policy.lua', "return { media = function() return 'off', 'second script' end }\n");
ok($switch->reload->{ok}, 'another script');
my $other = $new->invite('1001', sdp => 1);
my $rings = $alice->incoming;
$rings->answer(sdp => 1);
$other->answered;
is_deeply([sort map { $_->{media}{reason} } @{$switch->control('calls')}],
	['policy: first script', 'policy: second script'], 'decides new calls, and leaves the old');
$other->bye;
$rings->ended;
$records++;

# A listener is added, and one removed.
my @listen = @{$config->{switch}{listen}};
my $port = Holdline::Test::Sipp::free_port('127.0.0.2');
sub listen_on {
	my (@address) = @_;
	return take(changed(switch => {%{$config->{switch}}, listen => [@address]}));
}
my $udp = $switch->address('udp');
ok(listen_on(@listen, "udp:127.0.0.2:$port")->{ok}, 'a listener more');
ok((grep { $_ eq "udp:127.0.0.2:$port" } @{$switch->control('status')->{listen}}), 'status names it');
ok((grep { $_ eq "udp:$udp" } @{$switch->control('status')->{listen}}), 'and port 0 kept its port');
my $guest = phone(switch => $switch, user => '1009', password => 'changed', server => "127.0.0.2:$port",
	local => '127.0.0.2');
is($guest->register->code, 200, 'it serves');
ok(listen_on(@listen)->{ok}, 'and is taken away again');
ok(!(grep { /127\.0\.0\.2/ } @{$switch->control('status')->{listen}}), 'status does not name it');
is($guest->unregister->code, 200, 'whoever is registered there may go');
ok($switch->wait_log(event => 'listener-closed', address => "127.0.0.2:$port"), 'then it is closed');
is($alice->register->code, 200, 'the others serve on');

# The call has outlived all of that.
is($out->reinvite->code, 200, 'the call can be changed');
is($out->bye->code, 200, 'and hung up');
ok($in->ended, 'by both');
is(($switch->cdrs(++$records))[-1]{reason}, 'Normal', 'and has its record');

# Over and over.
my $before = $switch->control('status')->{uptime};
my $good = grep { $switch->reload->{ok} } 1 .. 100;
is($good, 100, 'a hundred reloads');
cmp_ok($switch->control('status')->{uptime}, '>=', $before, 'in one life of the switch');
is($alice->register->code, 200, 'and it serves');
finish;
