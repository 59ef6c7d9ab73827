# K11: what a policy must not answer: the configured default holds, and the log says so once for each
# version of the script.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Holdline::Test;

my @users = (1001 .. 1005);

sub script {
	my ($answer) = @_;
	return "local policy = {}\nfunction policy.keepalive(endpoint)\n\treturn $answer\nend\nreturn policy\n";
}

my %wrong = ('{ period = 9 }' => qr/period is 9; allowed: 10 to 86400/,
	'{ period = 86401 }' => qr/period is 86401; allowed: 10 to 86400/,
	'{ period = "x" }' => qr/period is not a whole number/,
	'{ period = {} }' => qr/period is not a whole number/,
	'{ period = 10.5 }' => qr/period is not a whole number/,
	'"x"' => qr/a string; allowed: false, or/,
	'{ message = {} }' => qr/message is a table, not text/,
	'{ message = ("x"):rep(1201) }' => qr/message is longer than 1200 bytes/);

sub complaints { return grep { $_->{line} =~ /tag=policy event=failed/ } $_[0]->log_events() }

for my $answer (sort keys %wrong) {
	my $switch = start_switch(users => \@users, clock_rate => 50, lua => script($answer), config => {
		plugins => {registrar => {}, keepalive => {period => 20}}});
	my @phones = phones($switch, nat => nat());
	is scalar(grep { $_->heartbeat->bytes eq 'HELLO' } @phones), @users, "$answer: as configured";
	my %row = map { $_->{user} => $_->{keepalive} } @{$switch->control('endpoints')};
	is scalar(grep { $_->{period} == 20 && $_->{decided_by} eq 'default' } values %row), @users,
		'period and decision are the default';
	$_->register for @phones;
	my @line = complaints($switch);
	is scalar(@line), 1, 'logged once, not for each of them';
	like $line[0]{line}, $wrong{$answer}, 'with what is wrong and what is allowed';
	like $line[0]{line}, qr/for=\S*1001\S* line=\S*policy\.lua:\d+/, 'the endpoint and the line';
	if ($answer eq '"x"') {
		$switch->write_file('policy.lua', script('{ period = 9 }'));
		ok $switch->reload->{ok}, 'another version of the script';
		$_->register for @phones;
		is scalar(complaints($switch)), 2, 'is worth another line';
	}
	$switch->stop;
}

finish;
