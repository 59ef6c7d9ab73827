# holdlinectl against a control socket that we play: exit statuses, requests, tables, --json.
use strict;
use warnings;
use utf8;
use FindBin;
use lib "$FindBin::Bin/lib";
use File::Temp qw(tempdir);
use IO::Socket::UNIX;
use JSON::PP;
use Test::More;

my $tool = $ENV{HOLDLINECTL} or plan skip_all => 'HOLDLINECTL is not set (run by make check)';
my $dir = tempdir(CLEANUP => 1);
my $path = "$dir/control.sock";
my $json = JSON::PP->new->utf8->canonical;
delete @ENV{qw(HOLDLINE_CONTROL COLUMNS NO_COLOR)};
$ENV{TERM} = 'xterm';
$ENV{LC_ALL} = 'C.UTF-8';
binmode Test::More->builder->$_, ':encoding(UTF-8)' for qw(output failure_output todo_output);

# A switch of one sentence for each command. It notes what it was asked in $dir/asked.
my %answers = (
	status => {version => '0.1.0', uptime => 93784.5, endpoints => 2, calls => 1, malformed => 0,
		listen => ['udp:127.0.0.1:5060', 'tcp:[::1]:5060'], plugins => ['registrar', 'keepalive', 'media-proxy', 'session-timer',
			'call-blocker', 'call-recorder']},
	endpoints => [
		{user => '1001', aor => '1001@x', contact => 'sip:1001@10.0.0.2:5060',
			received => '203.0.113.9', received_port => 40001, transport => 'udp',
			local => '127.0.0.1:5060', nat => JSON::PP::true, nat_reason => 'Contact is private',
			expires_in => 252, user_agent => "Yea\x1b[31mlink \x{9b}T46\x{4e2d}",
			reachable => JSON::PP::true, rtt_ms => 12.25,
			keepalive => {enabled => JSON::PP::true, message => "\r\n\r\n", period => 30,
				method => 'udp', decided_by => 'default', sent => 7, missed => 2,
				last_sent_ago => 3.7}},
		{user => '1002', received => '2001:db8::7', received_port => 5060, transport => 'tcp',
			nat => JSON::PP::false, expires_in => 3599, user_agent => '', reachable => undef,
			keepalive => {enabled => JSON::PP::false}},
	],
	calls => [],
	call => {id => 'c1', caller => '1001', callee => '1002', state => 'active', duration => 61,
		media => {relayed => JSON::PP::true, reason => 'auto:5 caller behind NAT', streams => [
			{type => 'audio', codec => 'PCMA', caller => {packets => 100, lost => 1, jitter_ms => 2.5,
					rtt_ms => 40, mos => 4.31},
				callee => {packets => 99, lost => 0, jitter_ms => 0}}]},
		legs => [{side => 'caller', user => '1001', address => '203.0.113.9:40001', call_id => 'abc',
				timer => {active => JSON::PP::true, refresher => 'switch', session_expires => 600,
					method => 'UPDATE', refreshes => 3, next_in => 299}, limit_in => undef},
			{side => 'callee', user => '1002', address => '203.0.113.10:5060', call_id => 'def',
				timer => {active => JSON::PP::false}, limit_in => 7199, limit_by => 'default'}]},
	hangup => {}, kick => {removed => 1}, reload => {},
	keepalive => {endpoints => 2, cycles => 5, sent => 10, missed_last_cycle => 0, missed => 0,
		needed_period => 0.5, message => 'HELLO', period => 30, send_interval => 500,
		send_one_time => 3000},
	plugins => [{name => 'registrar', version => '0.1.0', summary => 'takes REGISTER'}],
	cdr => [{started => '2026-11-22T15:53:07.123Z', caller => '1001', callee => '1002',
		duration => 300.2, ended_by => 'server', reason => 'Session Timeout',
		detail => 'refresh-failed', sip_code => 200, media_reason => undef}],
	help => [{name => 'call', summary => 'one call'}, {name => 'param', summary => 'parameters'},
		{name => 'weather', summary => 'of a plugin'}],
	weather => [{town => 'Oslo', degrees => -3}, {town => 'Rome', degrees => 21}],
	mute => undef,
	metrics => [{name => 'holdline_calls_limited_total', labels => 'limit="endpoint"', value => 12,
		help => 'Calls refused by a limit, of which there are several.'}],
	policy => [{about => '1001@a.example', decision => 'route', rule => 'the number plan of the office',
		answer => 'user:1001 with user:1002 with user:1003, then gateway:a, then gateway:b',
		line => 'my-policy.lua:117', failed => undef, stands => undef}],
);
my %errors = (
	reload => "etc/x.yaml:3:5: plugins.keepalive.period: 5 is too small\nnothing was changed",
);

