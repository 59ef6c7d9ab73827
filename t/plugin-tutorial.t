# doc/plugins.md is true: its call blocker is taken from the page, built by its own Makefile against an
# installed Holdline, and run. And the plugins of the house see nothing else than what is installed.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use File::Basename qw(basename);
use File::Temp qw(tempdir);
use Holdline::Test;

my $build = $ENV{HOLDLINE_BUILDDIR} or plan skip_all => 'HOLDLINE_BUILDDIR is not set';
my $root = tempdir(CLEANUP => 1);
delete @ENV{qw(MAKEFLAGS MFLAGS MAKELEVEL)};
my $log = `make -C '$build' install DESTDIR='$root' 2>&1`;
is $?, 0, 'make install' or BAIL_OUT($log);
my ($pc) = split /\n/, `find '$root' -name holdline.pc`;
ok $pc, 'holdline.pc is installed' or BAIL_OUT($log);
(my $pc_dir = $pc) =~ s{/holdline\.pc$}{};
$ENV{PKG_CONFIG_PATH} = $pc_dir;
$ENV{PKG_CONFIG_SYSROOT_DIR} = $root;
my ($plugin_dir) = `find '$root' -name registrar.so` =~ m{^(.*)/registrar\.so$}m;
my ($binary) = `find '$root' -name holdline -type f -perm -1` =~ /^(.*)$/m;
ok $plugin_dir && $binary, 'with plugins and program';
my $cflags = `pkg-config --cflags holdline`;
$cflags =~ s/\s+$//;
like $cflags, qr/^-I\Q$root\E\S*$/, 'pkg-config names one include folder';

# From the page.
my $page = do { open my $in, '<', source_path('doc/plugins.md') or die; local $/; <$in> };
my $work = tempdir(CLEANUP => 1);
for my $file ('call-blocker.c', 'Makefile') {
	my ($text) = $page =~ /^`\Q$file\E`:\n\n```\w+\n(.*?)^```$/ms;
	ok $text, "$file is on the page" or next;
	open my $out, '>', "$work/$file" or die;
	print $out $text;
	close $out;
	cmp_ok scalar(() = $text =~ /\n/g), '<=', 80, "$file: at most 80 lines";
}
$log = `CFLAGS='-Werror -O2' make -C '$work' install plugindir='$plugin_dir' DESTDIR= 2>&1`;
is $?, 0, 'its own Makefile builds and installs it, without a warning' or diag $log;
like `'$binary' --plugin-info '$plugin_dir/call-blocker.so'`, qr/call-blocker.*1\.0.*prefixes.*code/s, '--plugin-info';

my ($yaml) = $page =~ /^```yaml\n(plugins:\n  registrar.*?)^```$/ms;
$ENV{HOLDLINE} = $binary;
my $policy = "local policy = {}\nfunction policy.media(call)\n\tif call_blocker.blocked('0900') and "
	. "not call_blocker.blocked('0800') then return 'off', 'asked the plugin' end\nend\nreturn policy\n";
my $switch = switch_object(lua => $policy, yaml => "switch: {realm: holdline.test, listen: ['udp:127.0.0.1:0'], "
	. "state_dir: \@DIR\@/state, control: \@DIR\@/control.sock, plugin_dir: $plugin_dir}\n"
	. "policy: {script: policy.lua}\nendpoints: {'1001': {password: secret-1001}, '1002': {password: secret-1002}}\n"
	. "$yaml  media-proxy: {}\n");
$switch->start;
my ($alice, $bob) = map { phone(switch => $switch, user => $_, password => "secret-$_", timer => 0) } 1001, 1002;
$_->register for $alice, $bob;
is $alice->invite('09001234', sdp => 1)->failed->code, 603, 'a blocked number is refused with its code';
my $out = $alice->invite('1002', sdp => 1);
my $in = $bob->incoming;
$in->answer(sdp => 1);
$out->answered;
is $switch->control('calls')->[0]{media}{reason}, 'policy: asked the plugin', 'another is not; a policy asks the plugin';
$out->bye;
$in->ended;
my ($metric) = grep { $_->{name} eq 'holdline_blocker_refused_total' } @{$switch->control('metrics')};
is $metric->{value}, 1, 'its metric counts';
ok $switch->control('param', op => 'set', name => 'call-blocker.code', value => '404'), 'its parameter is set at run time';
is $alice->invite('00882', sdp => 1)->failed->code, 404, 'and holds';
$switch->stop;
my ($exit, $text) = switch_object(yaml => "switch: {plugin_dir: $plugin_dir}\nplugins: {call-blocker: {code: 200}}\n",
	args => ['--check'])->run;
is $exit, 2, 'its YAML is checked';
like $text, qr/:2:32: plugins\.call-blocker\.code: "200" is out of range; allowed: 300 to 699/, 'with the place';

# The four plugins, with nothing but the installed folder.
for my $source (glob source_path('plugins/*/*.c')) {
	$log = `cc -std=gnu11 -fsyntax-only -Wall -Werror -D_GNU_SOURCE -DPACKAGE_VERSION='"0"' $cflags '$source' 2>&1`;
	is $?, 0, "plugins/@{[$source =~ m{plugins/(.*)}]} compiles against what is installed" or diag $log;
}
finish;
