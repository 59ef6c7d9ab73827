# Every parameter at its bounds and one beyond, under both its names: the rows are the checker.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Holdline::Test;

my (undef, $json) = switch_object(args => ['--params=json'])->run;
my @rows = @{JSON::PP->new->utf8->decode($json)};
cmp_ok scalar(@rows), '>', 40, 'there are rows';

sub path_of {
	my ($key) = @_;
	return $key =~ /^(?:switch|policy)\./ ? $key : "plugins.$key";
}

# The configuration that gives each of these rows its value.
sub config_of {
	my ($value) = @_;
	my %config = (switch => {}, plugins => {});
	for my $row (@rows) {
		my $given = $value->($row);
		next unless defined $given;
		my @path = split /\./, path_of($row->{key});
		my $key = pop @path;
		my $into = \%config;
		$into = $into->{$_} ||= {} for @path;
		$into->{$key} = $given;
	}
	return \%config;
}

# Exit status and the paths it complains of, warnings apart.
sub check {
	my ($config) = @_;
	my ($exit, $text) = switch_object(args => ['--check'], config => $config)->run;
	my %wrong = map { /:\d+:\d+: (?!warning)([\w.-]+): / ? ($1 => $_) : () } split /\n/, $text;
	return ($exit, \%wrong, $text);
}

my @numbers = grep { $_->{type} eq 'integer' && defined $_->{max} } @rows;
cmp_ok scalar(@numbers), '>', 20, 'of which many are numbers';

for my $bound (qw(min max)) {
	my $step = $bound eq 'min' ? -1 : 1;
	my (undef, $wrong) = check(config_of(sub { my $row = shift;
		$row->{type} eq 'integer' && defined $row->{max} ? $row->{$bound} + 0 : undef }));
	is_deeply [grep { ($wrong->{path_of($_->{key})} || '') =~ /allowed| to / } @numbers], [],
		"each at its $bound";
	(my $exit, $wrong) = check(config_of(sub { my $row = shift;
		$row->{type} eq 'integer' && defined $row->{max} ? $row->{$bound} + $step : undef }));
	is $exit, 2, "beyond $bound: exit 2";
	is_deeply [map { $_->{key} } grep { !$wrong->{path_of($_->{key})} } @numbers], [],
		'each is named';
}

my @choices = grep { ref $_->{values} && @{$_->{values}} && $_->{type} ne 'integer' } @rows;
for my $row (@choices) {
	my @refused = grep { my $value = $_; my (undef, $wrong) = check(config_of(sub {
		$_[0]{key} eq $row->{key} ? $value : undef })); $wrong->{path_of($row->{key})} }
		@{$row->{values}};
	is_deeply \@refused, [], "$row->{key}: each of its words";
}
my ($exit, $wrong) = check(config_of(sub { ref $_[0]{values} && @{$_[0]{values}} ? 'perhaps' : undef }));
is_deeply [map { $_->{key} } grep { ($wrong->{path_of($_->{key})} || '') !~ /\Q$_->{values}[0]\E/ }
	@choices], [], 'another word is refused and the right ones named';

my @named = grep { $_->{vos3000} && $_->{type} eq 'integer' && defined $_->{max} } @rows;
cmp_ok scalar(@named), '>', 10, 'many have a VOS3000 name';
($exit, undef, my $text) = check({plugins => {map { (split /\./, $_->{key})[0] => {} } grep {
	$_->{key} !~ /^(?:switch|policy)\./ } @rows},
	vos3000 => {map { $_->{vos3000} => $_->{max} + 1 } @named}});
is_deeply [map { $_->{vos3000} } grep { $text !~ /$_->{vos3000}/ } @named], [],
	'each is checked under that name too';

finish;