sub serve {
	my ($client) = @_;
	while (my $line = <$client>) {
		open my $log, '>>', "$dir/asked" or die;
		print $log $line;
		close $log;
		my $request = $json->decode($line);
		my $command = $request->{cmd};
		return if $command eq 'die';
		if ($command eq 'nonsense') {
			print $client "[1]\n";
		} elsif ($command eq 'reload' && -e "$dir/bad") {
			print $client $json->encode({ok => JSON::PP::false, error => $errors{reload}}), "\n";
		} elsif (exists $answers{$command}) {
			my $result = $answers{$command};
			$result = [] if $command eq 'endpoints' && ($request->{args}{user} // '') eq '1009';
			$result = [$result->[0]] if $command eq 'endpoints' && ($request->{args}{user} // '') eq '1001';
			print $client $json->encode({ok => JSON::PP::true, result => $result}), "\n";
		} else {
			print $client $json->encode({ok => JSON::PP::false,
				error => "unknown command `$command`; `help` lists them"}), "\n";
		}
		$client->flush;
	}
}

my $listener = IO::Socket::UNIX->new(Local => $path, Listen => 8) or die "$path: $!";
my $server = fork // die "fork: $!";
if (!$server) {
	$SIG{TERM} = 'DEFAULT';
	while (my $client = $listener->accept) {
		serve($client);
		close $client;
	}
	require POSIX;
	POSIX::_exit(0);
}

END {
	if ($server) {
		my $status = $?;
		kill TERM => $server;
		waitpid $server, 0;
		$? = $status;
	}
}

sub read_file {
	my ($name) = @_;
	open my $in, '<:encoding(UTF-8)', $name or return '';
	local $/;
	return scalar <$in> // '';
}

# Runs a shell command: (exit status, standard output, standard error)
sub shell {
	my ($command) = @_;
	unlink "$dir/asked";
	my $status = system '/bin/sh', '-c', "$command >$dir/out 2>$dir/err </dev/null";
	return ($status >> 8, read_file("$dir/out"), read_file("$dir/err"));
}

sub ctl { return shell(join ' ', $tool, '-s', $path, map { "'$_'" } @_) }
sub asked { return [map { $json->decode($_) } split /\n/, read_file("$dir/asked")] }

subtest 'exit status' => sub {
	is((ctl('status'))[0], 0, 'done: 0');
	my ($exit, $out, $err) = ctl('param', 'get', 'x');
	is $exit, 1, 'the switch says no: 1';
	is $err, "holdlinectl: unknown command `param`; `help` lists them\n", 'and why, in its words';
	is $out, '', 'and nothing else';
	for (['no command'], ['an argument is missing', 'call'], ['one too many', 'status', 'x'],
		['unknown option', '--colour', 'status'], ['an option of another command', 'calls', '--last', 3],
		['no value', 'cdr', '--last'], ['a nameless argument for a plugin', 'weather', 'now']) {
		my ($name, @words) = @$_;
		($exit, $out, $err) = ctl(@words);
		is $exit, 2, "usage, $name: 2";
		like $err, qr/^holdlinectl: .*\nTry `holdlinectl --help`\.$/, 'with a hint';
	}
	($exit, $out, $err) = shell("$tool -s $dir/none status");
	is $exit, 3, 'no socket: 3';
	like $err, qr{no switch at $dir/none: No such file.*\nstart the switch.*-s PATH}, 'what to do';
	IO::Socket::UNIX->new(Local => "$dir/stale", Listen => 1)->close;
	($exit, $out, $err) = shell("$tool -s $dir/stale status");
	is $exit, 3, 'a socket without a switch: 3';
	like $err, qr/Connection refused\nthe switch that made this socket is gone/, 'what to do';
	($exit, $out, $err) = ctl('die');
	is $exit, 3, 'the switch ends meanwhile: 3';
	like $err, qr/ended before it answered/, 'told';
	is((ctl('nonsense'))[0], 3, 'something that is no switch: 3');
	($exit, $out) = shell("$tool --help");
	is $exit, 0, '--help: 0';
	like $out, qr/^  cdr \[--last N\]$/m, 'lists commands with their arguments';
	like((shell("$tool --version"))[1], qr/^holdlinectl \d/, '--version');
};

subtest 'what is asked' => sub {
	my @rows = (
		[['endpoints'], 'endpoints', {}],
		[['endpoints', '1001'], 'endpoints', {user => '1001'}],
		[['call', 'c1'], 'call', {id => 'c1'}],
		[['hangup', 'c1'], 'hangup', {id => 'c1'}],
		[['kick', '1001'], 'kick', {user => '1001'}],
		[['cdr', '--last', '5'], 'cdr', {last => '5'}],
		[['cdr', '--last=5', '--json'], 'cdr', {last => '5'}],
		[['weather', 'town=Oslo', '--unit', 'C'], 'weather', {town => 'Oslo', unit => 'C'}],
		[['kick', 'a"b=c'], 'kick', {user => 'a"b=c'}],
	);
	for (@rows) {
		my ($words, $command, $args) = @$_;
		is((ctl(@$words))[0], 0, "@$words");
		is_deeply asked(), [{cmd => $command, args => $args}], 'is asked so';
	}
	my ($exit, $out) = shell("HOLDLINE_CONTROL=$path $tool calls");
	is $exit, 0, '$HOLDLINE_CONTROL leads to the socket';
	is((shell("HOLDLINE_CONTROL=$dir/none $tool -s $path calls"))[0], 0, '-s comes before it');
};

subtest 'what is shown' => sub {
	my ($exit, $out, $err) = ctl('status');
	is $out, <<'END', 'status';
Version                  0.1.0
Up for                   1d 2h
Listens on               udp:127.0.0.1:5060, tcp:[::1]:5060
Endpoints                2
Calls                    1
Malformed messages       0
Plugins                  registrar, keepalive, media-proxy, session-timer, call-blocker, call-recorder
END
	is((ctl('endpoints'))[1], <<'END', 'endpoints');
USER  RECEIVED FROM       VIA  NAT  EXPIRES     HEARTBEAT                        REACHABLE      USER AGENT
1001  203.0.113.9:40001   udp  yes  in 4m 12s   udp every 30s, 3s ago, 2 missed  yes, 12.25 ms  Yea\x1b[31mlink ?T46中
1002  [2001:db8::7]:5060  tcp  no   in 59m 59s  -                                -              -
END
	is((ctl('endpoints', '1001'))[1], <<'END', 'endpoints USER');
AOR            1001@x
Contact        sip:1001@10.0.0.2:5060
Received from  203.0.113.9:40001
Transport      udp
Our socket     127.0.0.1:5060
Behind NAT     yes (Contact is private)
Expires        in 4m 12s
User agent     Yea\x1b[31mlink ?T46中
Reachable      yes, 12.25 ms
Heartbeat      udp every 30s, 3s ago, 2 missed
  message      "\r\n\r\n"
  decided by   default
  sent         7
  missed       2
END
	is((ctl('endpoints', '1009'))[1], "1009 is not registered.\n", 'endpoints of a stranger');
	is((ctl('calls'))[1], "No call is up.\n", 'an empty list is said in words');
	is((ctl('call', 'c1'))[1], <<'END', 'call');
ID          c1
Caller      1001
Callee      1002
State       active
Duration    1m 1s
Media       relayed (auto:5 caller behind NAT)

LEG     USER  ADDRESS            SESSION TIMER                        REFRESHES  LIMIT                 CALL-ID
caller  1001  203.0.113.9:40001  10m by the switch, UPDATE in 4m 59s          3  -                     abc
callee  1002  203.0.113.10:5060  none                                         -  in 1h 59m by default  def

STREAM  CODEC  FROM CALLER  LOST  JITTER    RTT   MOS  FROM CALLEE  LOST  JITTER  RTT  MOS
audio   PCMA           100     1  2.5 ms  40 ms  4.31           99     0    0 ms    -    -
END
	is((ctl('hangup', 'c1'))[1], "Call c1 was hung up.\n", 'hangup');
	is((ctl('kick', '1001'))[1], "1001 is not registered any more.\n", 'kick');
	is((ctl('reload'))[1], "The configuration was read again.\n", 'reload');
	open my $bad, '>', "$dir/bad" or die;
	is((ctl('reload'))[2], "holdlinectl: $errors{reload}\n", 'a failed reload tells every mistake');
	unlink "$dir/bad";
	like((ctl('keepalive'))[1], qr/^Message +"HELLO"\nPeriod +30s\n.*\n.*\nPause.* 500 ms$/m, 'keepalive');
	is((ctl('plugins'))[1], <<'END', 'plugins');
PLUGIN     VERSION  WHAT IT DOES
registrar  0.1.0    takes REGISTER
END
	is((ctl('cdr'))[1], <<'END', 'cdr');
STARTED (UTC)        CALLER  CALLEE  DURATION  ENDED BY  REASON                            CODE  MEDIA
2026-11-22 15:53:07  1001    1002          5m  server    Session Timeout (refresh-failed)   200  -
END
	is((ctl('help'))[1], <<'END', 'help: the commands of the switch, with their arguments');
COMMAND                                          WHAT IT DOES
call ID                                          one call
param list | get NAME | set NAME VALUE [--save]  parameters
weather                                          of a plugin
END
	is((ctl('weather'))[1], <<'END', 'a plugin\'s list');
degrees  town
     -3  Oslo
     21  Rome
END
	is((ctl('mute'))[1], "-\n", 'a plugin\'s null');
};

subtest 'fitting' => sub {
	for my $columns (120, 90, 70, 30) {
		my ($exit, $out) = shell("COLUMNS=$columns $tool -s $path endpoints");
		my @wide = grep { length > $columns } split /\n/, $out;
		is_deeply \@wide, [], "a table fits into $columns columns";
		like $out, qr/…/, 'the rest is …' if $columns == 90 || $columns == 70;
		like $out, qr/203\.0\.113\.9:40001/, 'addresses stay whole';
	}
	# What is written for people to read goes on below itself.
	my %says = (metrics => $answers{metrics}[0]{help}, 'policy explain 1001' => $answers{policy}[0]{answer},
		status => 'registrar, keepalive, media-proxy, session-timer, call-blocker, call-recorder',
		help => 'param list | get NAME | set NAME VALUE [--save]');
	for my $command (sort keys %says) {
		my ($exit, $out) = shell("COLUMNS=80 $tool -s $path $command");
		is_deeply [grep { length > 80 || / $/ } split /\n/, $out], [], "$command fits into 80 columns";
		my @words = split / /, $says{$command};
		is_deeply [grep { index($out, $_) < 0 } @words], [], 'and says all it has to say';
		unlike $out, qr/…/, 'nothing is cut';
	}
	unlike((shell("LC_ALL=C COLUMNS=90 $tool -s $path endpoints"))[1], qr/[^\0-\x7f]/,
		'in the C locale only ASCII is printed');
};

subtest 'json' => sub {
	my ($exit, $out) = ctl('endpoints', '--json');
	is $exit, 0, '--json';
	is_deeply(JSON::PP->new->decode($out), $answers{endpoints}, 'is the result, nothing else');
	is_deeply(JSON::PP->new->allow_nonref->decode((ctl('--json', 'mute'))[1]), undef, 'null too');
	is((ctl('--json', 'nothing'))[0], 1, 'an error is still an error');
};

subtest 'terminal' => sub {
	my $quoted = "$tool -s $path";
	plan skip_all => 'no script(1)' if system 'command -v script >/dev/null';
	like((shell("script -qec '$quoted endpoints' /dev/null"))[1], qr/\033\[1mUSER\033\[0m/,
		'colours on a terminal');
	unlike((shell("NO_COLOR=1 script -qec '$quoted endpoints' /dev/null"))[1], qr/\033/,
		'none with NO_COLOR');
	unlike((shell("TERM=dumb script -qec '$quoted endpoints' /dev/null"))[1], qr/\033/,
		'none on a dumb one');
	unlike((shell("script -qec '$quoted endpoints --json' /dev/null"))[1], qr/[^\0-\x7f]|\033/,
		'nothing from the network speaks to the terminal');
	unlike((ctl('endpoints'))[1], qr/\033/, 'no colours into a file');
	my ($exit, $out) = shell("($tool -s $path endpoints >/dev/full)");
	is $exit, 1, 'what cannot be written is an error';
};

done_testing();
