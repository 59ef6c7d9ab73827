# G1: the registrar of RFC 3261 §10: add, refresh, query, remove, `*`, expires, CSeq, instances.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Holdline::Test;

my $switch = start_switch(users => [1001 .. 1009], clock_rate => 10,
	config => {switch => {listen => ['udp:127.0.0.1:0', 'tcp:127.0.0.1:0', 'udp:[::1]:0']}});

sub contacts { return @{$switch->control('endpoints', user => $_[0])} }

sub expires_of {
	my ($response, $contact) = @_;
	my ($found) = grep { index($_, $contact) >= 0 } $response->list('Contact');
	return defined $found && $found =~ /;expires=(\d+)/ ? $1 : undef;
}

subtest 'add, refresh, query, remove' => sub {
	my $phone = phone(switch => $switch, user => '1001');
	my $response = $phone->register(expires => 600);
	is $response->code, 200, 'registered';
	is expires_of($response, $phone->host_port), 600, 'the 200 names the contact and its time';
	my ($endpoint) = contacts('1001');
	is $endpoint->{user}, '1001', 'the switch has it';
	is $endpoint->{contact}, 'sip:1001@' . $phone->host_port, 'Contact as sent';
	is $endpoint->{transport}, 'udp', 'transport';
	is $endpoint->{local}, $phone->server, 'the socket it came in at';
	is $endpoint->{user_agent}, 'Holdline-Test', 'User-Agent';
	near $endpoint->{expires_in}, 600, 15, 'time left';
	is $phone->register(expires => 900)->code, 200, 'refreshed';
	is scalar(contacts('1001')), 1, 'still one contact';
	near((contacts('1001'))[0]{expires_in}, 900, 15, 'with the new time');
	my $query = $phone->register(contact => undef, expires => undef);
	is $query->code, 200, 'a REGISTER without Contact is a question';
	near expires_of($query, $phone->host_port), 900, 15, 'answered with the seconds left';
	near((contacts('1001'))[0]{expires_in}, 900, 15, 'and changes nothing');
	my $gone = $phone->unregister;
	is $gone->code, 200, 'unregistered';
	is_deeply [$gone->list('Contact')], [], 'the 200 lists none';
	is scalar(contacts('1001')), 0, 'nor does the switch';
};

subtest 'several contacts, q, and *' => sub {
	my @phone = map { phone(switch => $switch, user => '1002') } 1 .. 3;
	my $response;
	$response = $_->register(contact => $_->contact . ';q=0.5') for @phone;
	is scalar($response->list('Contact')), 3, 'the 200 lists all three';
	is scalar(grep { /;q=0\.5/ } $response->list('Contact')), 3, 'with q';
	is $phone[0]->unregister->code, 200, 'one is removed';
	is scalar(contacts('1002')), 2, 'the others stay';
	is $phone[1]->register(contact => '*', expires => 60)->code, 400, '* only goes with Expires 0';
	is scalar(contacts('1002')), 2, 'and did nothing';
	is $phone[1]->register(contact => '*', expires => 0)->code, 200, '* removes';
	is scalar(contacts('1002')), 0, 'all';
};

subtest 'the expires parameter goes over the header' => sub {
	my $phone = phone(switch => $switch, user => '1003');
	my $response = $phone->register(contact => $phone->contact . ';expires=120', expires => 600);
	is expires_of($response, $phone->host_port), 120, 'granted';
	my $brief = $phone->register(expires => 10);
	is $brief->code, 423, 'too brief';
	is $brief->header('Min-Expires'), 30, 'Min-Expires says what is allowed';
	near((contacts('1003'))[0]{expires_in}, 120, 15, 'and the contact is as it was');
};

subtest 'an older CSeq of the same Call-ID changes nothing' => sub {
	my $phone = phone(switch => $switch, user => '1004');
	$phone->register(cseq => 50, expires => 600);
	my $late = $phone->register(cseq => 10, expires => 0);
	cmp_ok $late->code, '>=', 400, 'refused';
	is scalar(contacts('1004')), 1, 'the contact stays';
};

subtest 'a device is known by its instance, whatever its port' => sub {
	my @phone = map { phone(switch => $switch, user => '1005') } 1, 2;
	my $instance = ';+sip.instance="<urn:uuid:00000000-0000-1000-8000-000A95A0E128>";reg-id=1';
	$_->register(contact => $_->contact . $instance) for @phone;
	my @contact = contacts('1005');
	is scalar(@contact), 1, 'one contact';
	is $contact[0]{contact}, 'sip:1005@' . $phone[1]->host_port, 'the latest';
};

subtest 'TCP and IPv6' => sub {
	my $tcp = phone(switch => $switch, user => '1006', transport => 'tcp');
	is $tcp->register->code, 200, 'over TCP';
	is((contacts('1006'))[0]{transport}, 'tcp', 'and the switch knows it');
	my $six = phone(switch => $switch, user => '1007', local => '::1');
	is $six->register->code, 200, 'over IPv6';
	my ($endpoint) = contacts('1007');
	is $endpoint->{received}, '::1', 'received is a plain address';
	is $endpoint->{received_port}, $six->{port}, 'with its port beside';
};

subtest 'expiry' => sub {
	my $phone = phone(switch => $switch, user => '1008');
	is $phone->register(expires => 30)->code, 200, 'for the briefest time allowed';
	my $start = now();
	$switch->control_until(sub { !@$_ }, 'endpoints', user => '1008');
	near now() - $start, 3, 0.5, 'it is gone when its time is over';
};

subtest 'max_contacts' => sub {
	my @phone = map { phone(switch => $switch, user => '1009') } 1 .. 11;
	is $_->register->code, 200, 'a valid REGISTER is never refused' for @phone;
	my @uri = map { $_->{contact} } contacts('1009');
	is scalar(@uri), 10, 'ten contacts at most';
	ok !(grep { $_ eq 'sip:1009@' . $phone[0]->host_port } @uri), 'the oldest made room';
};

is $switch->control('status')->{endpoints}, 6, 'status counts the users with a contact';
finish;
