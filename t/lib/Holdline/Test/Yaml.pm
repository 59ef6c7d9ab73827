# Perl data as YAML, for configurations written by tests. Numbers stay numbers, strings that could be
# read as something else are quoted, a reference to a string is YAML as it stands.
package Holdline::Test::Yaml;
use strict;
use warnings;
use Exporter qw(import);
use JSON::PP;
our @EXPORT_OK = qw(yaml_text);

my $json = JSON::PP->new->allow_nonref->ascii;

sub _scalar {
	my ($value) = @_;
	return '~' unless defined $value;
	return $$value if ref $value eq 'SCALAR';
	return $value ? 'on' : 'off' if JSON::PP::is_bool($value);
	return $value if $value =~ /^[A-Za-z_][\w-]*$/;
	return $json->encode($value);
}

sub _key {
	my ($key) = @_;
	return $key =~ /^[A-Za-z_][\w-]*$/ ? $key : $json->encode("$key");
}

sub _node {
	my ($value, $indent) = @_;
	if (ref $value eq 'HASH') {
		return ' {}' unless %$value;
		return join '', map { "\n$indent" . _key($_) . ':' . _node($value->{$_}, "$indent  ") }
			sort keys %$value;
	}
	if (ref $value eq 'ARRAY') {
		return ' []' unless @$value;
		return join '', map { my $item = _node($_, "$indent  "); $item =~ s/^\n\s*//;
			$item =~ s/^ //; "\n$indent- $item" } @$value;
	}
	return ' ' . _scalar($value);
}

sub yaml_text {
	my ($data) = @_;
	my $text = _node($data, '');
	$text =~ s/^\n//;
	return "$text\n";
}

1;
__END__

=head1 NAME

Holdline::Test::Yaml - C<yaml_text($data)>: a configuration as YAML

=cut
