# G10: accounts in the database: added, changed and removed while the switch runs, at once.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Digest::MD5 qw(md5_hex);
use Holdline::Test;

my $state = switch_object()->dir . '/kept';
my $ctl = $ENV{HOLDLINECTL};

sub incarnation {
	return start_switch(users => [1001], config => {switch => {state_dir => $state,
		networks => {office => ['10.0.0.0/8']}, @_}});
}

# holdlinectl with that on its standard input: (exit status, output).
sub run_ctl {
	my ($switch, $input, @argument) = @_;
	my $file = $switch->write_file('input', $input);
	my $command = join ' ', map { "'$_'" } $ctl, '-s', $switch->control_path, @argument;
	my $output = qx($command < '$file' 2>&1);
	return ($? >> 8, $output);
}

my $switch = incarnation();
my $phone = phone(switch => $switch, user => '2001', password => 'first secret');

subtest 'added' => sub {
	is $phone->register->code, 403, 'nobody knows 2001';
	$switch->control('subscriber', op => 'add', user => '2001', password => 'first secret');
	is $phone->register->code, 200, 'at once it registers, without a reload';
	my ($row) = @{$switch->control('subscriber', op => 'list', user => '2001')};
	is_deeply [sort @{$row->{algorithms}}], ['MD5', 'SHA-256'], 'there is a digest for each algorithm';
	is $row->{realm}, 'holdline.test', 'of this realm';
	like $row->{created}, qr/^\d{4}-\d\d-\d\dT/, 'with its date';
	my $sha = phone(switch => $switch, user => '2001', password => 'first secret', algorithm => 'SHA-256');
	is $sha->register->code, 200, 'SHA-256 fits, too';
	is phone(switch => $switch, user => '2001', password => 'wrong')->register->code, 403,
		'a wrong password does not';
	my $out = phone(switch => $switch, user => '1001');
	$out->register;
	my $call = $out->invite('2001', sdp => 1);
	ok $phone->incoming, 'it is called like any endpoint';
	$call->cancel;
	$_->unregister for $sha, $out;
};

subtest 'settings' => sub {
	$switch->control('subscriber', op => 'set', user => '2001', nat => 'yes', keepalive => 'off');
	is $phone->register->code, 200, 'registered again';
	my $contact = $switch->endpoint('2001');
	ok $contact->{nat}, 'nat: yes holds';
	is $contact->{nat_reason}, 'nat: yes', 'as in the file';
	ok !$contact->{keepalive}{enabled}, 'keepalive: off, too';
	like $switch->control_answer('subscriber', op => 'set', user => '2001', nat => 'maybe')->{error},
		qr/nat: .*maybe.*auto, yes, no/, 'a wrong value is refused';
	like $switch->control_answer('subscriber', op => 'set', user => '2001', colour => 'red')->{error},
		qr/colour/, 'and an unknown setting';
	like $switch->control_answer('subscriber', op => 'set', user => '2001', network => 'moon')->{error},
		qr/network: "moon" is not one of switch\.networks/, 'and an unknown network';
	$switch->control('subscriber', op => 'set', user => '2001', network => 'office');
};

subtest 'passwd, disable, enable' => sub {
	$switch->control('subscriber', op => 'passwd', user => '2001', password => 'second');
	is $phone->register->code, 403, 'the old password is none any more';
	$phone = phone(switch => $switch, user => '2001', password => 'second');
	is $phone->register->code, 200, 'the new one is';
	my ($row) = @{$switch->control('subscriber', op => 'list', user => '2001')};
	like $row->{settings}, qr/office/, 'the settings stay';
	$switch->control('subscriber', op => 'disable', user => '2001');
	is @{$switch->control('endpoints', user => '2001')}, 0, 'who is disabled is not registered any more';
	is $phone->register->code, 403, 'and does not come back';
	$switch->control('subscriber', op => 'enable', user => '2001');
	is $phone->register->code, 200, 'until enabled';
};

