#!/usr/bin/perl
# Writes the parameters (JSON of `holdline --params=json` on stdin) into a page: its template is the
# argument, the page goes to stdout. So the page cannot differ from the rows.
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
