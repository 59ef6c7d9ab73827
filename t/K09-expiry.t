# K9: a period that is long for the registrations is warned of, at start and at reload.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Holdline::Test;

sub sizing { return grep { $_->{line} =~ /tag=keepalive event=sizing/ } $_[0]->log_events() }

sub switch_with {
	my ($nat_expire, %keepalive) = @_;
	return start_switch(users => [1001], config => {plugins => {
		registrar => {nat_expire => $nat_expire}, keepalive => \%keepalive}});
}

my @cases = (
	[300, 60, undef],
	[300, 61, qr/period=61 nat_expire=300 .*fifth.*mend="period ≤ 60 s or nat_expire ≥ 305 s"/],
	[300, 300, qr/fifth/],
	[300, 301, qr/period=301 nat_expire=300 .*exceeds/],
	[100, 20, undef],
	[100, 21, qr/fifth.*period ≤ 20 s/],
);
for my $case (@cases) {
	my ($nat_expire, $period, $says) = @$case;
	my $switch = switch_with($nat_expire, period => $period);
	my @warning = sizing($switch);
	is scalar(@warning), $says ? 1 : 0, "period $period, nat_expire $nat_expire: "
		. ($says ? 'a warning' : 'none');
	like $warning[0]{line}, $says, 'with both figures and what would do' if $says;
	is $warning[0]{level}, 'warn', 'as a warning' if $says;
	$switch->stop;
}

my $switch = switch_with(300, period => 400, message => '');
is scalar(sizing($switch)), 0, 'without a message there is nothing to warn of';
my %config = %{$switch->{config}};
ok $switch->reload({%config, plugins => {%{$config{plugins}},
	keepalive => {period => 400}}})->{ok}, 'a reload';
is scalar(sizing($switch)), 1, 'warns, too';
$switch->stop;

finish;
