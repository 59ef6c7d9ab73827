# Certificates for one test, in its directory: an authority, and what it signs.
package Holdline::Test::Certificate;
use strict;
use warnings;
use Exporter qw(import);
our @EXPORT_OK = qw(authority certificate);

# Whether there is all that TLS in a test needs.
sub available {
	return eval { require IO::Socket::SSL; 1 } && grep { -x "$_/openssl" } split /:/, $ENV{PATH};
}

sub _openssl {
	my (@argument) = @_;
	my $pid = open my $out, '-|';
	defined $pid or die "fork: $!";
	if (!$pid) {
		open STDERR, '>&', \*STDOUT;
		{ no warnings 'exec'; exec 'openssl', @argument; }
		POSIX::_exit(127);
	}
	my $said = do { local $/; <$out> };
	close $out or die "openssl @argument: $said";
	return;
}

sub _new_key {
	my ($base) = @_;
	return ('-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-keyout', "$base.key");
}

# DIR/NAME.pem and DIR/NAME.key; returns the path of the certificate.
sub authority {
	my ($dir, $name) = @_;
	_openssl('req', '-x509', _new_key("$dir/$name"), '-out', "$dir/$name.pem", '-days', 30,
		'-subj', "/CN=Test authority $name", '-addext', 'keyUsage=keyCertSign');
	return "$dir/$name.pem";
}

# The same for a host or client, signed by `by`; names (subjectAltName), days.
sub certificate {
	my ($dir, $name, %arg) = @_;
	(my $key = $arg{by}) =~ s/pem$/key/;
	_openssl('req', '-x509', _new_key("$dir/$name"), '-out', "$dir/$name.pem",
		'-days', $arg{days} || 30, '-subj', "/CN=$name", '-CA', $arg{by}, '-CAkey', $key,
		'-addext', 'basicConstraints=CA:FALSE',
		'-addext', 'subjectAltName=' . ($arg{names} || 'IP:127.0.0.1,DNS:localhost'));
	return "$dir/$name.pem";
}

1;
__END__

=head1 NAME

Holdline::Test::Certificate - TLS certificates made on the spot

=head1 DESCRIPTION

C<authority(DIR, NAME)>, C<certificate(DIR, NAME, by =E<gt> AUTHORITY, names =E<gt> 'IP:127.0.0.1',
days =E<gt> 30)> write NAME.pem and NAME.key (P-256) and return the path of the first; C<available>
says whether openssl and IO::Socket::SSL are there.

=cut
