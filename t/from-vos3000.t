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
is system("'$ENV{HOLDLINE}' --from-vos3000 '$dir/none' 2>/dev/null") >> 8, 2, 'no such file: exit 2';
finish;
