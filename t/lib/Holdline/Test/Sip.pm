# SIP messages as tests want them: headers in order, compact names, digest (RFC 2617, RFC 7616),
# and enough SDP (RFC 4566) to make an offer and read an answer.
package Holdline::Test::Sip;
use strict;
use warnings;
use Digest::MD5 qw(md5_hex);
use Digest::SHA qw(sha256_hex);
use Exporter qw(import);
our @EXPORT_OK = qw(canonical random_token digest_header parse_challenge sdp_make sdp_parse
	name_uri reason_phrase);

my %compact = (
	i => 'Call-ID', m => 'Contact', e => 'Content-Encoding', l => 'Content-Length',
	c => 'Content-Type', f => 'From', s => 'Subject', k => 'Supported', t => 'To', v => 'Via',
	x => 'Session-Expires', r => 'Refer-To', b => 'Referred-By', o => 'Event',
	u => 'Allow-Events',
);
my %spelling = (
	'call-id' => 'Call-ID', 'cseq' => 'CSeq', 'www-authenticate' => 'WWW-Authenticate',
	'min-se' => 'Min-SE', 'rseq' => 'RSeq', 'rack' => 'RAck', 'mime-version' => 'MIME-Version',
	'p-asserted-identity' => 'P-Asserted-Identity',
);
my %reason = (
	100 => 'Trying', 180 => 'Ringing', 183 => 'Session Progress', 200 => 'OK', 202 => 'Accepted',
	302 => 'Moved Temporarily', 400 => 'Bad Request', 401 => 'Unauthorized', 403 => 'Forbidden',
	404 => 'Not Found', 405 => 'Method Not Allowed', 408 => 'Request Timeout',
	407 => 'Proxy Authentication Required', 415 => 'Unsupported Media Type',
	422 => 'Session Interval Too Small', 480 => 'Temporarily Unavailable',
	481 => 'Call/Transaction Does Not Exist', 486 => 'Busy Here', 487 => 'Request Terminated',
	488 => 'Not Acceptable Here', 491 => 'Request Pending', 500 => 'Server Internal Error',
	501 => 'Not Implemented', 503 => 'Service Unavailable', 600 => 'Busy Everywhere',
	603 => 'Decline',
);

sub reason_phrase { return $reason{$_[0]} || 'Whatever' }

sub canonical {
	my ($name) = @_;
	my $lower = lc $name;
	return $compact{$lower} if $compact{$lower};
	return $spelling{$lower} || join '-', map { ucfirst } split /-/, $lower;
}

sub random_token {
	my ($length) = @_;
	my @set = ('a' .. 'z', 0 .. 9);
	return join '', map { $set[rand @set] } 1 .. ($length || 10);
}

# ---- messages

sub new_request {
	my ($class, $method, $uri) = @_;
	return bless {method => $method, uri => $uri, headers => [], body => ''}, $class;
}

sub new_response {
	my ($class, $code, $text) = @_;
	return bless {
		code => $code, reason => defined $text ? $text : reason_phrase($code),
		headers => [], body => '',
	}, $class;
}

# Returns nothing for what is no SIP message: a heartbeat, for instance.
sub parse {
	my ($class, $bytes) = @_;
	my ($head, $body) = split /\r?\n\r?\n/, $bytes, 2;
	return unless defined $head && length $head;
	my @line = split /\r?\n/, $head;
	my $first = shift @line;
	return unless defined $first;
	my $self = {headers => [], body => defined $body ? $body : '', bytes => $bytes};
	if ($first =~ m{^SIP/2\.0 (\d{3}) ?(.*)$}) {
		@$self{qw(code reason)} = ($1, $2);
	} elsif ($first =~ m{^([A-Z]+) (\S+) SIP/2\.0$}) {
		@$self{qw(method uri)} = ($1, $2);
	} else {
		return;
	}
	for my $line (@line) {
		if ($line =~ /^[ \t]+(.*)/ && @{$self->{headers}}) {
			$self->{headers}[-1][1] .= " $1";
		} elsif ($line =~ /^([^:\s]+)\s*:\s*(.*?)\s*$/) {
			push @{$self->{headers}}, [$1, $2];
		} else {
			return;
		}
	}
	return bless $self, $class;
}

sub is_request { return defined $_[0]{method} }
sub code { return $_[0]{code} }
sub reason { return $_[0]{reason} }
sub uri { return $_[0]{uri} }
sub body { return $_[0]{body} }
sub bytes { return $_[0]{bytes} }
sub from { return $_[0]{from} }
sub at { return $_[0]{at} }

