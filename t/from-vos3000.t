# `holdline --from-vos3000`: a pasted list or table becomes YAML that the switch takes, with a comment
# for each line that it could not take.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use File::Temp qw(tempdir);
use Holdline::Test;

my $dir = tempdir(CLEANUP => 1);
sub convert {
	my ($text) = @_;
	open my $out, '>', "$dir/list" or die;
	print $out $text;
	close $out;
	my $yaml = `'$ENV{HOLDLINE}' --from-vos3000 '$dir/list' 2>/dev/null`;
	return ($? >> 8, $yaml);
}

my ($exit, $yaml) = convert(<<'LIST');
# pasted from the client
SS_SIP_NAT_KEEP_ALIVE_MESSAGE = HELLO
SS_SIP_NAT_KEEP_ALIVE_PERIOD=20
SS_SIP_NAT_KEEP_ALIVE_SEND_INTERVAL	500	ms between
| SS_SIP_NAT_KEEP_ALIVE_SEND_ONE_TIME | 3000 | the quantity |
SS_SIP_SESSION_TTL: 900
SS_SIP_SESSION_UPDATE_SEGMENT  3  times
SS_MEDIAPROXYBEHINDNAT on
SS_SIP_TIMEOUT_RINGING = 5000
SS_ENDPOINT_EXPIRE = soon
SS_SIP_SESSION_TTL = 600
SS_BILLING_MODE = 2
"SS_SIP_TIMEOUT_INVITE", "12"
what is this
LIST
is $exit, 0, 'exit 0';
like $yaml, qr/^# From .*list: 8 taken, 5 not\.$/m, 'how many were taken';
my @refused = $yaml =~ /^(# line \d+: .*\n#   not taken: .*)$/mg;
is scalar(@refused), 5, 'five lines were not';
for my $case ([9, qr/SS_SIP_TIMEOUT_RINGING = 5000\n.*out of range; allowed: 0 to 3600 s/],
	[10, qr/SS_ENDPOINT_EXPIRE = soon\n.*not a whole number; allowed: 60 to 86400/],
	[11, qr/was there before, in line 6/], [12, qr/no such parameter/],
	[14, qr/what is this\n.*no VOS3000 name/]) {
	my ($line, $says) = @$case;
	my ($found) = grep { /^# line $line: / } @refused;
	like $found || 'nothing', $says, "line $line: why";
}
my $plugins = join '', map { "  $_: {}\n" } grep { $yaml !~ /^  $_:/m } qw(registrar keepalive session-timer media-proxy);
my $switch = start_switch(yaml => "switch:\n  listen: ['udp:127.0.0.1:0']\n  state_dir: '\@DIR\@/state'\n"
	. "  control: '\@DIR\@/control.sock'\n  plugin_dir: '$ENV{HOLDLINE_PLUGIN_DIR}'\n"
	. do { my $switch = $yaml =~ /^switch:\n((?:  .*\n)*)/m ? $1 : ''; $yaml =~ s/^switch:\n(?:  .*\n)*//m; $switch }
	. $yaml);
for my $case (['keepalive.message', 'HELLO'], ['keepalive.period', 20], ['keepalive.send_interval', 500],
	['keepalive.send_one_time', 3000], ['session-timer.ttl', 900], ['session-timer.update_segment', 3],
	['switch.timeout_invite', 12]) {
	my ($name, $value) = @$case;
	is $switch->control('param', op => 'get', name => $name)->{value}, $value, "$name is $value";
}
ok $switch->control('param', op => 'get', name => 'media-proxy.behind_nat')->{value}, 'and a word';

# Every name there is, by either spelling.
my (undef, $json) = switch_object(args => ['--params=json'])->run;
my @named = grep { $_->{vos3000} } @{JSON::PP->new->utf8->decode($json)};
my %default = map { my $value = $_->{default};
	($_->{vos3000} => ref $value eq 'ARRAY' ? '[' . join(',', @$value) . ']'
		: JSON::PP::is_bool($value) ? ($value ? 'on' : 'off') : $value) } @named;
for my $spelling (sub { $_[0] }, sub { $_[0] =~ s/_//gr =~ s/^SS/SS_/r }) {
	my (undef, $all) = convert(join '', map { $spelling->($_) . " = $default{$_}\n" } sort keys %default);
	like $all, qr/: @{[scalar keys %default]} taken, 0 not/, 'every parameter with a VOS3000 name is taken'
		or diag $all;
}
cmp_ok scalar(keys %default), '>', 20, 'which are many';
is((convert(''))[0], 0, 'an empty list is none');

# However it was pasted: a value is taken as it stands there, or not at all.
for my $case (
	['a tab', "SS_SIP_SESSION_TTL\t900\tseconds\r", 'ttl: "900"'],
	['spaces without a break', "\xc2\xa0SS_SIP_SESSION_TTL\xc2\xa0=\xc2\xa0900\xc2\xa0", 'ttl: "900"'],
	['a space of full width', "\xe2\x80\x83SS_SIP_SESSION_TTL\xe3\x80\x80900", 'ttl: "900"'],
	['signs of full width', "SS_SIP_SESSION_TTL\xef\xbc\x9d\xef\xbc\x99\xef\xbc\x90\xef\xbc\x90", 'ttl: "900"'],
	['a byte order mark', "\xef\xbb\xbfSS_SIP_SESSION_TTL=900", 'ttl: "900"'],
	['a space without width', "\xe2\x80\x8bSS_SIP_SESSION_TTL: 900", 'ttl: "900"'],
	['a table', '| NAT | `SS_SIP_SESSION_TTL` | **900** | the session |', 'ttl: "900"'],
	['a table of lines', "\xe2\x94\x82 SS_SIP_SESSION_TTL \xe2\x94\x82 900 \xe2\x94\x82", 'ttl: "900"'],
	['bold in a list', '- **SS_SIP_SESSION_TTL**: 900', 'ttl: "900"'],
	['a numbered list', '3. SS_SIP_SESSION_TTL 900', 'ttl: "900"'],
	['a spreadsheet', '"SS_SIP_SESSION_TTL";"900";"x"', 'ttl: "900"'],
	['curly quotes', "\xe2\x80\x9cSS_SIP_SESSION_TTL\xe2\x80\x9d = \xe2\x80\x9c900\xe2\x80\x9d", 'ttl: "900"'],
	['its unit', 'SS_SIP_SESSION_TTL = 900 s', 'ttl: "900"'],
	['its unit in a word', 'SS_SIP_SESSION_TTL  900 seconds', 'ttl: "900"'],
	['a comment', 'SS_SIP_SESSION_TTL = 900 # as ever', 'ttl: "900"'],
	['small letters', 'ss_sipsessionttl=900', 'ttl: "900"'],
	['a list', 'SS_SIP_RESEND_INTERVAL = 0.5,1,2', 'resend_interval: "0.5,1,2"'],
	['commas', 'SS_SIP_NAT_KEEP_ALIVE_MESSAGE = a,b;c:d', 'message: "a,b;c:d"'],
	['blanks', 'SS_SIP_NAT_KEEP_ALIVE_MESSAGE = "a  b"', 'message: "a  b"'],
	['nothing', 'SS_SIP_NAT_KEEP_ALIVE_MESSAGE =', 'message: ""']) {
	my ($name, $line, $is) = @$case;
	my (undef, $said) = convert("$line\n");
	like $said, qr/: 1 taken, 0 not\.\n.*^ +\Q$is\E  # SS_/ms, "pasted with $name";
}
for my $case (
	['another unit', 'SS_SIP_SESSION_TTL = 15 min', qr/"15 min" is not a whole number/],
	['thousands', 'SS_SIP_NO_TIMER_REINVITE_INTERVAL = 7,200', qr/"7,200" is not a whole number/],
	['a remark', 'SS_SIP_SESSION_TTL = 900  or so', qr/"900  or so" is not a whole number/],
	['a name nearly right', 'SS_SIP_SESSION_TTTL = 900', qr/did you mean SS_SIP_SESSION_TTL\?/],
	['bytes that are none', "SS_\xff\xfe = 900 \x01\x1b[31m", qr/line 1: SS_\?\? = 900 \?\?\[31m/],
	['a NUL', "SS_SIP_SESSION_TTL = 90\0000", qr/line 1: SS_SIP_SESSION_TTL = 90\?0\n/],
	['a line break that YAML knows', "SS_X = 1\xe2\x80\xa8switch: {realm: x}", qr/line 1: SS_X = 1 switch: \{realm: x\}\n/],
	['a long line', 'SS_X = ' . 'x' x 100_000, qr/^# line 1: SS_X = x{1,200}\n#   not taken/m]) {
	my ($name, $line, $says) = @$case;
	my (undef, $said) = convert("$line\n");
	like $said, qr/: 0 taken, 1 not\./, "$name: not taken";
	like $said, $says, 'and why';
	unlike $said =~ s/^#.*\n//mgr, qr/./s, 'all of it a comment';
}
is((convert("|---|:---:|\n\xe2\x94\x9c\xe2\x94\x80\xe2\x94\x80\xe2\x94\xa4\n+----+\n"))[1] =~ /: 0 taken, 0 not/, 1, 'rules of a table are nothing');

is system("'$ENV{HOLDLINE}' --from-vos3000 '$dir/none' 2>/dev/null") >> 8, 2, 'no such file: exit 2';
finish;
