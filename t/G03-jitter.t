# G3: expire_jitter spreads the refreshes of phones that begin together; it only takes away.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use List::Util qw(min max);
use Holdline::Test;

my @users = 1001 .. 1080;
my $switch = start_switch(users => \@users, config => {plugins => {
	registrar => {expire => 1000, min_expire => 60, expire_jitter => 50}}});

sub granted {
	my ($phone, %arg) = @_;
	my $response = $phone->register(%arg);
	return $response->code == 200 ? $response->params('Contact')->{expires} : $response->code;
}

my @phone = map { phone(switch => $switch, user => $_) } @users;
my @first = map { granted($_) } @phone[0 .. 59];
cmp_ok max(@first), '<=', 1000, 'never more than without';
cmp_ok min(@first), '>=', 500, 'nor less than half, as configured';
my %bucket;
$bucket{int($_ / 100)}++ for @first;
cmp_ok scalar(keys %bucket), '>=', 5, 'a storm is spread over all of that';
cmp_ok max(values %bucket), '<=', @first / 2, 'evenly enough';
is granted($phone[0]), 1000, 'the next refresh gets the full time, so the spread stays';
is granted($phone[0], expires => 300), 300, 'and what it asks';
my @again = map { granted($phone[$_], call_id => "again-$_\@test", cseq => 1) } 1 .. 20;
cmp_ok scalar(grep { $_ < 1000 } @again), '>=', 15, 'a phone that begins anew is spread anew';
my @brief = map { granted($_, expires => 70) } @phone[60 .. 79];
cmp_ok min(@brief), '>=', 60, 'never below min_expire';
cmp_ok max(@brief), '<=', 70, 'and still less than asked';

finish;