# Of a response: the method of the request it answers.
sub method {
	my ($self) = @_;
	return $self->{method} if defined $self->{method};
	my ($method) = ($self->header('CSeq') || '') =~ /^\d+\s+(\S+)/;
	return $method || '';
}

sub headers {
	my ($self, $name) = @_;
	my $wanted = canonical($name);
	return map { $_->[1] } grep { canonical($_->[0]) eq $wanted } @{$self->{headers}};
}

sub header {
	my ($self, $name) = @_;
	return ($self->headers($name))[0];
}

# The elements of a comma-separated header, over all its lines.
sub list {
	my ($self, $name) = @_;
	my @element;
	for my $value ($self->headers($name)) {
		push @element, $1 while $value =~ /\G\s*((?:"(?:[^"\\]|\\.)*"|<[^>]*>|[^,"<])+)\s*,?/g;
	}
	s/\s+$// for @element;
	return @element;
}

sub add {
	my ($self, @pairs) = @_;
	while (my ($name, $value) = splice @pairs, 0, 2) {
		push @{$self->{headers}}, map { [$name, $_] } ref $value ? @$value : $value;
	}
	return $self;
}

# Replaces in place; an undefined value removes the header.
sub set {
	my ($self, $name, $value) = @_;
	my $wanted = canonical($name);
	my ($done, @kept);
	for my $row (@{$self->{headers}}) {
		if (canonical($row->[0]) ne $wanted) {
			push @kept, $row;
		} elsif (!$done++ && defined $value) {
			push @kept, map { [$name, $_] } ref $value ? @$value : $value;
		}
	}
	push @kept, map { [$name, $_] } ref $value ? @$value : $value if !$done && defined $value;
	$self->{headers} = \@kept;
	return $self;
}

# ;name=value parameters of a header's first value; a bare parameter is the empty string.
sub params {
	my ($self, $name) = @_;
	my $value = $self->header($name);
	return {} unless defined $value;
	$value =~ s/^[^<]*<[^>]*>//;
	my %param;
	while ($value =~ /;\s*([^=;,\s]+)\s*(?:=\s*("(?:[^"\\]|\\.)*"|[^;,\s]*))?/g) {
		$param{lc $1} = defined $2 ? $2 : '';
	}
	return \%param;
}

sub call_id { return $_[0]->header('Call-ID') || '' }
sub from_tag { return $_[0]->params('From')->{tag} }
sub to_tag { return $_[0]->params('To')->{tag} }
sub branch { return $_[0]->params('Via')->{branch} || '' }

sub cseq {
	my ($self) = @_;
	my ($number) = ($self->header('CSeq') || '') =~ /^(\d+)/;
	return $number || 0;
}

sub sdp { return sdp_parse($_[0]{body}) }

sub as_string {
	my ($self) = @_;
	my $text = $self->is_request ? "$self->{method} $self->{uri} SIP/2.0\r\n"
		: "SIP/2.0 $self->{code} $self->{reason}\r\n";
	$text .= "$_->[0]: $_->[1]\r\n" for @{$self->{headers}};
	$text .= 'Content-Length: ' . length($self->{body}) . "\r\n"
		unless defined $self->header('Content-Length');
	return "$text\r\n$self->{body}";
}

sub summary {
	my ($self) = @_;
	return "$self->{method} $self->{uri}" if $self->is_request;
	return "$self->{code} $self->{reason} (" . ($self->header('CSeq') || '') . ')';
}

# The URI inside a From, To or Contact value.
sub name_uri {
	my ($value) = @_;
	return $1 if $value =~ /<([^>]*)>/;
	$value =~ s/[;\s].*//s;
	return $value;
}

# ---- digest

sub parse_challenge {
	my ($value) = @_;
	my ($scheme, $rest) = $value =~ /^\s*(\S+)\s+(.*)$/s or return;
	my %challenge = (scheme => $scheme);
	while ($rest =~ /([\w-]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,]+))/g) {
		$challenge{lc $1} = defined $2 ? $2 : $3;
	}
	return \%challenge;
}

