#!/usr/bin/perl
# D3: exactly one record for each call, the same in cdr.jsonl and in the database, none lost.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use JSON::PP;
use Holdline::Test;

my ($sqlite) = grep { -x } map { "$_/sqlite3" } split /:/, $ENV{PATH};
my $dir;    # of state

sub records_of {
	my ($path) = @_;
	open my $in, '<:raw', $path or return;
	return map { JSON::PP->new->utf8->decode($_) } <$in>;
}

sub by_id { return sort { $a->{id} cmp $b->{id} } @_ }

# The rows of table cdr as any reader of the database sees them.
sub rows {
	my $text = qx($sqlite -readonly -json '$dir/holdline.db' 'SELECT * FROM cdr');
	my @row = @{JSON::PP->new->utf8->decode($text || '[]')};
	for my $row (@row) {
		$row->{streams} = JSON::PP->new->decode($row->{streams}) if defined $row->{streams};
		$row->{media_relayed} = $row->{media_relayed} ? JSON::PP::true : JSON::PP::false;
	}
	return @row;
}

# Whether line and row agree. The database's numbers may be printed otherwise, so they are compared
# as numbers.
sub agree {
	my ($line, $row) = @_;
	my @differ = grep {
		my ($one, $other) = ($line->{$_}, $row->{$_});
		ref $one || !defined $one || !defined $other || $one !~ /^-?[\d.]+$/
			? JSON::PP->new->canonical->allow_nonref->encode($one)
				ne JSON::PP->new->canonical->allow_nonref->encode($other)
			: abs($one - $other) > 1e-6;
	} keys %{{%$line, %$row}};
	diag("differs in @differ: ", explain($line, $row)) if @differ;
	return !@differ;
}

