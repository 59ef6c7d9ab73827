# A router of the kernel's: three network namespaces, the middle one of which masquerades what the
# inner one sends, and forgets UDP mappings after some seconds. Nothing of it touches the machine's
# own network. Needs root, iproute2 and nftables.
package Holdline::Test::Router;
use strict;
use warnings;

my $setns = 308;             # x86_64
my $net = 0x40000000;        # CLONE_NEWNET
my %address = (phone => '10.9.1.2', inside => '10.9.1.1', outside => '203.0.113.1',
	switch => '203.0.113.2');

# Why there can be none here; nothing when there can.
sub why_not {
	return 'not root' if $>;
	for my $tool (qw(ip nft)) {
		return "no $tool" unless grep { -x "$_/$tool" } '/usr/sbin', '/sbin', '/usr/bin', '/bin';
	}
	require POSIX;
	return 'setns is known for x86_64 only' unless (POSIX::uname())[4] eq 'x86_64';
	my $name = "hl-$$-try";
	return 'network namespaces cannot be made here' if system "ip netns add $name 2>/dev/null";
	my $refused = system "ip netns exec $name nft add table ip nat 2>/dev/null";
	system "ip netns del $name";
	return $refused ? 'nftables has no NAT here' : undef;
}

sub _run {
	my ($command) = @_;
	system("PATH=/usr/sbin:/sbin:\$PATH; $command") == 0 or die "$command failed\n";
	return;
}

# timeout: seconds after which an idle UDP mapping is forgotten.
sub new {
	my ($class, %arg) = @_;
	my $self = bless {owner => $$, timeout => $arg{timeout} || 12,
		space => {map { $_ => "hl-$$-$_" } qw(phone router switch)}}, $class;
	my ($phone, $router, $switch) = @{$self->{space}}{qw(phone router switch)};
	_run("ip netns add $_ && ip -n $_ link set lo up") for values %{$self->{space}};
	_run("ip -n $phone link add eth0 type veth peer name inside netns $router");
	_run("ip -n $switch link add eth0 type veth peer name outside netns $router");
	_run("ip -n $phone address add $address{phone}/24 dev eth0");
	_run("ip -n $switch address add $address{switch}/24 dev eth0");
	_run("ip -n $router address add $address{$_}/24 dev $_ && ip -n $router link set $_ up")
		for qw(inside outside);
	_run("ip -n $_ link set eth0 up") for $phone, $switch;
	_run("ip -n $phone route add default via $address{inside}");
	_run("ip netns exec $router sh -c 'echo 1 > /proc/sys/net/ipv4/ip_forward'");
	_run("ip netns exec $router nft -f - <<'END'
table ip nat {
	chain post {
		type nat hook postrouting priority 100;
		oifname outside masquerade
	}
}
END
");
	_run("ip netns exec $router sh -c 'echo $self->{timeout} > "
		. "/proc/sys/net/netfilter/nf_conntrack_$_'") for qw(udp_timeout udp_timeout_stream);
	return $self;
}

sub address { return $address{$_[1]} }

# Makes the line of `phone` or `switch` narrow: what goes beyond `rate`, with `burst` bytes at once and
# `queue` bytes waiting, is refused. False where the kernel cannot.
sub narrow {
	my ($self, $where, $rate, $burst, $queue) = @_;
	return system("PATH=/usr/sbin:/sbin:\$PATH; tc -n $self->{space}{$where} qdisc add dev eth0 "
		. "root tbf rate $rate burst $burst limit $queue 2>/dev/null") == 0;
}

sub _enter {
	my ($path) = @_;
	open my $space, '<', $path or die "$path: $!\n";
	syscall($setns, fileno $space, $net) == 0 or die "setns $path: $!\n";
	return;
}

# Runs code in the namespace `phone` or `switch`: what it opens and starts stays there.
sub within {
	my ($self, $where, $code) = @_;
	open my $home, '<', '/proc/thread-self/ns/net' or die "/proc/thread-self/ns/net: $!\n";
	_enter("/run/netns/$self->{space}{$where}");
	my @result = eval { $code->() };
	my $error = $@;
	syscall($setns, fileno $home, $net) == 0 or die "setns: $!\n";
	die $error if $error;
	return wantarray ? @result : $result[0];
}

sub DESTROY {
	my ($self) = @_;
	local $?;
	return if $self->{owner} != $$;
	system "ip netns del $_ 2>/dev/null" for values %{$self->{space}};
	return;
}

1;
__END__

=head1 NAME

Holdline::Test::Router - a NAT router in network namespaces

=head1 SYNOPSIS

	my $why = Holdline::Test::Router::why_not();
	plan skip_all => $why if $why;
	my $router = Holdline::Test::Router->new(timeout => 12);
	my $switch = $router->within(switch => sub { start_switch(...) });
	my $phone = $router->within(phone => sub { phone(local => $router->address('phone'), ...) });

=head1 DESCRIPTION

C<phone> (10.9.1.2) is behind C<router>, which masquerades it as 203.0.113.1 (C<outside>) towards
C<switch> (203.0.113.2). The namespaces go with the object.

=cut