# The value of an Authorization header that answers `challenge` (RFC 7616 §3.4).
sub digest_header {
	my (%arg) = @_;
	my $challenge = $arg{challenge};
	my $algorithm = $challenge->{algorithm} || 'MD5';
	my $hash = $algorithm =~ /^SHA-256(-sess)?$/i ? \&sha256_hex : \&md5_hex;
	my $nc = sprintf '%08x', $arg{nc} || 1;
	my $cnonce = defined $arg{cnonce} ? $arg{cnonce} : random_token(16);
	my ($qop) = grep { $_ eq 'auth' } split /\s*,\s*/, $challenge->{qop} || '';
	my $ha1 = $arg{ha1} || $hash->("$arg{user}:$challenge->{realm}:$arg{password}");
	$ha1 = $hash->("$ha1:$challenge->{nonce}:$cnonce") if $algorithm =~ /-sess$/i;
	my $ha2 = $hash->("$arg{method}:$arg{uri}");
	my $middle = $qop ? "$challenge->{nonce}:$nc:$cnonce:$qop" : $challenge->{nonce};
	my $response = $hash->("$ha1:$middle:$ha2");
	my @part = (qq(username="$arg{user}"), qq(realm="$challenge->{realm}"),
		qq(nonce="$challenge->{nonce}"), qq(uri="$arg{uri}"), qq(response="$response"));
	push @part, "algorithm=$algorithm" if $challenge->{algorithm};
	push @part, qq(opaque="$challenge->{opaque}") if defined $challenge->{opaque};
	push @part, "qop=$qop", "nc=$nc", qq(cnonce="$cnonce") if $qop;
	return 'Digest ' . join ', ', @part;
}

# ---- SDP

sub sdp_make {
	my (%arg) = @_;
	my $host = defined $arg{host} ? $arg{host} : '127.0.0.1';
	my $family = $host =~ /:/ ? 'IP6' : 'IP4';
	my $id = $arg{id} || 1000;
	my $version = $arg{version} || 1;
	my $codecs = $arg{codecs} || [[0, 'PCMU/8000'], [8, 'PCMA/8000']];
	my @line = ('v=0', "o=test $id $version IN $family $host", 's=-', "c=IN $family $host", 't=0 0');
	push @line, 'm=audio ' . ($arg{port} || 40000) . ' ' . ($arg{proto} || 'RTP/AVP')
		. join '', map { " $_->[0]" } @$codecs;
	push @line, map { "a=rtpmap:$_->[0] $_->[1]" } @$codecs;
	push @line, 'a=ptime:20', 'a=' . ($arg{direction} || 'sendrecv');
	push @line, @{$arg{lines} || []};
	return join '', map { "$_\r\n" } @line;
}

# { origin, version, host, port, media => [{ type, port, proto, formats, host, direction, lines }] };
# host and port are those of the first media line.
sub sdp_parse {
	my ($text) = @_;
	my %sdp = (media => [], lines => []);
	my $scope = \%sdp;
	for my $line (split /\r?\n/, $text) {
		my ($type, $value) = $line =~ /^([a-z])=(.*)$/ or next;
		if ($type eq 'm') {
			my ($kind, $port, $proto, @formats) = split ' ', $value;
			$scope = {type => $kind, port => $port, proto => $proto, formats => \@formats,
				host => $sdp{host}, direction => $sdp{direction} || 'sendrecv', lines => []};
			push @{$sdp{media}}, $scope;
		} elsif ($type eq 'c') {
			($scope->{host}) = $value =~ /^IN IP[46] (\S+)/;
		} elsif ($type eq 'o') {
			$sdp{origin} = $value;
			$sdp{version} = (split ' ', $value)[2];
		}
		$scope->{direction} = $value if $value =~ /^(?:sendrecv|sendonly|recvonly|inactive)$/;
		push @{$scope->{lines}}, $line;
	}
	return unless defined $sdp{origin};
	if (my $first = $sdp{media}[0]) {
		@sdp{qw(host port)} = @$first{qw(host port)};
	}
	return \%sdp;
}

1;
__END__

=head1 NAME

Holdline::Test::Sip - a SIP message, digest credentials, session descriptions

=head1 SYNOPSIS

	my $message = Holdline::Test::Sip->parse($bytes) or die 'not SIP';
	$message->method; $message->code; $message->header('f'); $message->params('Via')->{rport};
	my $request = Holdline::Test::Sip->new_request('OPTIONS', 'sip:x@y')->add(From => ...);
	$request->as_string;

=head1 DESCRIPTION

C<parse>, C<new_request>, C<new_response>; C<header>, C<headers>, C<list> (comma-separated),
C<params>, C<add>, C<set>, C<as_string>. Names match in any case and in compact form. On a received
message C<from> is the source as IP:PORT and C<at> the arrival on the monotonic clock.

Functions: C<parse_challenge>, C<digest_header(challenge, user, password | ha1, method, uri, nc)>,
C<sdp_make(host, port, codecs, direction, version, lines)>, C<sdp_parse>, C<name_uri>.

=cut
