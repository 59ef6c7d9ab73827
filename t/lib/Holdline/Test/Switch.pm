# A real switch under test: its own temporary directory, port 0 everywhere, its log read as events.
package Holdline::Test::Switch;
use strict;
use warnings;
use Cwd qw(abs_path);
use File::Spec;
use File::Temp qw(tempdir);
use IO::Socket::INET;
use IO::Socket::UNIX;
use JSON::PP;
use Test::More ();
use Holdline::Test::Loop;
use Holdline::Test::Yaml qw(yaml_text);
use parent -norequire, 'Holdline::Test::Process';
use Holdline::Test::Process;

my $sanitizer_report = qr/ERROR: \w+Sanitizer|runtime error: |SUMMARY: \w+Sanitizer/;
# On a busy machine the search for leaks at exit sometimes cannot stop the threads: no finding.
my $leak_search_failed = qr/LeakSanitizer has encountered a fatal error/;

# The stock scripts of the source tree, for a switch that is not installed.
(my $tree = abs_path(__FILE__)) =~ s{/t/lib/Holdline/Test/Switch\.pm$}{};
$ENV{HOLDLINE_SCRIPT_DIR} ||= "$tree/scripts";

sub binary {
	return File::Spec->rel2abs($ENV{HOLDLINE} || die "HOLDLINE must name the switch to test\n");
}

# A parallel prove runs several switches: each process has a slice of relay ports to itself, and a
# port bound as its mark. A phone of another test that talks on after its call would teach our relay.
my ($slice, $mark);
sub port_range {
	for (my $try = 0; !$mark && $try < 40; $try++) {
		$slice = ($$ + $try) % 40;
		$mark = IO::Socket::INET->new(Proto => 'udp', LocalAddr => '127.0.0.1',
			LocalPort => 11900 + $slice);
	}
	my $first = 12000 + $slice * 200;
	return "$first-" . ($first + 199);
}

# config (hash) or yaml (text, @DIR@ is the temporary directory); users, lua, clock_rate, args, guard;
# under: the words of a command that runs the switch (setpriv …).
sub new {
	my ($class, %arg) = @_;
	my $dir = tempdir('holdline-XXXXXXXX', TMPDIR => 1, CLEANUP => 1);
	my $self = bless {%arg, dir => $dir, log => "$dir/log", lines => [], offset => 0, cursor => 0},
		$class;
	$self->write_file('policy.lua', $arg{lua}) if defined $arg{lua};
	$self->write_config(defined $arg{yaml} ? $arg{yaml} : $self->default_config);
	return $self;
}

sub write_file {
	my ($self, $name, $text) = @_;
	my $path = "$self->{dir}/$name";
	open my $out, '>:raw', $path or die "$path: $!";
	print $out $text;
	close $out or die "$path: $!";
	return $path;
}

sub write_config {
	my ($self, $config) = @_;
	my $text = ref $config ? yaml_text($config) : $config;
	$text =~ s/\@DIR\@/$self->{dir}/g;
	$self->{config} = $config if ref $config;
	return $self->write_file('holdline.yaml', $text);
}

# What the test gave, over listeners on port 0, the temporary directory and the test's users.
sub default_config {
	my ($self) = @_;
	my $dir = $self->{dir};
	my %config = %{$self->{config} || {}};
	my %users = map { $_ => {password => "secret-$_"} } @{$self->{users} || []};
	$config{switch} = {
		realm => 'holdline.test', listen => ['udp:127.0.0.1:0', 'tcp:127.0.0.1:0'],
		state_dir => "$dir/state", control => "$dir/control.sock", %{$config{switch} || {}},
	};
	$config{switch}{plugin_dir} ||= $ENV{HOLDLINE_PLUGIN_DIR} if $ENV{HOLDLINE_PLUGIN_DIR};
	$config{plugins} ||= {registrar => {}, keepalive => {}, 'session-timer' => {},
		'media-proxy' => {}};
	if (exists $config{plugins}{'media-proxy'}) {
		$config{plugins}{'media-proxy'} = {port_range => port_range(),
			%{$config{plugins}{'media-proxy'}}};
	}
	$config{policy} = {%{$config{policy} || {}}, script => "$dir/policy.lua"} if defined $self->{lua};
	$config{endpoints} = {%users, %{$config{endpoints} || {}}};
	delete $config{endpoints} unless %{$config{endpoints}};
	return \%config;
}

sub password {
	my ($self, $user) = @_;
	my $endpoint = (ref $self->{config} ? $self->{config}{endpoints} : {})->{$user};
	return $endpoint ? $endpoint->{password} : undef;
}

sub dir { return $_[0]{dir} }
sub config_path { return "$_[0]{dir}/holdline.yaml" }