subtest 'errors say what to do' => sub {
	my %error = map { $_->[0] => $switch->control_answer('subscriber', @{$_->[1]})->{error} }
		[twice => [op => 'add', user => '2001', password => 'x']],
		[nobody => [op => 'passwd', user => '4711', password => 'x']],
		[yaml => [op => 'add', user => '1001', password => 'x']],
		[empty => [op => 'add', user => '2002', password => '']],
		[user => [op => 'add', user => 'a b', password => 'x']],
		[op => [op => 'sing', user => '2001']],
		[which => [op => 'remove']];
	like $error{twice}, qr/already: `subscriber passwd 2001`/, 'added twice';
	like $error{nobody}, qr/no subscriber: `subscriber add 4711`/, 'not there';
	like $error{yaml}, qr/`endpoints`.*comes first/, 'in the configuration already';
	like $error{empty}, qr/a password of 1 to 255 bytes/, 'no password';
	like $error{user}, qr/not a user part/, 'no user part';
	like $error{op}, qr/add, remove, passwd/, 'no such operation';
	like $error{which}, qr/which user\?/, 'no user';
};

subtest 'holdlinectl' => sub {
	plan skip_all => 'HOLDLINECTL is not set' unless $ctl;
	my ($status, $output) = run_ctl($switch, "from stdin\n", qw(subscriber add 3001 nat=yes));
	is $status, 0, 'add' or diag $output;
	is phone(switch => $switch, user => '3001', password => 'from stdin')->register->code, 200,
		'takes the password from standard input';
	($status, $output) = run_ctl($switch, '', qw(subscriber list));
	like $output, qr/^USER .*\n2001 .*\n3001 .*nat/, 'list';
	($status, $output) = run_ctl($switch, '', qw(subscriber passwd 3001));
	is $status, 2, 'no password, no change';
	like $output, qr/no password came/, 'and it says so';
	($status, $output) = run_ctl($switch, '', qw(subscriber passwd 3001 --password given));
	is $status, 0, 'or from the command line';
	is phone(switch => $switch, user => '3001', password => 'given')->register->code, 200, 'it holds';
	($status, $output) = run_ctl($switch, '', qw(subscriber remove 3001));
	is $status, 0, 'remove' or diag $output;
	is @{$switch->control('endpoints', user => '3001')}, 0, 'takes its contacts along';
	($status, $output) = run_ctl($switch, '', qw(subscriber remove 3001));
	is $status, 1, 'an error is an exit status';
	unlike $switch->log_text, qr/from stdin|given|second|first secret/, 'no password in the log';
};

subtest 'a restart, and a reload' => sub {
	$switch->stop;
	$switch = incarnation();
	$phone = phone(switch => $switch, user => '2001', password => 'second');
	is $phone->register->code, 200, 'they are there after a restart';
	SKIP: {
		my $ha1 = md5_hex('5001:holdline.test:by sql');
		system 'sqlite3', "$state/holdline.db", 'PRAGMA busy_timeout = 5000; '
			. "INSERT INTO subscribers (user, realm, ha1_md5) VALUES ('5001', 'holdline.test', '$ha1'); "
			. "INSERT INTO subscribers (user, realm, ha1_md5) VALUES ('5002', 'elsewhere', '$ha1'); "
			. "INSERT INTO subscribers (user, realm, ha1_md5) VALUES ('5003', 'holdline.test', 'xyz'); "
			. "DELETE FROM subscribers WHERE user = '2001'";
		skip 'sqlite3 is not installed', 6 if $?;
		my $new = phone(switch => $switch, user => '5001', password => 'by sql');
		is $new->register->code, 403, 'what SQL changed is not known yet';
		ok $switch->reload->{ok}, 'reload';
		ok wait_for { $switch->log_events(event => 'realm-differs') } 5;
		is $new->register->code, 200, 'then it is';
		is @{$switch->control('endpoints', user => '2001')}, 0, 'and who was deleted is gone';
		ok grep({ $_->{user} eq '5003' } $switch->log_events(event => 'row-refused')),
			'a row without sense is told of';
		is phone(switch => $switch, user => '5002', password => 'by sql')->register->code, 403,
			'a digest of another realm fits nothing';
	}
};

finish();
