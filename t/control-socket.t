# The control socket by itself: reload, SIGHUP, and lines that are no commands.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Holdline::Test;

my $switch = start_switch(users => [1001, 1002]);

subtest 'before anybody is there' => sub {
	my $status = $switch->control('status');
	my @listen = map { "$_:" . $switch->address($_) } qw(udp tcp);
	is_deeply [sort @{$status->{listen}}], [sort @listen], 'status and event=ready name the same sockets';
	is "$status->{endpoints} $status->{contacts} $status->{calls}", '0 0 0', 'nobody';
	is_deeply $switch->control($_), [], "$_: an empty array" for qw(endpoints calls cdr);
	my $keepalive = $switch->control('keepalive');
	is_deeply [@$keepalive{qw(message period send_interval send_one_time endpoints)}],
		['HELLO', 30, 500, 3000, 0], 'the defaults of keepalive';
};

subtest 'a phone in the open' => sub {
	phone(switch => $switch, user => '1002')->register;
	my $endpoint = $switch->endpoint('1002');
	is $endpoint->{aor}, '1002@holdline.test', 'aor';
	is $endpoint->{local}, $switch->address('udp'), 'the socket it is behind';
	is $endpoint->{reachable}, undef, 'reachable is null: never asked';
	ok !$endpoint->{keepalive}{enabled}, 'no heartbeats';
};

subtest 'reload' => sub {
	my %config = %{$switch->{config}};
	my %plugins = (%{$config{plugins}}, keepalive => {period => 45});
	is_deeply $switch->reload({%config, plugins => \%plugins}), {ok => JSON::PP::true, result => {}},
		'a good file answers {}';
	is $switch->control('keepalive')->{period}, 45, 'and takes effect';
	my $refused = $switch->reload({%config, plugins => {%plugins, keepalive => {period => 5}}});
	ok !$refused->{ok}, 'a bad file is refused';
	like $refused->{error}, qr/holdline\.yaml:\d+:\d+: plugins\.keepalive\.period: /, 'with its mistakes';
	is $switch->control('keepalive')->{period}, 45, 'and changes nothing';
	is scalar @{$switch->control('endpoints')}, 1, 'registrations stay';
	is phone(switch => $switch, user => '1001')->register->code, 200, 'the switch goes on';
	$switch->reload({%config, endpoints => {1003 => {password => 'new'}}});
	is phone(switch => $switch, user => '1003', password => 'new')->register->code, 200,
		'a new endpoint can register';
	is phone(switch => $switch, user => '1001', password => 'secret-1001')->register->code, 403,
		'one that was taken out cannot';
	$switch->write_config(\%config);
	$switch->signal('HUP');
	$switch->control_until(sub { $_->{period} == 30 }, 'keepalive');
	pass 'SIGHUP reloads too';
};

subtest 'bad lines' => sub {
	for my $line ('not json', '[]', '{}', '{"cmd":"dance"}', '{"cmd":7}', '{"cmd":"status","args":3}',
		'{"cmd":"call"}', '{"cmd":"hangup","args":{"id":"nothing"}}') {
		my $answer = $switch->control_raw($line);
		ok !$answer->{ok} && length $answer->{error}, "$line is answered with an error";
	}
	ok $switch->control('status'), 'and the socket serves on';
};

finish;