sub same {
	my ($switch, $count, $name) = @_;
	my @line = by_id($switch->cdrs($count, 10));
	is(scalar @line, $count, "$name: one line for each call");
	is(scalar keys %{{map { $_->{id} => 1 } @line}}, $count, "$name: no id twice");
	my @told = by_id(@{$switch->control_until(sub { @{$_[0]} >= $count }, 'cdr', last => 1000)});
	is_deeply(\@told, \@line, "$name: the database has the same, says the control socket");
	SKIP: {
		skip('sqlite3 is not installed', 2) unless $sqlite;
		my @row = by_id(rows());
		is(scalar @row, $count, "$name: one row for each call");
		is(scalar(grep { agree($line[$_], $row[$_]) } 0 .. $#line), $count, "$name: with the same values");
	}
	return @line;
}

my $switch = start_switch(users => [1001, 1002, 1003], config => {
	endpoints => {1004 => {password => 'secret-1004', media_proxy => 'on'}}});
$dir = $switch->dir . '/state';
ok(-d $dir, 'a state_dir that was not there is made');
is(sprintf('%o', (stat $dir)[2] & 07777), '750', 'readable by its group only');
my ($alice, $bob, $relayed) = map { phone(switch => $switch, user => $_) } 1001, 1002, 1004;
$_->register for $alice, $bob, $relayed;
my $count = 0;

# An answered call.
sub call {
	my ($callee) = @_;
	my $out = $alice->invite($callee->user, sdp => 1);
	my $in = $callee->incoming;
	$in->answer(sdp => 1);
	$out->answered;
	$out->bye;
	$in->ended;
	$count++;
	return;
}

# Answered, failed, cancelled, refused before it rang.
{
	call($_) for $bob, $relayed;
	my $out = $alice->invite('1002', sdp => 1);
	$bob->incoming->reject(486);
	$out->failed;
	$out = $alice->invite('1002', sdp => 1);
	my $in = $bob->incoming;
	$in->respond(180);
	$out->expect(180);
	$out->cancel;
	$out->failed;
	$alice->invite($_, sdp => 1)->failed for '1003', '4711', 'O\'Brien%22';
	$count += 5;
	my %reason = map { $_->{id} => $_ } same($switch, $count, 'all kinds');
	my @reason = sort map { $_->{reason} } values %reason;
	is_deeply(\@reason, ['Busy', 'Cancelled', 'No Answer', 'Normal', 'Normal', 'Not Found', 'Not Found'],
		'each with its reason');
	my ($stream) = map { @{$_->{streams}} } grep { $_->{media_relayed} } values %reason;
	is($stream->{codec}, 'PCMU', 'streams are data, not text');
	my ($failed) = grep { $_->{sip_code} == 486 } values %reason;
	ok(exists $failed->{answered} && !defined $failed->{answered}, 'never answered: null, not left out');
	is(scalar(grep { !defined $_->{answered} && $_->{duration} != 0 } values %reason), 0,
		'and no duration');
	is($switch->control('cdr', last => 1)->[0]{callee}, 'O\'Brien%22', 'names are kept as they are');
	like($switch->control_answer('cdr', last => 0)->{error}, qr/1 to 1000/, '`cdr` says what it takes');
}

# Rotation: the file is moved away, then SIGUSR1.
{
	rename "$dir/cdr.jsonl", "$dir/cdr.1" or die "rename: $!";
	call($bob);
	ok(wait_for { records_of("$dir/cdr.1") == $count }, 'before SIGUSR1 the moved file gets the record');
	$switch->signal('USR1');
	ok(wait_for { -e "$dir/cdr.jsonl" }, 'SIGUSR1 makes a new one');
	call($bob);
	my @new = $switch->cdrs(1);
	is(scalar @new, 1, 'which gets the next record');
	is(scalar(records_of("$dir/cdr.1")), $count - 1, 'and the moved one does not');
	is(scalar @{$switch->control('cdr', last => 1000)}, $count, 'the database has them all');
	open my $out, '>>:raw', "$dir/cdr.1" or die "cdr.1: $!";
	print $out JSON::PP->new->utf8->encode($_) . "\n" for @new;
	close $out;
	rename "$dir/cdr.1", "$dir/cdr.jsonl" or die "rename: $!";
	$switch->signal('USR1');
	call($bob);
	same($switch, $count, 'after rotation');
}

# Many at once, answered and ended together.
{
	$bob->{auto_answer} = 1;
	my @out = map { $alice->invite('1002', sdp => 1) } 1 .. 50;
	$_->answered for @out;
	is($switch->control('status')->{calls}, 50, '50 calls are up at once');
	my @bye = map { $_->start_request('BYE') } @out;
	is(scalar(grep { $alice->final($_)->code == 200 } @bye), 50, 'and are hung up at once');
	$count += 50;
	same($switch, $count, '50 at once');
}

# SIGTERM loses none: not what has just ended, not what is still up.
{
	my @up = map { $alice->invite('1002', sdp => 1) } 1 .. 5;
	$_->answered for @up;
	my @out = map { $alice->invite('1002', sdp => 1) } 1 .. 20;
	$_->answered for @out;
	my @bye = map { $_->start_request('BYE') } @out;
	$alice->final($_) for @bye;
	$switch->signal('TERM');
	ok($switch->wait_exit(15), 'it stops');
	is($switch->exit_code, 0, 'in good order');
	$count += 25;
	my @line = by_id(records_of("$dir/cdr.jsonl"));
	is(scalar @line, $count, 'a line for every call');
	is(scalar(grep { $_->{reason} eq 'Switch Stop' } @line), 5, 'those that were up say why they ended');
	SKIP: {
		skip('sqlite3 is not installed', 1) unless $sqlite;
		my @row = by_id(rows());
		is(scalar(grep { agree($line[$_], $row[$_] || {}) } 0 .. $#line), $count, 'and a row');
	}
	$switch->start;
	is(scalar @{$switch->control('cdr', last => 1000)}, $count, 'the next start finds them all');
	$switch->stop;
}

# A state_dir that cannot be made.
for my $case (['a file', sub { $_[0]->write_file('state', ''); 'state' }, qr/is no directory/],
	['without a parent', sub { 'not/there' }, qr/No such file/]) {
	my ($name, $make, $why) = @$case;
	my $bad = switch_object(users => [1001], config => {switch => {state_dir => '@DIR@/X'}});
	my $path = $bad->dir . '/' . $make->($bad);
	$bad->{config}{switch}{state_dir} = $path;
	$bad->write_config($bad->{config});
	my ($exit, $text) = $bad->run;
	is($exit, 1, "state_dir, $name: exit status 1");
	like($text, qr/\Q$path\E: .*$why/, 'with the path and the reason');
}
done_testing();
