#!/usr/bin/perl
# Writes the parameters (JSON of `holdline --params=json` on stdin) into a page: its template is the
# argument, the page goes to stdout. With --yaml: a configuration with every parameter at its default.
# So neither can differ from the rows.
use strict;
use warnings;
use JSON::PP;

my $json = JSON::PP->new->allow_nonref->canonical;
my $parameters = $json->decode(do { local $/; <STDIN> });
@$parameters or die "no parameters\n";

# Text for mdoc: no request by accident, no escapes.
sub plain
{
	my ($text) = @_;
	$text =~ s/\\/\\e/g;
	$text =~ s/^([.'])/\\&$1/;
	$text =~ s/"/\\(dq/g;
	return $text;
}

sub default_of
{
	my ($value) = @_;
	return 'none' if !defined $value || (!ref $value && $value eq '');
	return @$value ? join ', ', @$value : 'none' if ref $value eq 'ARRAY';
	return $value ? 'on' : 'off' if JSON::PP::is_bool($value);
	return $value;
}

sub allowed_of
{
	my ($row) = @_;
	my ($words, $range) = (join(', ', @{$row->{values} // []}), '');
	if ($row->{type} eq 'integer' || $row->{type} eq 'range') {
		$range = defined $row->{max} ? "$row->{min} to $row->{max}" : "$row->{min} or more";
		$range .= " $row->{unit}" if defined $row->{unit};
		$range = "LOW-HIGH within $range" if $row->{type} eq 'range';
	} elsif (defined $row->{max}) {
		$range = "up to $row->{max} bytes";
	}
	return join ', or ', grep { length } $range, $row->{type} eq 'boolean' ? 'on, off' : $words;
}

# A value as YAML has it.
sub yaml_of
{
	my ($row) = @_;
	my $value = $row->{default};
	return '[' . join(', ', map { $json->encode($_) } @$value) . ']' if ref $value eq 'ARRAY';
	return $value ? 'on' : 'off' if JSON::PP::is_bool($value);
	return '""' if !defined $value || $value eq '';
	return $value =~ /^[A-Za-z0-9_][\w-]*$/ && $row->{type} ne 'bytes' ? $value : $json->encode($value);
}

# Words as comment lines of at most 100 columns.
sub comment
{
	my ($indent, $text) = @_;
	my ($lines, $line) = ('', '');
	for my $word (split / /, $text) {
		if (length($indent) + 3 + length($line) + length($word) > 100) {
			$lines .= "$indent#$line\n";
			$line = '';
		}
		$line .= " $word";
	}
	return "$lines$indent#$line\n";
}

sub yaml_file
{
	my $head = <<'END';
# Every parameter of the switch and its plugins, each at its default: take what you need, change it,
# leave out the rest. Made from the parameters' own descriptions; see holdline.yaml(5) for `endpoints`,
# `gateways`, `switch.networks` and `policy.rules`, and scenarios/ for sets of values that go together.
END
	my ($out, $section, $above, $plugins) = ($head, '', '', 0);
	for my $row (@$parameters) {
		my ($name, @path) = split /\./, $row->{key};
		my $core = $name eq 'switch' || $name eq 'policy';
		my $indent = $core ? '  ' : '    ';
		if ($name ne $section) {
			$out .= "\nplugins:\n" unless $core || $plugins++;
			$out .= ($core ? "\n" : '') . substr($indent, 2) . "$name:\n";
			($section, $above) = ($name, '');
		}
		my $key = pop @path;
		my $map = join '.', @path;
		$out .= "$indent$map:\n" if length $map && $map ne $above;
		$above = $map;
		$indent .= '  ' if length $map;
		my $allowed = allowed_of($row);
		$out .= comment($indent, $row->{help} . (length $allowed ? " Allowed: $allowed." : '')
			. (defined $row->{vos3000} ? " VOS3000: $row->{vos3000}." : '')
			. ($row->{reloadable} ? '' : ' Takes a restart.'));
		$out .= "$indent$key: " . yaml_of($row) . "\n";
	}
	return $out;
}

if ($ARGV[0] eq '--yaml') {
	binmode STDOUT, ':encoding(UTF-8)';
	print yaml_file();
	exit;
}

my $list = '';
for my $row (@$parameters) {
	my $allowed = allowed_of($row);
	$list .= sprintf ".It Cm %s\n", plain($row->{key});
	$list .= sprintf "%s\n", plain($row->{help});
	$list .= sprintf "Allowed: %s.\n", plain($allowed) if length $allowed;
	$list .= sprintf "VOS3000: %s.\n", plain($row->{vos3000}) if defined $row->{vos3000};
	$list .= sprintf "Default: %s%s.\n", plain(default_of($row->{default})),
		$row->{reloadable} ? '' : '; takes a restart';
}
chomp $list;

open my $in, '<', $ARGV[0] or die "$ARGV[0]: $!\n";
while (<$in>) {
	s/^\@PARAMETERS\@$/$list/m;
	print;
}
