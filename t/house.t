#!/usr/bin/perl
# The house keeps its own rules: which room may see which, where a library lives, how long things get.
use strict;
use warnings;
use File::Find ();
use FindBin ();
use Test::More;

my $house = $ENV{HOLDLINE_SRCDIR} // "$FindBin::Bin/..";
chdir $house or die "$house: $!\n";

# The rooms of core/, from the ground up, and the arrows: a room sees those it names and all that
# they see, or of a room the one header it names. Only what stands above in this table can be named,
# so the arrows never make a circle.
my @rooms = (
	[base     => ()],
	[loop     => qw(base)],
	[config   => qw(base)],
	[sip      => qw(loop)],
	[endpoint => qw(sip config)],
	[gateway  => qw(sip config)],
	[call     => qw(sip endpoint gateway)],
	[policy   => qw(config endpoint/view.h call/view.h call/cdr.h)],    # as values
	[plugin   => qw(config endpoint/contact.h call/leg.h)],    # space.c: where plugins' bytes are
	[store    => qw(loop)],
	[control  => qw(loop plugin)],    # of plugin/ the registrations
);

# A library's headers, and the only rooms they appear in. "core" is core/ itself: main.c, switch.c.
my @libraries = (
	[libevent => qr{^event2?[/.]|^ev(dns|http|util|rpc)\.h$}, qw(core/loop)],
	[c_ares   => qr{^ares},                    qw(core/loop)],
	[libosip2 => qr{^osip},                    qw(core/sip)],
	[OpenSSL  => qr{^openssl/},                qw(core/sip)],
	[libyaml  => qr{^yaml\.h$},                qw(core/config)],
	[Lua      => qr{^(lua|lauxlib|lualib)\w*\.h$|^lua5}, qw(core/policy)],
	[SQLite   => qr{^sqlite3},                 qw(core/store)],
	[jansson  => qr{^jansson},                 qw(core/control tools)],
	[systemd  => qr{^systemd/},                qw(core)],
);

# What a plugin may take from outside: C, POSIX and the Linux C library.
my $libc = qr{^(?:(?:arpa|linux|net|netinet|sys)/\w+|assert|ctype|endian|errno|fcntl|fnmatch|inttypes
	|limits|math|netdb|poll|pthread|sched|signal|stdalign|stdarg|stdatomic|stdbool|stddef|stdint|stdio
	|stdlib|stdnoreturn|string|strings|time|unistd|wchar)\.h$}x;

my @plugins = qw(keepalive media-proxy registrar session-timer);
my ($lines_of_function, $lines_of_file, $p95_of_functions, $columns) = (100, 600, 50, 100);

my %text;    # path => content
File::Find::find({no_chdir => 1, wanted => sub {
	return $File::Find::prune = 1 if -d && m{/(?:\.\w+|autom4te\.cache)$};
	$text{$_} = slurp($_) if -f && m{\.(?:c|h|t|pm|pl|lua|yaml|mk|\d)$};
}}, grep { -d } qw(core plugins tools scripts etc t doc));

my @c_files = grep { m{^(?:core|plugins|tools)/.*\.[ch]$} } sort keys %text;
my (%includes, @functions);
for my $file (@c_files) {
	$includes{$file} = [includes($file)];
	push @functions, functions($file);
}

sub slurp
{
	my ($path) = @_;
	open my $in, '<', $path or die "$path: $!\n";
	local $/;
	return scalar <$in>;
}

# [line, name, "<" or '"', file in this tree that is meant]
sub includes
{
	my ($file) = @_;
	my ($folder) = $file =~ m{^(.*)/};
	my ($line, @found) = (0);
	for (split /\n/, $text{$file}) {
		$line++;
		my ($quote, $name) = /^\s*#\s*include\s*([<"])([^>"]+)[>"]/ or next;
		my ($meant) = grep { exists $text{$_} } map { plain($_) } "$folder/$name", "core/$name";
		push @found, [$line, $name, $quote, $meant];
	}
	return @found;
}

