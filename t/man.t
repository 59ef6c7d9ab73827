# The man pages: well-formed, and of the programs as they are.
use strict;
use warnings;
use FindBin;
use JSON::PP;
use Test::More;

my $source = "$FindBin::Bin/..";
my $build = $ENV{HOLDLINE_BUILDDIR} // "$source/build";

sub text {
	my ($name) = @_;
	open my $in, '<', "$build/doc/$name" or die "$name: $!";
	local $/;
	my $text = <$in>;
	$text =~ s/\\-|Fl -/--/g;
	return $text;
}

SKIP: {
	my @pages = glob "$build/doc/*.[1-8]";
	ok(scalar @pages, 'there are man pages');
	system('command -v mandoc >/dev/null') == 0 or skip 'no mandoc', scalar @pages;
	is(`mandoc -Tlint -W warning '$_' 2>&1`, '', "$_ is well-formed") for @pages;
}

SKIP: {
	my $tool = $ENV{HOLDLINECTL} // '';
	-x $tool or skip 'no holdlinectl', 1;
	my $page = text('holdlinectl.1');
	my ($list) = `$tool --help` =~ /^Commands:\n(.*?)\n\n/ms;
	my @commands = $list =~ /^  (\w+)/mg;
	cmp_ok(scalar @commands, '>', 5, 'holdlinectl has commands');
	is_deeply([grep { $page !~ /^\.It Cm $_\b/m } @commands], [], 'all are in its page');
	is_deeply([grep { my $one = $_; !grep { $_ eq $one } @commands } $page =~ /^\.It Cm (\w+)/mg], [],
		'which names no others');
}

SKIP: {
	my $switch = $ENV{HOLDLINE} // '';
	-x $switch or skip 'no holdline', 1;
	my $page = text('holdline.8');
	my %options = map { $_ => 1 } `$switch --help` =~ /(--[\w-]+)/g;
	cmp_ok(scalar keys %options, '>', 3, 'holdline has options');
	is_deeply([grep { $page !~ /\Q$_\E\b/ } sort keys %options], [], 'all are in its page');

	my %default = map { $_->{key} => $_->{default} } @{decode_json(scalar `$switch --params=json`)};
	my ($config) = `$switch --help` =~ /default (\S+?)\)/;
	for my $place ($config, $default{'switch.control'}, "$default{'switch.state_dir'}/cdr.jsonl") {
		like($page, qr{^\.It Pa \Q$place\E$}m, "and it names $place, as configured");
	}
	like(text('holdlinectl.1'), qr{^\.It Pa \Q$default{'switch.control'}\E$}m, 'as does holdlinectl(1)');
	like(text('holdline.yaml.5'), qr{^\.It Pa \Q$config\E$}m, 'and holdline.yaml(5)');
}

done_testing();
