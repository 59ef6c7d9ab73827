# A plugin from outside the tree: built as its author would, loaded, configured, asked, reloaded; and
# what is said of one that does not fit.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use File::Basename qw(basename);
use File::Temp qw(tempdir);
use Holdline::Test;
use POSIX ();

my $build = $ENV{HOLDLINE_BUILDDIR} or plan skip_all => 'HOLDLINE_BUILDDIR is not set';
my $source = source_path('t/plugins/call-limit.c');
my $dir = tempdir(CLEANUP => 1);
symlink $_, "$dir/" . basename($_) for glob "$ENV{HOLDLINE_PLUGIN_DIR}/*.so";

# Compiles with nothing but what pkg-config says; the lines replaced are the author's mistakes.
sub compile {
	my ($name, %change) = @_;
	open my $in, '<', $source or die "$source: $!";
	my $text = do { local $/; <$in> };
	for my $old (keys %change) {
		$text =~ s/\Q$old\E/$change{$old}/ or die "$source has no $old";
	}
	open my $out, '>', "$dir/$name.c" or die;
	print $out $text;
	close $out;
	my $cflags = `PKG_CONFIG_PATH='$build' pkg-config --cflags holdline`;
	chomp $cflags;
	return system "cc -std=gnu11 -Wall -Wextra -Werror -fPIC -shared $cflags -o '$dir/$name.so' '$dir/$name.c'";
}

sub config {
	my ($plugin, $settings) = @_;
	return {switch => {plugin_dir => $dir}, plugins => {registrar => {}, $plugin => $settings}};
}

sub refused {
	my ($name, $config, @patterns) = @_;
	my ($exit, $output) = switch_object(config => $config)->run;
	is $exit, 2, "$name: the switch does not start";
	like $output, $_, 'and says why' for @patterns;
	return;
}

open my $in, '<', $source or die;
my @lines = <$in>;
cmp_ok(scalar @lines, '<=', 60, 'sixty lines');
is compile('call-limit'), 0, 'it compiles without a warning against the headers';
like `'$ENV{HOLDLINE}' --plugin-info '$dir/call-limit.so'`, qr/call-limit.*1\.0.*max_calls/s,
	'--plugin-info shows it';

my $config = config('call-limit', {max_calls => 1});
my $switch = start_switch(users => [1001, 1002, 1003], config => $config);
is_deeply [sort map { $_->{name} } @{$switch->control('plugins')}], ['call-limit', 'registrar'],
	'it runs';
my ($alice, $bob, $carol) = phones($switch);

my $first = $alice->invite('1002', sdp => 1);
my $in_first = $bob->incoming;
$in_first->respond(200, sdp => 1);
$first->answered;
is_deeply $switch->control('call-limit'), {calls => 1, refused => 0}, 'its command answers';
my $second = $carol->invite('1002', sdp => 1);
is $second->expect(503)->code, 503, 'its stage refuses the second call';
is_deeply $switch->control('call-limit'), {calls => 1, refused => 1}, 'which it counted';

$switch->{config}{plugins}{'call-limit'}{max_calls} = 2;
ok $switch->reload($switch->{config})->{ok}, 'a reload';
my $third = $carol->invite('1002', sdp => 1);
my $in_third = $bob->incoming;
$in_third->respond(200, sdp => 1);
$third->answered;
is_deeply $switch->control('call-limit'), {calls => 2, refused => 1}, 'gives it the new setting';
$_->bye for $first, $third;
$switch->control_until(sub { $_->{calls} == 0 }, 'call-limit');
pass 'and the end of calls is noted';

refused('a value out of range', config('call-limit', {max_calls => 0}),
	qr/holdline\.yaml:\d+:\d+: plugins\.call-limit\.max_calls: .*1 to 10000/);
refused('a name nobody has', config('call-limt', {}),
	qr/plugins\.call-limt: .*there is no \Q$dir\E\/call-limt\.so; the plugins there are call-limit/);
compile('old', 'HL_PLUGIN_ABI' => '7', '.name = "call-limit"' => '.name = "old"');
refused('another ABI', config('old', {}),
	qr{\Q$dir\E/old\.so is built for plugin ABI 7, this switch has \d+: rebuild it});
compile('needy', '.name = "call-limit"' => '.name = "needy", .needs = (const char *const[]){"x", NULL}');
refused('a need', config('needy', {}),
	qr/holdline\.yaml:[1-9]\d*:1: plugins: plugin needy needs x: add `x: \{\}` under plugins/);

# Cut anywhere: in the headers, in a segment, at the section table's last byte.
my $whole = -s "$dir/call-limit.so";
open my $binary, '<:raw', "$dir/call-limit.so" or die;
read $binary, my $bytes, $whole or die;
for my $length (64, 100, 5000, $whole / 2, $whole - 1) {
	open my $out, '>:raw', "$dir/cut.so" or die;
	print $out substr $bytes, 0, $length;
	close $out;
	my $says = sprintf '%s/cut.so is cut short: %d of', $dir, $length;
	refused("cut after $length bytes", config('cut', {}), qr/plugin cut: \Q$says\E \d+ bytes: install the plugin again/);
}
refused('cut by a byte', config('cut', {}), qr/of $whole bytes/);
POSIX::mkfifo("$dir/pipe.so", 0600) or die $!;
mkdir "$dir/folder.so" or die $!;
refused('all that is wrong with files', {switch => {plugin_dir => $dir},
		plugins => {map { $_ => {} } qw(cut pipe folder nobody)}},
	qr/plugin cut: \S+ is cut short/, qr{plugin pipe: \S+/pipe\.so is a pipe, not a file: install},
	qr/plugin folder: \S+ is a directory, not a file/, qr/plugin nobody: there is no/);
for my $case ([cut => 'is cut short'], [pipe => 'is a pipe']) {
	my ($exit, $said) = switch_object(args => ['--plugin-info', "$dir/$case->[0].so"])->run;
	isnt $exit, 0, "--plugin-info of what $case->[1] fails";
	like $said, qr/$case->[0]\.so $case->[1]/, 'and says so';
}
compile('clumsy', '.name = "call-limit"' => '.name = "clumsy"',
	'int rc =' => 'int rc = hl_error_set(error, -5, "the moon is full"); rc +=');
my ($exit, $output) = switch_object(config => config('clumsy', {}))->run;
isnt $exit, 0, 'a failing init stops the start';
like $output, qr/plugin clumsy: init failed: /, 'and is told';

finish;
