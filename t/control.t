# The control socket of a real switch, asked by holdlinectl: the keys that the contract names, what
# people see, and what commands do.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Holdline::Test;
use JSON::PP;

my $tool = $ENV{HOLDLINECTL} or plan skip_all => 'HOLDLINECTL is not set (run by make check)';
delete @ENV{qw(COLUMNS HOLDLINE_CONTROL)};

my $nat = nat(outside => '127.0.0.20');
my $switch = start_switch(users => [1001, 1002]);
my $socket = $switch->control_path;
my ($alice, $bob) = phones($switch, nat => $nat);

# (exit status, standard output, standard error)
sub ctl {
	my $out = `$tool -s '$socket' @_ 2>'$switch->{dir}/err'`;
	my $exit = $? >> 8;
	open my $in, '<', "$switch->{dir}/err" or die;
	local $/;
	return ($exit, $out, scalar <$in>);
}

sub json {
	my ($exit, $out, $err) = ctl('--json', @_);
	is $exit, 0, "@_" or diag $err;
	return JSON::PP->new->utf8->allow_nonref->decode($out);
}

sub has_keys {
	my ($object, $name, @keys) = @_;
	is_deeply [grep { !exists $object->{$_} } @keys], [], "$name has its keys";
	return;
}

is +(stat $socket)[2] & 0777, 0660, 'the socket is for user and group';

my $status = json('status');
has_keys($status, 'status', qw(version uptime listen endpoints contacts calls plugins));
is_deeply [@$status{qw(endpoints contacts calls)}], [2, 2, 0], 'it counts';
is_deeply [sort @{$status->{plugins}}], [qw(keepalive media-proxy registrar session-timer)],
	'it lists the plugins';
is $status->{listen}[0], 'udp:' . $switch->address('udp'), 'it names the real port';

my $endpoints = json('endpoints');
is scalar @$endpoints, 2, 'one element for each contact';
my ($one) = @{json('endpoints', '1001')};
has_keys($one, 'endpoints[]', qw(aor user contact received received_port local transport nat
	nat_reason expires_in user_agent keepalive reachable rtt_ms alg));
has_keys($one->{keepalive}, 'keepalive', qw(enabled message period method decided_by sent missed
	last_sent_ago));
is_deeply [@$one{qw(user received transport)}], ['1001', '127.0.0.20', 'udp'], 'the user asked for';
ok $one->{nat}, 'behind the NAT';
is_deeply json('endpoints', '4711'), [], 'nothing of a stranger';
like((ctl('endpoints'))[1], qr/^USER .*^1001 +127\.0\.0\.20:\d+ +udp +yes +in [45]m/ms, 'as a table');

has_keys(json('keepalive'), 'keepalive', qw(endpoints cycles sent missed_last_cycle missed
	needed_period message period send_interval send_one_time));
is_deeply [map { $_->{name} } @{json('plugins')}],
	[qw(keepalive media-proxy registrar session-timer)], 'plugins, in order';

my $call = $alice->invite('1002', sdp => 1);
my $in = $bob->incoming;
$in->respond(200, sdp => 1);
$call->answered;
my ($row) = @{json('calls')};
has_keys($row, 'calls[]', qw(id caller callee state duration media legs));
has_keys($row->{media}, 'media', qw(relayed reason streams));
for my $leg (@{$row->{legs}}) {
	has_keys($leg, "the $leg->{side}'s leg", qw(side call_id timer limit_in limit_by));
	has_keys($leg->{timer}, 'its timer', qw(active refresher session_expires method refreshes
		next_in));
}
is_deeply [map { $_->{side} } @{$row->{legs}}], [qw(caller callee)], 'both legs';
is json('call', $row->{id})->{id}, $row->{id}, 'one call alone';
like((ctl('call', $row->{id}))[1], qr/^ID .*\Q$row->{id}\E\n.*\n\nLEG .*\ncaller .*\ncallee /s,
	'as a card with its legs');
my ($exit, $out, $err) = ctl('call', 'nonsense');
is $exit, 1, 'a call that is not up';
like $err, qr/^holdlinectl: no call nonsense/, 'is told';

($exit, $out) = ctl('hangup', $row->{id});
is $out, "Call $row->{id} was hung up.\n", 'hangup';
ok $_->expect('BYE'), 'BYE goes to both' for $call, $in;
my ($record) = $switch->cdrs(1);
is $record->{ended_by}, 'server', 'the record says who ended it';
is_deeply json('calls'), [], 'no call is left';
is json('cdr', '--last', 1)->[0]{id}, $row->{id}, 'cdr shows the record';
like((ctl('cdr'))[1], qr/^STARTED .*\n[\d-]+ [\d:]+ +1001 +1002 +\d+s +server /, 'as a table');
is((ctl('cdr', '--last', 'x'))[0], 1, 'a number that is none');

is((ctl('kick', '1002'))[1], "1002 is not registered any more.\n", 'kick');
is_deeply [map { $_->{user} } @{json('endpoints')}], ['1001'], 'the contacts are gone';
is((ctl('kick', '1002'))[0], 1, 'once');

is((ctl('reload'))[1], "The configuration was read again.\n", 'reload');
my $good = $switch->{config};
$switch->write_config({%$good, plugins => {%{$good->{plugins}}, keepalive => {period => 5}}});
($exit, $out, $err) = ctl('reload');
is $exit, 1, 'a reload of a bad file fails';
like $err, qr/^holdlinectl: .*holdline\.yaml:\d+:\d+: plugins\.keepalive\.period: /m, 'with place';
is json('keepalive')->{period}, 30, 'and changes nothing';

($exit, $out, $err) = ctl('stauts');
is $exit, 1, 'an unknown command';
like $err, qr/unknown command `stauts`; did you mean status\?/, 'is told, with the nearest';
ok scalar(grep { $_->{name} eq 'keepalive' } @{json('help')}), 'help knows the commands of plugins';
$switch->stop;
is((ctl('status'))[0], 3, 'when the switch has ended');
ok !-e $socket, 'its socket is gone';

finish;
