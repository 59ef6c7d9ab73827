# One event loop for everything that lives in a test process: phones, NATs, RTP streams,
# control sockets, child processes. Whoever waits runs the loop, so the others go on meanwhile.
package Holdline::Test::Loop;
use strict;
use warnings;
use IO::Select;
use Time::HiRes qw(clock_gettime CLOCK_MONOTONIC);

my $select = IO::Select->new;
my %reader;    # fileno => callback
my %timer;     # id => [due, callback]
my $next_id = 1;

# Tests wait longer where the switch is slow (sanitizers, a busy machine).
our $patience = $ENV{HOLDLINE_TEST_PATIENCE}
	|| (($ENV{HOLDLINE_SANITIZERS} || '') eq 'yes' ? 3 : 1);

sub now { return clock_gettime(CLOCK_MONOTONIC) }

sub add {
	my ($class, $handle, $callback) = @_;
	$select->add($handle);
	$reader{fileno $handle} = $callback;
	return;
}

sub remove {
	my ($class, $handle) = @_;
	return unless defined fileno $handle;
	$select->remove($handle);
	delete $reader{fileno $handle};
	return;
}

sub at {
	my ($class, $due, $callback) = @_;
	my $id = $next_id++;
	$timer{$id} = [$due, $callback];
	return $id;
}

sub after {
	my ($class, $delay, $callback) = @_;
	return $class->at(now() + $delay, $callback);
}

sub cancel {
	my ($class, $id) = @_;
	delete $timer{$id} if defined $id;
	return;
}

sub run_due {
	my ($class) = @_;
	my $now = now();
	my @due = sort { $timer{$a}[0] <=> $timer{$b}[0] || $a <=> $b }
		grep { $timer{$_}[0] <= $now } keys %timer;
	for my $id (@due) {
		my $row = delete $timer{$id} or next;
		$row->[1]->();
	}
	return;
}

# One turn: waits at most until `deadline` for the next packet or timer.
sub turn {
	my ($class, $deadline) = @_;
	my $until = $deadline;
	for my $row (values %timer) {
		$until = $row->[0] if $row->[0] < $until;
	}
	my $wait = $until - now();
	my @ready = $select->can_read($wait > 0 ? $wait : 0);
	for my $handle (@ready) {
		my $callback = defined fileno $handle ? $reader{fileno $handle} : undef;
		$callback->($handle) if $callback;
	}
	$class->run_due;
	return;
}

# Runs until `condition` is true; returns its value, or nothing when `timeout` seconds have gone.
# `poll` is for conditions no packet announces: a growing file, a child that ends.
sub wait_for {
	my ($class, $condition, $timeout, $poll) = @_;
	my $deadline = now() + $timeout * $patience;
	while (1) {
		my $value = $condition->();
		return $value if $value;
		my $now = now();
		return if $now >= $deadline;
		my $until = $poll && $now + $poll < $deadline ? $now + $poll : $deadline;
		$class->turn($until);
	}
}

# Lets the world go on for a fixed stretch: only to show that something does not happen.
sub quiet {
	my ($class, $seconds) = @_;
	my $deadline = now() + $seconds;
	$class->turn($deadline) while now() < $deadline;
	return;
}

1;
__END__

=head1 NAME

Holdline::Test::Loop - the event loop shared by all phones of a test process

=head1 SYNOPSIS

	Holdline::Test::Loop->add($socket, sub { ... });
	Holdline::Test::Loop->after(0.02, sub { ... });
	Holdline::Test::Loop->wait_for(sub { $seen }, 5) or die "never came";

=head1 DESCRIPTION

Class methods only: C<add>, C<remove> for readable handles, C<at>, C<after>, C<cancel> for timers on
the monotonic clock, C<wait_for(condition, timeout, poll)> and C<quiet(seconds)>. Time-outs are
multiplied by C<HOLDLINE_TEST_PATIENCE> (3 with sanitizers, else 1); quiet stretches are not.

=cut