sub command {
	my ($self) = @_;
	my @rate = $self->{clock_rate} ? ('--clock-rate', $self->{clock_rate}) : ();
	return (@{$self->{under} || []}, binary(), '-c', $self->config_path, @rate, @{$self->{args} || []});
}

# Starts the process; does not wait.
sub spawn {
	my ($self) = @_;
	return $self->run_child($self->command);
}

# Starts and waits until it serves.
sub start {
	my ($self) = @_;
	$self->spawn;
	$self->{ready} = $self->wait_log(event => 'ready', timeout => 15);
	return $self;
}

# Runs it to its end: (exit status, output), for configurations that must be refused and --check.
sub run {
	my ($self, $timeout) = @_;
	$self->spawn;
	$self->wait_exit($timeout || 15) or do {
		$self->tail;
		$self->kill_now;
		die 'the switch went on instead of ending';
	};
	return ($self->exit_code, $self->log_text);
}

# ---- log

sub parse_line {
	my ($line) = @_;
	if ($line =~ /^\{/) {
		my $row = eval { JSON::PP->new->decode($line) };
		return {%$row, line => $line} if $row;
	}
	my %row = (line => $line);
	while ($line =~ /(?:^|\s)([\w.-]+)=(?:"((?:[^"\\]|\\.)*)"|(\S*))/g) {
		my ($key, $quoted, $plain) = ($1, $2, $3);
		$quoted =~ s/\\(["\\])/$1/g if defined $quoted;
		$row{$key} = defined $quoted ? $quoted : $plain unless exists $row{$key};
	}
	return \%row;
}

sub read_log {
	my ($self) = @_;
	open my $in, '<:raw', $self->{log} or return;
	seek $in, $self->{offset}, 0;
	while (defined(my $line = <$in>)) {
		last unless $line =~ s/\n$//;
		$self->{offset} = tell $in;
		push @{$self->{lines}}, parse_line($line);
	}
	close $in;
	return;
}

sub _matches {
	my ($row, $want) = @_;
	for my $key (keys %$want) {
		my ($have, $wanted) = ($row->{$key}, $want->{$key});
		return 0 unless defined $have && (ref $wanted ? $have =~ $wanted : $have eq $wanted);
	}
	return 1;
}

# All log events so far whose fields equal (or match) those given.
sub log_events {
	my ($self, %want) = @_;
	$self->read_log;
	return grep { _matches($_, \%want) } @{$self->{lines}};
}

# The next such event, after the one found last; dies with the log's tail when it does not come.
sub wait_log {
	my ($self, %want) = @_;
	my $timeout = delete $want{timeout} || 10;
	my $found;
	Holdline::Test::Loop->wait_for(sub {
		$self->read_log;
		for my $i ($self->{cursor} .. $#{$self->{lines}}) {
			next unless _matches($self->{lines}[$i], \%want);
			$self->{cursor} = $i + 1;
			return $found = $self->{lines}[$i];
		}
		return $self->gone;
	}, $timeout, 0.005);
	return $found if $found;
	$self->tail;
	die 'the switch ' . ($self->gone ? 'ended' : 'did not log') . ': '
		. join ' ', map { "$_=$want{$_}" } sort keys %want;
}

# ---- addresses

sub ready { return $_[0]{ready} }

# The address of the listener of that transport, of the family of `local` when given.
sub address {
	my ($self, $transport, $local) = @_;
	my $six = defined $local && $local =~ /:/;
	my $line = $self->{ready}{line};
	while ($line =~ /\b\Q$transport\E:(\[[0-9a-fA-F:.]+\]:\d+|[\d.]+:\d+)/g) {
		my $found = $1;
		return $found if ($found =~ /^\[/ ? 1 : 0) == ($six ? 1 : 0);
	}
	die "no $transport listener in: $line";
}

sub port {
	my ($self, $transport) = @_;
	my ($port) = $self->address($transport || 'udp') =~ /:(\d+)$/;
	return $port;
}

# ---- control socket

sub control_path {
	my ($self) = @_;
	my $switch = ref $self->{config} ? $self->{config}{switch} : {};
	return $switch->{control} || "$self->{dir}/control.sock";
}

# Sends one line as it is, returns the decoded answer line; other phones go on meanwhile.
sub control_raw {
	my ($self, $line) = @_;
	my $socket = IO::Socket::UNIX->new(Peer => $self->control_path)
		or die 'control socket: ' . $self->control_path . ": $!";
	syswrite $socket, "$line\n";
	my ($buffer, $done) = ('');
	Holdline::Test::Loop->add($socket, sub {
		my $got = sysread $socket, $buffer, 1 << 20, length $buffer;
		$done = 1 if !$got || $buffer =~ /\n/;
	});
	Holdline::Test::Loop->wait_for(sub { $done }, 15);
	Holdline::Test::Loop->remove($socket);
	close $socket;
	die "no answer on the control socket to: $line" unless $buffer =~ /\n/;
	return JSON::PP->new->utf8->decode($buffer);
}

sub control_answer {
	my ($self, $command, %arg) = @_;
	return $self->control_raw(JSON::PP->new->utf8->canonical->encode(
		{cmd => $command, %arg ? (args => \%arg) : ()}));
}

# The decoded result; an error answer dies.
sub control {
	my ($self, $command, %arg) = @_;
	my $answer = $self->control_answer($command, %arg);
	die "control $command: $answer->{error}\n" unless $answer->{ok};
	return $answer->{result};
}

sub endpoint {
	my ($self, $user) = @_;
	my $rows = $self->control('endpoints', user => $user);
	return $rows->[0];
}

# Repeats a control command until `condition` likes its result; returns that result.
sub control_until {
	my ($self, $condition, $command, %arg) = @_;
	my $result;
	Holdline::Test::Loop->wait_for(sub {
		local $_ = $result = $self->control($command, %arg);
		return $condition->($result);
	}, 10, 0.02) or die "control $command: never as expected: " . JSON::PP->new->encode($result);
	return $result;
}

# The row of that gateway, once `condition` holds with it in $_.
sub gateway {
	my ($self, $name, $condition) = @_;
	my $find = sub { (grep { $_->{name} eq $name } @{$_[0]})[0] };
	return $find->($self->control_until(
		sub { local $_ = $find->($_[0]); $condition->() }, 'gateways'));
}

# Writes a new configuration (hash, text or nothing) and reloads; returns the answer.
sub reload {
	my ($self, $config) = @_;
	$self->write_config($config) if defined $config;
	return $self->control_answer('reload');
}

# ---- records

# Waits for `count` call records and returns them.
sub cdrs {
	my ($self, $count, $timeout) = @_;
	my $path = (ref $self->{config} ? $self->{config}{switch}{state_dir} : "$self->{dir}/state")
		. '/cdr.jsonl';
	my @record;
	Holdline::Test::Loop->wait_for(sub {
		@record = ();
		open my $in, '<:raw', $path or return 0;
		my $decoder = JSON::PP->new->utf8;
		while (defined(my $line = <$in>)) {
			push @record, $decoder->decode($line) if $line =~ /\n$/;
		}
		return @record >= ($count || 1);
	}, $timeout || 5, 0.02);
	return @record;
}

# ---- the end

# Orderly stop, as one test: exit status 0, no sanitizer report.
sub stop {
	my ($self) = @_;
	return if defined $self->{status} && $self->{stopped}++;
	my $early = $self->gone;
	$self->signal('TERM') unless $early;
	my $ended = $self->wait_exit(15);
	$self->kill_now unless $ended;
	$self->{stopped} = 1;
	my $text = $self->log_text;
	my $report = $text =~ $sanitizer_report;
	my $unlooked = $text =~ $leak_search_failed && $text =~ /event=stopped/;
	my $good = !$early && $ended && ($self->exit_code == 0 || $unlooked) && !$report;
	Test::More::ok($good, 'the switch stops in good order');
	Test::More::diag('the search for leaks itself failed') if $good && $unlooked;
	return 1 if $good;
	Test::More::diag($early ? 'it had ended before' : !$ended ? 'it did not end' : $report
		? 'a sanitizer complained' : 'exit status ' . $self->exit_code);
	$self->tail(60);
	return 0;
}

sub stop_all {
	$_->stop for grep { $_->isa('Holdline::Test::Switch') } Holdline::Test::Process::running();
	return;
}

1;
__END__

=head1 NAME

Holdline::Test::Switch - starts, questions and stops a real switch

=head1 SYNOPSIS

	my $switch = start_switch(users => [1001, 1002], clock_rate => 10,
		config => { plugins => { keepalive => { period => 10 } } }, lua => $script);
	$switch->wait_log(event => 'registered', aor => '1001');
	$switch->control('status'); $switch->endpoint('1001'); my ($cdr) = $switch->cdrs(1);
	my ($exit, $text) = switch_object(yaml => $bad, args => ['--check'])->run;

=head1 DESCRIPTION

C<HOLDLINE> names the binary, C<HOLDLINE_PLUGIN_DIR> the plugins. C<config> is laid over a default
of UDP and TCP on 127.0.0.1 port 0, all four plugins, C<users> with password C<secret-USER>. C<yaml>
is a literal file. C<stop> is a test of its own: exit status 0 and no sanitizer report.

=cut
