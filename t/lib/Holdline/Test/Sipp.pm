# sipp (package sip-tester) with a scenario of t/sipp, in a directory of its own.
package Holdline::Test::Sipp;
use strict;
use warnings;
use Cwd qw(abs_path);
use File::Temp qw(tempdir);
use Test::More ();
use Holdline::Test::Link qw(split_address);
use Holdline::Test::Loop;
use Holdline::Test::Process;
use parent -norequire, 'Holdline::Test::Process';

sub available { return scalar grep { -x "$_/sipp" } split /:/, $ENV{PATH} }

# A UDP or TCP port that was free just now, for a sipp that others must be able to reach.
sub free_port {
	my ($host) = @_;
	my $socket = Holdline::Test::Link::udp_socket($host);
	return $socket->sockport;
}

# scenario (uac_call, uas_answer, uac_register or a path), remote (IP:PORT), user, password, to,
# calls, rate, pause (ms), transport, local, keys (hash), args (list), seconds (most it may take).
sub new {
	my ($class, %arg) = @_;
	my $dir = tempdir('sipp-XXXXXXXX', TMPDIR => 1, CLEANUP => 1);
	my $self = bless {local => '127.0.0.1', domain => 'holdline.test', transport => 'udp',
		calls => 1, seconds => 20, %arg, dir => $dir, log => "$dir/log"}, $class;
	$self->{port} ||= free_port($self->{local});
	$self->run_child($self->_command);
	$self->_wait_bound unless defined $self->{remote};
	return $self;
}

# A callee must be listening before somebody calls it.
sub _wait_bound {
	my ($self) = @_;
	my $port = sprintf ':%04X ', $self->{port};
	Holdline::Test::Loop->wait_for(sub {
		open my $in, '<', "/proc/net/$self->{transport}" or die "/proc/net/$self->{transport}: $!";
		return grep({ index($_, $port) >= 0 } <$in>) || $self->gone;
	}, 10, 0.01);
	return;
}

sub _scenario {
	my ($self) = @_;
	return $self->{scenario} if $self->{scenario} =~ m{/};
	(my $folder = abs_path(__FILE__)) =~ s{lib/Holdline/Test/Sipp\.pm$}{sipp};
	return "$folder/$self->{scenario}.xml";
}

sub _command {
	my ($self) = @_;
	my %key = (user => $self->{user}, domain => $self->{domain}, expires => 600,
		%{$self->{keys} || {}});
	my @command = ('sipp', '-sf', $self->_scenario, '-i', $self->{local}, '-p', $self->{port},
		'-t', $self->{transport} eq 'tcp' ? 't1' : 'u1', '-m', $self->{calls}, '-nostdin',
		'-timeout', $self->{seconds} * $Holdline::Test::Loop::patience . 's', '-timeout_error',
		'-mp', 20000 + 2 * int(rand 5000), '-trace_err', '-trace_msg', '-message_file',
		"$self->{dir}/messages", '-error_file', "$self->{dir}/errors");
	push @command, '-s', $self->{to} if defined $self->{to};
	push @command, '-r', $self->{rate} if $self->{rate};
	push @command, '-d', $self->{pause} if $self->{pause};
	push @command, '-auth_uri', $self->_request_uri if defined $self->{password};
	push @command, '-au', $self->{auth_user} || $self->{user} if defined $self->{user};
	push @command, '-ap', $self->{password} if defined $self->{password};
	push @command, map { ('-key', $_, $key{$_}) } grep { defined $key{$_} } sort keys %key;
	push @command, @{$self->{args} || []}, $self->{remote} || ();
	return @command;
}

# sipp would put the remote address into the credentials; RFC 7616 §3.4 wants the Request-URI.
sub _request_uri {
	my ($self) = @_;
	return (defined $self->{to} ? "$self->{to}\@" : '') . $self->{domain};
}

sub address { return "$_[0]{local}:$_[0]{port}" }

# Waits for its end; true when every call went as the scenario says.
sub succeeded {
	my ($self, $timeout) = @_;
	my $ended = $self->wait_exit($timeout || $self->{seconds} + 5);
	return 1 if $ended && $self->exit_code == 0;
	Test::More::diag($ended ? 'sipp: exit status ' . $self->exit_code : 'sipp does not end');
	Test::More::diag($self->_file('errors'), substr $self->_file('messages'), -4000);
	$self->kill_now;
	return 0;
}

sub messages { return $_[0]->_file('messages') }

sub _file {
	my ($self, $name) = @_;
	open my $in, '<:raw', "$self->{dir}/$name" or return '';
	local $/;
	my $text = <$in>;
	return defined $text ? $text : '';
}

1;
__END__

=head1 NAME

Holdline::Test::Sipp - sipp as caller, callee or registering phone

=head1 SYNOPSIS

	my $callee = sipp(scenario => 'uas_answer');
	my $caller = sipp(scenario => 'uac_call', remote => $switch->address('udp'), user => '1001',
		password => 'secret-1001', to => '1002', calls => 10, rate => 5);
	ok $caller->succeeded, 'ten calls';

=cut
