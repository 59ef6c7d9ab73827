# baresip 1.0 (package baresip-core) without a sound card: its source is a WAV file, its player a bridge
# to nowhere; commands and events go over ctrl_tcp (JSON in netstrings).
package Holdline::Test::Baresip;
use strict;
use warnings;
use File::Temp qw(tempdir);
use IO::Socket::IP;
use JSON::PP;
use Holdline::Test::Loop;
use Holdline::Test::Process;
use parent -norequire, 'Holdline::Test::Process';

my @module_dirs = ('/usr/lib/baresip/modules', glob '/usr/lib/*/baresip/modules');
my $token = 1;

sub available {
	return scalar(grep { -x "$_/baresip" } split /:/, $ENV{PATH}) && _modules();
}

sub _modules {
	my ($found) = grep { -d } @module_dirs;
	return $found;
}

# user, password, server (IP:PORT), transport, local, expires, params (more account parameters),
# modules (more of baresip's: "srtp.so").
sub new {
	my ($class, %arg) = @_;
	my $dir = tempdir('baresip-XXXXXXXX', TMPDIR => 1, CLEANUP => 1);
	my $self = bless {local => '127.0.0.1', transport => 'udp', expires => 600, params => '',
		%arg, dir => $dir, log => "$dir/log", buffer => '', events => [], answers => {}}, $class;
	my $switch = $self->{switch};
	$self->{server} ||= $switch->address($self->{transport}) if $switch;
	$self->{password} = $switch->password($self->{user}) if $switch && !defined $self->{password};
	$self->{control} = [_own_address()];
	push @{$self->{control}}, _free_port($self->{control}[0]);
	$self->_write('config', $self->_config);
	$self->_write($_, '') for qw(accounts contacts);
	$self->_write('tone.wav', _tone());
	$self->run_child('baresip', '-4', '-f', $dir, '-v');
	$self->_connect;
	return $self;
}

# A loopback address of this process's own: on one that everybody uses, somebody else may get the port
# before baresip takes it.
sub _own_address {
	return join '.', 127, 64 + ($$ >> 16 & 63), $$ >> 8 & 255, $$ & 255;
}

sub _free_port {
	my ($address) = @_;
	my $socket = IO::Socket::IP->new(LocalHost => $address, Listen => 1, Proto => 'tcp')
		or die "TCP $address: $@";
	return $socket->sockport;
}

sub _write {
	my ($self, $name, $text) = @_;
	open my $out, '>:raw', "$self->{dir}/$name" or die "$self->{dir}/$name: $!";
	print $out $text;
	close $out or die "$self->{dir}/$name: $!";
	return;
}

# Three minutes of 440 Hz, 8 kHz mono: longer than any test, since baresip hangs up where its source
# ends. 200 samples are 11 whole waves.
sub _tone {
	my $data = pack('s<*', map { int 8000 * sin $_ * 440 * 8 * atan2(1, 1) / 8000 } 1 .. 200) x 7200;
	return 'RIFF' . pack('V', 36 + length $data) . 'WAVEfmt '
		. pack('VvvVVvv', 16, 1, 1, 8000, 16000, 2, 16) . 'data' . pack('V', length $data) . $data;
}

sub _config {
	my ($self) = @_;
	my $first = 26000 + ($$ % 25) * 40;
	my $modules = _modules() or die 'no baresip modules';
	return join "\n", "sip_listen $self->{local}:0", "net_interface $self->{local}",
		"rtp_ports $first-" . ($first + 39), 'rtp_tos 0', "audio_path $self->{dir}",
		"audio_source aufile,$self->{dir}/tone.wav", 'audio_player aubridge,sink',
		'audio_alert aubridge,alert', "module_path $modules", 'module g711.so', 'module aufile.so',
		'module aubridge.so', (map { "module $_" } @{$self->{modules} || []}), 'module_tmp uuid.so', 'module_tmp account.so', 'module_app ctrl_tcp.so',
		'module_app menu.so', 'ctrl_tcp_listen ' . join(':', @{$self->{control}}), '';
}

