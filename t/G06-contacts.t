# G6: one contact with `replace`, `max_contacts` without; who makes room. Path (RFC 3327).
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Holdline::Test;

sub uris { my ($switch, $user) = @_;
	return sort map { $_->{contact} } @{$switch->control('endpoints', user => $user)} }

subtest 'replace' => sub {
	my $switch = start_switch(users => [1001], config => {plugins => {registrar => {replace => 'on'}}});
	my @phone = map { phone(switch => $switch, user => '1001') } 1 .. 3;
	my @response = map { $_->register } @phone;
	is $_->code, 200, 'registered' for @response;
	is scalar($response[2]->list('Contact')), 1, 'the 200 lists one';
	is_deeply [uris($switch, '1001')], ['sip:1001@' . $phone[2]->host_port], 'the latest';
	my $both = $phone[0]->register(contact => '<sip:a@10.0.0.1>, <sip:b@10.0.0.2>');
	is $both->code, 403, 'two at once are too many';
	is_deeply [uris($switch, '1001')], ['sip:1001@' . $phone[2]->host_port], 'and change nothing';
	$switch->stop;
};

subtest 'max_contacts' => sub {
	my $switch = start_switch(users => [1001], config => {plugins => {registrar => {max_contacts => 2}}});
	my @phone = map { phone(switch => $switch, user => '1001') } 1 .. 3;
	$phone[0]->register;
	$phone[1]->register;
	$phone[0]->register;
	$phone[2]->register;
	is_deeply [uris($switch, '1001')], [sort map { 'sip:1001@' . $phone[$_]->host_port } 0, 2],
		'who was refreshed longest ago makes room';
	$switch->wait_log(event => 'evicted', user => '1001');
	$switch->stop;
};

my $switch = start_switch(users => [1001, 1002], config => {switch => {domains => ['holdline.test']}});

subtest 'all or nothing' => sub {
	my $phone = phone(switch => $switch, user => '1001');
	my $contact = $phone->contact;
	is $phone->register(contact => "$contact, <sip:x\@10.0.0.1>;q=7")->code, 400, 'a bad q';
	is $phone->register(contact => "$contact, *", expires => 0)->code, 400, '* beside another';
	is $phone->register(contact => "$contact, <sip:x\@10.0.0.1>;expires=5")->code, 423, 'too brief';
	is_deeply [uris($switch, '1001')], [], 'nothing of it was registered';
	my $require = $phone->register(headers => [Require => 'path, frobnicate']);
	is $require->code, 420, 'an extension nobody knows';
	is $require->header('Unsupported'), 'frobnicate', 'is named';
};

subtest 'Path' => sub {
	my $phone = phone(switch => $switch, user => '1001');
	my @path = (Path => '<sip:edge.example;lr>, <sip:core.example;lr>');
	my $echo = $phone->register(headers => [@path, Supported => 'path, gruu']);
	is join(', ', $echo->headers('Path')), '<sip:edge.example;lr>, <sip:core.example;lr>',
		'is given back to who supports it';
	my $silent = $phone->register(headers => \@path);
	is $silent->code, 200, 'who does not is registered all the same';
	is_deeply [$silent->headers('Path')], [], 'and told nothing';
};

subtest 'whose contacts' => sub {
	my $phone = phone(switch => $switch, user => '1001', domain => 'other.example');
	is $phone->register->code, 404, 'a domain that is not served';
	my $thief = phone(switch => $switch, user => '1002', auth_user => '1001', password => 'secret-1001');
	is $thief->register->code, 403, "another user's contacts are not mine to set";
	is_deeply [uris($switch, '1002')], [], 'and are as they were';
};

finish;
