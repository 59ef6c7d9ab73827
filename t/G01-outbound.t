# G1: RFC 5626: a device is its instance and reg-id, whatever its port; its flows are kept apart.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Holdline::Test;

my $switch = start_switch(users => [1001 .. 1008]);
my $urn = 'urn:uuid:00000000-0000-1000-8000-000A95A0E128';
my @outbound = (Supported => 'path, outbound');

sub contacts { return @{$switch->control('endpoints', user => $_[0])} }
sub instance { return qq(;+sip.instance="<$urn>") . ($_[0] ? ";reg-id=$_[0]" : '') }

subtest 'a device that moves is one contact' => sub {
	my @phone = map { phone(switch => $switch, user => '1001') } 1 .. 3;
	for my $phone (@phone) {
		my $response = $phone->register(contact => $phone->contact . instance(1),
			headers => \@outbound);
		is $response->code, 200, 'registered';
		is $response->header('Require'), 'outbound', 'and its flow is kept';
		is scalar($response->list('Contact')), 1, 'one contact';
		like $response->header('Contact'), qr/\Q;+sip.instance="<$urn>";reg-id=1\E/, 'named in full';
	}
	my @contact = contacts('1001');
	is scalar(@contact), 1, 'one contact in the end';
	is $contact[0]{received_port}, $phone[2]{port}, 'where it was last';
};

subtest 'two flows of one device' => sub {
	my @phone = map { phone(switch => $switch, user => '1002') } 1, 2;
	$phone[$_]->register(contact => $phone[$_]->contact . instance($_ + 1), headers => \@outbound)
		for 0, 1;
	is scalar(contacts('1002')), 2, 'are two contacts';
	my $caller = phone(switch => $switch, user => '1001');
	my $call = $caller->invite('1002', sdp => 1);
	my $in = $phone[1]->incoming;
	is scalar($phone[0]->seen('INVITE')), 0, 'a call takes the latest of them only';
	$in->respond(486);
	is $call->failed->code, 486, 'and is answered once';
	my $other = phone(switch => $switch, user => '1002');
	$other->register(contact => $other->contact . ';+sip.instance="<urn:uuid:other>";reg-id=1',
		headers => \@outbound);
	$caller->invite('1002', sdp => 1);
	$other->incoming;
	ok $phone[1]->incoming, 'another device of the user rings beside it';
};

subtest 'the device says that it moved' => sub {
	my ($old, $new) = map { phone(switch => $switch, user => '1003') } 1, 2;
	$old->register(contact => $old->contact . instance());
	my $response = $new->register(contact => $old->contact . instance() . ';expires=0, '
		. $new->contact . instance());
	is $response->code, 200, 'its old address removed, its new one added';
	is_deeply [map { $_->{contact} } contacts('1003')], ['sip:1003@' . $new->host_port], 'in one';
};

subtest 'reg-id where it means nothing' => sub {
	my $phone = phone(switch => $switch, user => '1004');
	my $bare = $phone->register(contact => $phone->contact . ';reg-id=1', headers => \@outbound);
	is $bare->code, 200, 'without an instance it is ignored';
	is $bare->header('Require'), undef, 'and no flow is kept by it';
	unlike $bare->header('Contact'), qr/reg-id/, 'nor told';
	my $unasked = $phone->register(contact => $phone->contact . instance(1));
	is $unasked->header('Require'), undef, 'who does not support outbound is not told of it';
	my $both = $phone->register(contact => $phone->contact . instance(1) . ', <sip:x@192.0.2.1>',
		headers => \@outbound);
	is $both->code, 400, 'a flow beside another contact';
	is scalar(contacts('1004')), 1, 'changed nothing';
	my $swap = $phone->register(contact => '<sip:y@192.0.2.1>;expires=0, '
		. $phone->contact . instance(1), headers => \@outbound);
	is $swap->code, 200, 'one that removes others is good';
};

subtest 'behind a proxy' => sub {
	my $phone = phone(switch => $switch, user => '1005');
	my $via = [$phone->via('z9hG4bKproxy' . $$), 'SIP/2.0/UDP 10.0.0.9;branch=z9hG4bKphone' . $$];
	my @behind = (Via => $via);
	my $flow = $phone->contact . instance(1);
	my $lacks = $phone->register(contact => $flow, auth => 0, headers => [@behind, @outbound]);
	is $lacks->code, 401, 'challenged';
	my $attempt = sub {
		my (%arg) = @_;
		my $request = $phone->make_request('REGISTER', 'sip:holdline.test', to => '<' . $phone->aor
			. '>', headers => [Contact => $flow, Expires => 600, @{$arg{headers}}]);
		my $challenge = $phone->transact($request, auth => 0);
		my ($header) = map { Holdline::Test::Sip::parse_challenge($_) }
			$challenge->headers('WWW-Authenticate');
		my $again = $phone->credentials($request, $header, 0);
		my ($proxy) = $again->headers('Via');
		$again->set(Via => [$proxy, $via->[1]]);
		return $phone->transact($again, auth => 0);
	};
	is $attempt->(headers => \@outbound)->code, 439, 'a first hop that keeps no flows: 439';
	is $attempt->(headers => [@outbound, Path => '<sip:edge.example;lr>'])->code, 439,
		'also when it put itself on the Path without ob';
	my $ignored = $attempt->(headers => [Supported => 'path']);
	is $ignored->code, 200, 'who does not insist is registered';
	unlike $ignored->header('Contact'), qr/reg-id/, 'without a flow';
	my $kept = $attempt->(headers => [@outbound, Path => '<sip:edge.example;lr;ob>']);
	is $kept->code, 200, 'a first hop with ob';
	is $kept->header('Require'), 'outbound', 'keeps it';
};

finish;