sub _connect {
	my ($self) = @_;
	my $socket;
	Holdline::Test::Loop->wait_for(sub {
		return $socket = IO::Socket::IP->new(PeerHost => $self->{control}[0],
			PeerPort => $self->{control}[1], Proto => 'tcp') || $self->gone;
	}, 10, 0.02);
	$socket && ref $socket or die "baresip does not start:\n" . $self->log_text;
	$self->{socket} = $socket;
	Holdline::Test::Loop->add($socket, sub {
		my $got = sysread $socket, $self->{buffer}, 65536, length $self->{buffer};
		return Holdline::Test::Loop->remove($socket) unless $got;
		while ($self->{buffer} =~ /^(\d+):/ && length $self->{buffer} >= length($1) + 2 + $1) {
			my $message = substr $self->{buffer}, length($1) + 1, $1;
			substr $self->{buffer}, 0, length($1) + 2 + $1, '';
			$self->_message(JSON::PP->new->utf8->decode($message));
		}
	});
	return;
}

sub _message {
	my ($self, $message) = @_;
	if ($message->{event}) {
		push @{$self->{events}}, $message;
	} elsif (defined $message->{token}) {
		$self->{answers}{$message->{token}} = $message;
	}
	return;
}

# A menu command (dial, accept, hangup, ...); returns what it printed, dies when it failed.
sub command {
	my ($self, $command, $params) = @_;
	my $id = 't' . $token++;
	my $json = JSON::PP->new->utf8->encode({command => $command, token => $id,
		defined $params ? (params => $params) : ()});
	syswrite $self->{socket}, length($json) . ":$json,";
	Holdline::Test::Loop->wait_for(sub { $self->{answers}{$id} }, 5)
		or die "baresip does not answer to $command\n" . $self->log_text;
	my $answer = delete $self->{answers}{$id};
	$answer->{ok} or die "baresip: $command: $answer->{data}\n";
	return $answer->{data};
}

# Takes the next event of that type, waiting for it; dies with baresip's log when it does not come.
sub event {
	my ($self, $type, $timeout) = @_;
	my $found;
	Holdline::Test::Loop->wait_for(sub {
		my ($i) = grep { $self->{events}[$_]{type} eq $type } 0 .. $#{$self->{events}};
		$found = splice @{$self->{events}}, $i, 1 if defined $i;
		return $found;
	}, $timeout || 8);
	return $found if $found;
	my @seen = map { $_->{type} } @{$self->{events}};
	die "baresip: no $type but (@seen)\n" . $self->log_text;
}

# Adds the account, which registers it; returns the event that says how that went.
sub register {
	my ($self) = @_;
	my $password = defined $self->{password} ? ";auth_pass=$self->{password}" : '';
	$self->command('uanew', "<sip:$self->{user}\@$self->{server};transport=$self->{transport}>"
		. "$password;regint=$self->{expires};audio_codecs=PCMU$self->{params}");
	return $self->event('REGISTER_OK');
}

sub dial { return $_[0]->command('dial', $_[1] =~ /^sip:/ ? $_[1] : "sip:$_[1]\@$_[0]{server}") }
sub accept { return $_[0]->command('accept') }
sub hangup { return $_[0]->command('hangup') }

sub stop {
	my ($self) = @_;
	$self->signal('TERM');
	$self->wait_exit(3) or $self->kill_now;
	Holdline::Test::Loop->remove($self->{socket});
	return;
}

1;
__END__

=head1 NAME

Holdline::Test::Baresip - a real softphone, headless

=head1 SYNOPSIS

	my $phone = baresip(switch => $switch, user => '1001');
	$phone->register;
	$phone->dial('1002');
	$phone->event('CALL_ESTABLISHED');
	$phone->hangup;
	$phone->stop;

=head1 DESCRIPTION

Speaks PCMU and sends a 440 Hz tone. Events are baresip's: REGISTER_OK, REGISTER_FAIL, CALL_INCOMING,
CALL_RINGING, CALL_ESTABLISHED, CALL_RTPESTAB, CALL_CLOSED. It knows no UPDATE and no session timers.

=cut
