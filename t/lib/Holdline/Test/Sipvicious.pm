# svmap, svwar and svcrack (package sipvicious): what the switch's attackers use, run against it.
package Holdline::Test::Sipvicious;
use strict;
use warnings;
use File::Temp qw(tempdir);
use Holdline::Test::Link qw(split_address);
use Holdline::Test::Loop;
use Holdline::Test::Process;
use parent -norequire, 'Holdline::Test::Process';

sub available {
	my @folder = split /:/, $ENV{PATH};
	return 3 == grep { my $tool = $_; grep { -x "$_/$tool" } @folder } qw(svmap svwar svcrack);
}

# tool (svmap, svwar, svcrack), remote (IP:PORT), local (its port 5060 must be free), args (list),
# seconds (most it may take). It runs while the test goes on.
sub new {
	my ($class, %arg) = @_;
	my $dir = tempdir('sipvicious-XXXXXXXX', TMPDIR => 1, CLEANUP => 1);
	my $self = bless {local => '127.0.0.1', seconds => 15, %arg, dir => $dir, log => "$dir/log"},
		$class;
	my ($host, $port) = split_address($self->{remote});
	local $ENV{HOME} = $dir;
	$self->run_child($self->{tool}, '-b', $self->{local}, '-x', $self->{local}, '-p', $port,
		@{$self->{args} || []}, $host);
	return $self;
}

# What it printed, once it has ended or its time is over.
sub output {
	my ($self) = @_;
	$self->wait_exit($self->{seconds}) or $self->kill_now;
	return $self->log_text;
}

# What it found, the rows of its table: [extension or address, what it says of that].
sub findings {
	my ($self) = @_;
	my @row = map { /^\|\s*([^|]*?)\s*\|\s*([^|]*?)\s*\|/ ? [$1, $2] : () } split /\n/, $self->output;
	return @row[1 .. $#row];
}

1;
__END__

=head1 NAME

Holdline::Test::Sipvicious - a scan for switches, extensions or passwords

=head1 SYNOPSIS

	my $scan = Holdline::Test::Sipvicious->new(tool => 'svwar', remote => $switch->address('udp'),
		args => ['-e', '1000-1010', '-m', 'REGISTER', '--force']);
	print map { "$_->[0]: $_->[1]\n" } $scan->findings;

=cut
