# A child process of a test: started, waited for on the shared loop, never left behind.
package Holdline::Test::Process;
use strict;
use warnings;
use POSIX qw(WNOHANG);
use Test::More ();
use Holdline::Test::Loop;

my @running;

# The object needs {log}, the file that takes stdout and stderr; {guard} is the time guard (seconds), a little
# before the one of t/guard so that the log is shown.
sub run_child {
	my ($self, @command) = @_;
	my $pid = fork;
	die "fork: $!" unless defined $pid;
	if (!$pid) {
		open STDIN, '<', '/dev/null';
		open STDOUT, '>>', $self->{log};
		open STDERR, '>>', $self->{log};
		chdir $self->{dir} if $self->{dir};
		{ no warnings 'exec'; exec {$command[0]} @command; }
		print STDERR "$command[0]: $!\n";
		POSIX::_exit(127);
	}
	@$self{qw(pid owner)} = ($pid, $$);
	delete @$self{qw(status stopped)};
	push @running, $self;
	$SIG{ALRM} = \&_guard;
	$SIG{INT} = $SIG{TERM} = sub { exit 1 };
	alarm($self->{guard} || ($ENV{TEST_TIMEOUT} || 65) - 5);
	return $self;
}

sub _guard {
	Test::More::diag('time guard: the scenario took too long');
	exit 1;
}

sub running { return @running }
sub pid { return $_[0]{pid} }
sub signal { return kill $_[1], $_[0]{pid} }

sub log_text {
	my ($self) = @_;
	open my $in, '<:raw', $self->{log} or return '';
	local $/;
	my $text = <$in>;
	return defined $text ? $text : '';
}

sub tail {
	my ($self, $count) = @_;
	my @line = split /\n/, $self->log_text;
	my $from = @line - ($count || 30);
	my $name = ref($self) =~ /(\w+)$/ ? lc $1 : 'process';
	Test::More::diag(join "\n", "--- the $name\'s log", @line[($from < 0 ? 0 : $from) .. $#line]);
	return;
}

sub _ended {
	my ($self, $status) = @_;
	$self->{status} = $status;
	@running = grep { $_ != $self } @running;
	alarm 0 unless @running;
	return 1;
}

sub gone {
	my ($self) = @_;
	return 1 if defined $self->{status} || !$self->{pid};
	return 0 unless waitpid($self->{pid}, WNOHANG) == $self->{pid};
	return $self->_ended($?);
}

# The exit status, or minus the signal that ended it.
sub exit_code {
	my ($self) = @_;
	return $self->{status} & 127 ? -($self->{status} & 127) : $self->{status} >> 8;
}

sub wait_exit {
	my ($self, $timeout) = @_;
	return Holdline::Test::Loop->wait_for(sub { $self->gone }, $timeout || 10, 0.005);
}

sub kill_now {
	my ($self) = @_;
	return if $self->gone || $self->{owner} != $$;
	kill 'KILL', $self->{pid};
	waitpid $self->{pid}, 0;
	return $self->_ended($?);
}

sub END {
	my $status = $?;
	for my $process (my @left = grep { $_->{owner} == $$ } @running) {
		$process->tail if $status;
		$process->kill_now;
	}
	$? = $status;
}

1;
__END__

=head1 NAME

Holdline::Test::Process - base of Switch, Sipp and Baresip

=head1 DESCRIPTION

C<run_child(command)>, C<gone>, C<wait_exit(timeout)>, C<exit_code>, C<signal(NAME)>, C<kill_now>,
C<log_text>, C<tail>. Whatever still runs when the test ends is killed; after C<guard> seconds (C<TEST_TIMEOUT>
less 5) the test itself ends, with the last log lines.

=cut
