#!/usr/bin/perl
# A state directory that the switch's user may not write to: whatever of it is closed, the switch
# says which, whom it runs as, and what to do.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Holdline::Test;

my $uid = 65534;
my @as = ('setpriv', "--reuid=$uid", "--regid=$uid", '--clear-groups');
my $name = getpwuid $uid;
my $user = defined $name ? "$name (uid $uid)" : "uid $uid";

plan skip_all => 'only root can run the switch as somebody else' if $>;
plan skip_all => 'needs setpriv (Debian: util-linux)'
	unless grep { -x "$_/setpriv" } split /:/, $ENV{PATH};
plan skip_all => "uid $uid cannot run the switch from where it was built"
	if system "@as -- '" . Holdline::Test::Switch::binary() . "' --version >/dev/null 2>&1";

# A switch of that user's, in a directory of his.
sub of_user {
	my (%switch) = @_;
	my $switch = switch_object(under => \@as, config => {switch => \%switch});
	chown $uid, $uid, $switch->dir, $switch->config_path or die "chown: $!";
	return $switch;
}

# One that has run there.
my $used = of_user()->start;
my $state = $used->dir . '/state';
$used->stop;

# With `path` another owner's, who lets nobody else write, the next one does not start.
sub closed {
	my ($path, $what) = @_;
	my ($mode, $owner, $group) = (stat $path)[2, 4, 5];
	chown 0, 0, $path and chmod -d $path ? 0755 : 0644, $path or die "$path: $!";
	my ($exit, $text) = of_user(state_dir => $state)->run;
	is $exit, 1, "$what: exit 1";
	like $text, qr{\Q$path: Permission denied for $user\E, whom holdline runs as: chown or chmod it},
		'which file, for whom, and what to do';
	like $text, qr/switch\.state_dir/, 'or where else';
	chown $owner, $group, $path and chmod $mode & 07777, $path or die "$path: $!";
	return;
}

closed("$state/holdline.db", 'the database');
closed("$state/cdr.jsonl", 'the records');
closed("$state/holdline.lock", 'the lock');
closed($state, 'the directory');
unlink "$state/holdline.lock";
closed($state, 'the directory of another version');

my $wal = "$state/holdline.db-wal";
open my $out, '>', $wal or die "$wal: $!";
close $out;
closed($wal, 'what SQLite wrote ahead, as root');
unlink $wal;

subtest 'a directory that is not there' => sub {
	my $switch = of_user(state_dir => '/nowhere-to-write/holdline');
	my ($exit, $text) = $switch->run;
	is $exit, 1, 'exit 1';
	like $text, qr{/nowhere-to-write/holdline: No such file.*switch\.state_dir}, 'which, and what to do';
	my $closed = $switch->dir . '/closed';
	mkdir $closed, 0755 or die "mkdir: $!";
	$switch = of_user(state_dir => "$closed/state");
	($exit, $text) = $switch->run;
	is $exit, 1, 'in one that is closed: exit 1';
	like $text, qr{\Q$closed/state: $user, whom holdline runs as, may not make it: make it and chown},
		'which, for whom, and what to do';
};

subtest 'while it runs' => sub {
	my $switch = of_user(state_dir => $state)->start;
	my $records = "$state/cdr.jsonl";
	rename $records, "$records.1" or die "rename: $!";
	open my $out, '>', $records or die "$records: $!";
	close $out;
	chmod 0600, $records;
	$switch->signal('USR1');
	my $event = $switch->wait_log(event => 'reopen-failed');
	like $event->{reason}, qr/\Q$records: Permission denied for $user\E/, 'a rotated file of root';
	chown 0, 0, $state and chmod 0755, $state or die "$state: $!";
	my $answer = $switch->control_answer('param', op => 'set', name => 'keepalive.period',
		value => 40, save => 'true');
	like $answer->{error}, qr/directory \Q$state: Permission denied for $user\E.*nothing was changed/,
		'a parameter that cannot be saved';
};

finish;
