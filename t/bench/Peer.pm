# Servers to compare with, each in the foreground on a loopback port: Kamailio and rtpengine.
package Peer;
use strict;
use warnings;
use File::Temp qw(tempdir);
use IO::Select;
use IO::Socket::INET;
use Time::HiRes ();

my $patience = 10;    # seconds a server may take to answer its first packet

sub program {
	my ($name) = @_;
	for my $dir (split(/:/, $ENV{PATH}), '/usr/sbin', '/usr/local/sbin') {
		return "$dir/$name" if -x "$dir/$name";
	}
	return;
}

sub free_port {
	my $socket = IO::Socket::INET->new(Proto => 'udp', LocalAddr => '127.0.0.1', LocalPort => 0)
		or die "no UDP port: $!";
	return $socket->sockport;
}

sub write_file {
	my ($path, $text) = @_;
	open my $out, '>', $path or die "$path: $!";
	print $out $text;
	close $out or die "$path: $!";
	return $path;
}

# Starts a command and waits until its port answers `question`; undef, with its log, if it does not.
sub start {
	my ($class, $dir, $port, $question, @command) = @_;
	my $pid = fork;
	die "fork: $!" unless defined $pid;
	if (!$pid) {
		open STDIN, '<', '/dev/null';
		open STDOUT, '>', "$dir/log";
		open STDERR, '>&', \*STDOUT;
		exec {$command[0]} @command;
		exit 127;
	}
	my $self = bless {pid => $pid, dir => $dir, address => "127.0.0.1:$port"}, $class;
	return $self if $self->answers($question);
	open my $log, '<', "$dir/log" or die "$dir/log: $!";
	warn "$command[0] does not answer; its log:\n", <$log>;
	$self->stop;
	return;
}

sub answers {
	my ($self, $question) = @_;
	my $socket = IO::Socket::INET->new(Proto => 'udp', PeerAddr => $self->{address})
		or die "no UDP socket: $!";
	my $local = '127.0.0.1:' . $socket->sockport;
	$question =~ s/\@LOCAL\@/$local/g;
	my $end = Time::HiRes::time() + $patience;
	while (Time::HiRes::time() < $end) {
		$socket->send($question);
		next unless IO::Select->new($socket)->can_read(0.1);
		return 1 if defined $socket->recv(my $answer, 4096);
		select undef, undef, undef, 0.05;    # refused: nobody listens yet
	}
	return 0;
}

sub address { return $_[0]{address} }
sub pid { return $_[0]{pid} }

sub stop {
	my ($self) = @_;
	my $pid = delete $self->{pid} or return;
	kill 'TERM', $pid;
	local $SIG{ALRM} = sub { kill 'KILL', $pid };
	alarm 5;
	waitpid $pid, 0;
	alarm 0;
	return;
}

sub DESTROY { local $?; return $_[0]->stop }

# A registrar and record-routing stateful proxy that answers OPTIONS, one worker, no database.
sub kamailio {
	my ($class, %arg) = @_;
	my $program = program('kamailio') or return;
	my ($modules) = grep { -d } glob '/usr/lib/*/kamailio/modules /usr/lib*/kamailio/modules';
	my $dir = tempdir('bench-XXXXXXXX', TMPDIR => 1, CLEANUP => 1);
	my $port = free_port();
	my $auth = $arg{password} ? qq[
		if (!pv_www_authenticate("bench", "$arg{password}", "0")) {
			www_challenge("bench", "1");
			exit;
		}] : '';
	my ($nat, $mark) = $arg{period} ? nathelper_parts($arg{period}) : ('', '');
	my $config = write_file("$dir/kamailio.cfg", <<"END");
debug=0
log_stderror=yes
children=1
disable_tcp=yes
auto_aliases=no
listen=udp:127.0.0.1:$port
mpath="$modules"
loadmodule "tm.so"
loadmodule "sl.so"
loadmodule "rr.so"
loadmodule "pv.so"
loadmodule "maxfwd.so"
loadmodule "textops.so"
loadmodule "siputils.so"
loadmodule "usrloc.so"
loadmodule "registrar.so"
loadmodule "auth.so"
modparam("usrloc", "hash_size", 14)
$nat
request_route {
	if (!mf_process_maxfwd_header("10")) {
		sl_send_reply("483", "Too Many Hops");
		exit;
	}
	if (is_method("REGISTER")) {$auth$mark
		save("location");
		exit;
	}
	if (has_totag()) {
		if (loose_route() || (is_method("ACK") && t_check_trans())) {
			t_relay();
		}
		exit;
	}
	if (is_method("OPTIONS")) {
		if (t_newtran()) {
			t_reply("200", "OK");
		}
		exit;
	}
	if (is_method("INVITE")) {
		record_route();
	}
	if (!lookup("location")) {
		sl_send_reply("404", "Not Found");
		exit;
	}
	t_relay();
}
END
	my $question = "OPTIONS sip:127.0.0.1:$port SIP/2.0\r\n"
		. "Via: SIP/2.0/UDP \@LOCAL\@;branch=z9hG4bKready;rport\r\nMax-Forwards: 70\r\n"
		. "From: <sip:bench\@127.0.0.1>;tag=r\r\nTo: <sip:127.0.0.1>\r\nCall-ID: ready\r\n"
		. "CSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n";
	# tlsf is the quicker of its allocators; Debian's default costs up to twice as much.
	return $class->start($dir, $port, $question, $program, '-f', $config, '-Y', $dir, '-DD', '-E',
		'-m', 512, '-M', 16, '-x', 'tlsf', '-X', 'tlsf');
}

# The same, which pings contacts behind NAT every `period` seconds from a process of its own.
sub nathelper {
	my ($class, %arg) = @_;
	return $class->kamailio(%arg);
}

sub nathelper_parts {
	my ($period) = @_;
	return (qq[loadmodule "kex.so"
loadmodule "nathelper.so"
modparam("usrloc", "nat_bflag", 6)
modparam("nathelper|registrar", "received_avp", "\$avp(received)")
modparam("nathelper", "natping_interval", $period)
modparam("nathelper", "natping_processes", 1)
modparam("nathelper", "ping_nated_only", 1)], qq[
		fix_nated_register();
		setbflag(6);]);
}

# The media relay, in user space, steered over its ng port.
sub rtpengine {
	my ($class) = @_;
	my $program = program('rtpengine') or return;
	my $dir = tempdir('bench-XXXXXXXX', TMPDIR => 1, CLEANUP => 1);
	my $port = free_port();
	return $class->start($dir, $port, 'ready d7:command4:pinge', $program, '--config-file=none',
		'--foreground', '--log-stderr', '--log-level=3', '--table=-1', '--interface=127.0.0.1',
		"--listen-ng=127.0.0.1:$port", '--port-min=20000', '--port-max=29999', '--num-threads=1',
		"--pidfile=$dir/pid");
}

1;