sub plain
{
	my ($path) = @_;
	1 while $path =~ s{[^/]+/\.\./|(?<![^/])\./}{};
	return $path;
}

# [file, line, name, lines]: a function's brace stands alone in the first column.
sub functions
{
	my ($file) = @_;
	my ($line, $start, $name, @found) = (0, 0, '?');
	for (split /\n/, $text{$file}) {
		$line++;
		$name = $1 if /^\w.*?(\w+)\(/ && !$start;
		$start = $line if $_ eq '{';
		next unless $start && /^}/;
		push @found, [$file, $start, $name, $line - $start + 1];
		$start = 0;
	}
	return @found;
}

# core/sip/message.c is in the room core/sip, core/main.c in core, plugins/x/y.c in plugins/x
sub room
{
	my ($file) = @_;
	return $1 if $file =~ m{^((?:core|plugins)/[^/]+)/};
	return $file =~ s{/.*}{}r;
}

sub rule
{
	my ($name, @offenders) = @_;
	ok(!@offenders, $name) or diag(map { "  $_\n" } @offenders);
}

sub each_include
{
	my ($check) = @_;
	return map { my $file = $_; map { $check->($file, @$_) } @{$includes{$file}} } @c_files;
}

# The text of a C file without its comments, lines kept
sub code
{
	my ($file) = @_;
	return $text{$file} =~ s{("(?:\\.|[^"\\\n])*")|/\*.*?\*/|//[^\n]*}
		{ $1 // ("\n" x (() = $& =~ /\n/g)) }gser;
}

my (%sees, @circles);
for (@rooms) {
	my ($room, @named) = @$_;
	push @circles, map { "$room -> $_" } grep { !$sees{s{/.*}{}r} } @named;
	$sees{$room} = {map { $_ => 1 } $room, @named, map { keys %{$sees{$_} // {}} } @named};
}
rule('the table of rooms has no circles', @circles);

rule('every folder of core/ is a room of the table',
	grep { m{^core/(\w+)$} && !$sees{$1} } sort keys %{{map { room($_) => 1 } @c_files}});

rule('the arrows between rooms are those of the table', each_include(sub {
	my ($file, $line, $name, undef, $meant) = @_;
	my ($from) = $file =~ m{^core/(\w+)/} or return;
	my ($to, $room) = ($meant // '') =~ m{^core/((\w+)/.*)} or return;
	return if $sees{$from}{$room} || $sees{$from}{$to};
	return "$file:$line: $from must not see $meant";
}));

rule('a library is included in its own room only', each_include(sub {
	my ($file, $line, $name, undef, $meant) = @_;
	return if defined $meant;
	return map {
		my ($library, $header, @homes) = @$_;
		$name =~ $header && !grep({ room($file) eq $_ } @homes)
			? "$file:$line: <$name> ($library) belongs in @homes" : ();
	} @libraries;
}));

rule('a plugin includes holdline.h, its own folder and libc, nothing else', each_include(sub {
	my ($file, $line, $name, $quote, $meant) = @_;
	return unless $file =~ m{^plugins/};
	return if $quote eq '<' && $name =~ $libc;
	return if $quote eq '"' && $name eq 'holdline.h';
	return if $quote eq '"' && room($meant // '') eq room($file);
	return "$file:$line: $name";
}));

# Policy functions and endpoint settings of that name are in the contract, whatever plugin asks for them.
my %allowed = (
	'core/config' => {map { $_ => 1 } qw(keepalive media_proxy session_timer)},
	'core/policy' => {keepalive => 1},
);
my $plugin_name = join '|', map { s/-/[-_]/r } @plugins;
rule('core names no plugin', map {
	my ($file, $line) = ($_, 0);
	map {
		$line++;
		my $here = $_;
		map { "$file:$line: $_" } grep { !$allowed{room($file)}{$_} }
			$here =~ /"(?:plugins\/)?($plugin_name)(?:\.so|\/[^"]*)?"/g;
	} split /\n/, code($file);
} grep { m{^core/} } @c_files);

rule('what holdline.h reaches is installed, and nothing else of core/', do {
	my (%reached, @todo);
	@todo = ('core/holdline.h') if $text{'core/holdline.h'};
	while (my $file = shift @todo) {
		next if $reached{$file}++;
		push @todo, grep { defined } map { $_->[3] } @{$includes{$file} // []};
	}
	my %installed = map { $_ => 1 } map { /^\s+(core\S+\.h)/mg }
		map { /^holdline\w*_HEADERS \+?=((?:.*\\\n)*.*)/mg }
		map { $text{$_} } grep { m{^core/.*\.mk$} } keys %text;
	((map { "$_ is reached, but not in a _HEADERS list" } grep { !$installed{$_} } sort keys %reached),
	 (map { "$_ is installed, but not reached" } grep { !$reached{$_} } sort keys %installed));
});

rule('every file is named in a local.mk', do {
	my $named = join "\n", slurp('Makefile.am'), map { $text{$_} } grep { /\.mk$/ } keys %text;
	my %named = map { $_ => 1 } $named =~ m{[\w./-]+}g;
	grep { !$named{$_} && !(m{^(t/unit/.*)\.c$} && $named{$1}) } sort keys %text;
});

rule('lists of the local.mk are in order, each name once', map {
	my $file = $_;
	map {
		my ($list, @names) = ($_->[0], split /[\\\s]+/, $_->[1] =~ s/^\s+//r);
		map { $names[$_ - 1] lt $names[$_] ? () : "$file: $list: $names[$_]" } 1 .. $#names;
	} map { [/^(.*?) \+= (.*)/s] } $text{$file} =~ /^(\w+ \+= \\\n(?:\t.*\\\n)*\t.*)/mg;
} grep { /\.mk$/ } sort keys %text);

rule('doc/architecture.md names every file of core/ itself', do {
	my @named = map { s/\*/.*/r } slurp('doc/architecture.md') =~ /`([\w*]+\.c)`/g;
	grep { my ($name) = m{^core/(\w+\.c)$}; $name && !grep { $name =~ /^$_$/ } @named } @c_files;
});

rule("no function is over $lines_of_function lines",
	map { "$_->[0]:$_->[1]: $_->[2]() has $_->[3]" } grep { $_->[3] > $lines_of_function } @functions);

rule("19 functions of 20 have at most $p95_of_functions lines", do {
	my @long = grep { $_->[3] > $p95_of_functions } sort { $b->[3] <=> $a->[3] } @functions;
	@long > @functions / 20 ? map { "$_->[0]:$_->[1]: $_->[2]() has $_->[3]" } @long : ();
});

rule("no file is over $lines_of_file lines", map {
	my $lines = () = $text{$_} =~ /\n/g;
	$lines > $lines_of_file ? "$_ has $lines" : ();
} grep { m{\.(?:c|h|t|pm)$} } sort keys %text);

rule("no line is over $columns columns", map {
	my ($file, $line) = ($_, 0);
	map {
		$line++;
		utf8::decode(my $wide = $_);
		1 while $wide =~ s/\t/' ' x (8 - $-[0] % 8)/e;
		length $wide > $columns ? "$file:$line: " . length $wide : ();
	} split /\n/, $text{$file};
} @c_files);

rule('a file opens with its purpose', grep { $text{$_} !~ m{^/\*} } @c_files,
	grep { m{^t/(?:unit|bench|fuzz|plugins)/.*\.[ch]$} } sort keys %text);

rule("a function's brace stands on a line of its own", map {
	my ($file, $line) = ($_, 0);
	map { $line++; /^\w[^=]*\)\s*\{/ ? "$file:$line: $_" : () } split /\n/, $text{$file};
} @c_files);

rule('nothing is left to do', map {
	my ($file, $line) = ($_, 0);
	map { $line++; /\b(?:TODO|FIXME|XXX)\b/ ? "$file:$line: $_" : () } split /\n/, $text{$file};
} @c_files);

done_testing();
