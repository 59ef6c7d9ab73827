# One tiny plugin for each part of the interface, built as an author would and all run at once.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use File::Basename qw(basename);
use File::Temp qw(tempdir);
use Holdline::Test;

my $build = $ENV{HOLDLINE_BUILDDIR} or plan skip_all => 'HOLDLINE_BUILDDIR is not set';
my $dir = tempdir(CLEANUP => 1);
symlink $_, "$dir/" . basename($_) for glob "$ENV{HOLDLINE_PLUGIN_DIR}/*.so";
my $cflags = `PKG_CONFIG_PATH='$build' pkg-config --cflags holdline`;
chomp $cflags;
my @names = map { m{/(area-\w+)\.c$} } glob source_path('t/plugins/area-*.c');
for my $name (@names) {
	is system("cc -std=gnu11 -Wall -Wextra -Werror -fPIC -shared $cflags -o '$dir/$name.so' '"
		. source_path("t/plugins/$name.c") . "'"), 0, "$name compiles";
}
my %config = (switch => {plugin_dir => $dir}, plugins => {registrar => {}, map { $_ => {} } @names});
my $switch = start_switch(users => [1001, 1002], config => \%config);
is_deeply [map { $_->{name} } @{$switch->control('plugins')}], [sort(@names, 'registrar')], 'all run, in order of name';
my ($alice, $bob) = map { phone(switch => $switch, user => $_, timer => 0) } 1001, 1002;
$_->register for $alice, $bob, $alice;

# contact
is $switch->endpoint('1001')->{area_seen}, 2, 'contact: events, bytes of its own, JSON';
$bob->unregister;
is $switch->wait_log(tag => 'area', event => 'removed')->{seen}, 1, 'contact: the last event';
$bob->register;

# datagram
$alice->send_raw("\1ping");
ok $alice->expect(sub { ($_[0]->bytes // '') eq "\1pong" }), 'datagram: answered over its flow';

# request
my %answer = (done => [200, 'Done Here'], code => [480, qr/./]);
for my $wish (sort keys %answer) {
	my $response = $alice->request('OPTIONS', 'area', headers => ['X-Area' => $wish]);
	is $response->code, $answer{$wish}[0], "request: $wish";
}
is $alice->request('OPTIONS', 'area', headers => ['X-Area' => 'error'])->code, 200, 'request: an error: the next is asked';
like $switch->wait_log(event => 'stage-failed')->{line}, qr/plugin=area-request stage=request/, 'and it is logged';

# sdp, leg, record
my $out = $alice->invite('1002', sdp => 1);
my $in = $bob->incoming;
like $in->invite_message->body, qr/^a=x-area:offer\r$/m, 'offer: rewritten';
is $in->invite_message->header('X-Area-Side'), 'callee', 'leg_send: a header more';
$in->answer(sdp => 1);
$out->answered;
like $out->remote_sdp_text, qr/^a=x-area:answer\r$/m, 'answer: rewritten';
my ($call) = @{$switch->control('calls')};
cmp_ok $call->{legs}[1]{area_received}, '>=', 1, 'leg_recv: counted with the leg';
$out->bye;
$in->ended;
is((($switch->cdrs(1))[0])->{codec}, 'area', 'ended: the record');

# timer, command
is $switch->control('area-timer', after => 50), 'rang', 'a command that answers later, by a timer';
like $switch->control_answer('area-timer')->{error}, qr/one at a time/, 'and one that refuses';

# check, review, reload
$config{plugins}{'area-review'} = {low => 5, high => 700};
my $text = do { my ($exit, $said) = switch_object(config => \%config, args => ['--check'])->run;
	is $exit, 0, 'review: a warning'; $said };
like $text, qr/:\d+:\d+: warning: plugins\.area-review\.high: is longer than it rings/, 'against another section';
ok $switch->reload({%{$switch->{config}}, plugins => $config{plugins}})->{ok}, 'a reload';
is $switch->wait_log(tag => 'area', event => 'reloaded')->{high}, 700, 'reload: the new values';
$config{plugins}{'area-review'} = {low => 9, high => 3};
like $switch->reload({%{$switch->{config}}, plugins => $config{plugins}})->{error},
	qr/holdline\.yaml:\d+:\d+: plugins\.area-review\.low: is above high/, 'check: against each other';

$switch->stop;
ok $switch->log_events(tag => 'area', event => 'stopped'), 'stop: called';
finish;
